"""A Celery application with one slow task, which tells by files how far it has come."""

import os
import time
from pathlib import Path

from celery import Celery

from config.environment import broker_options
from config.standalone.layout import Layout

layout = Layout(Path(os.environ["COUNTERSTAIN_HOME"]))
app = Celery("slow", broker=layout.broker_url, fixups=[])  # without Django: it starts sooner
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1
app.conf.task_default_queue = "cpu"
app.conf.broker_transport_options = broker_options(layout.broker_url)


@app.task(ignore_result=True)
def step(name: str) -> None:
    """Leave a line for each time it begins; the first time of `first` never ends."""
    with (layout.home / f"{name}.begun").open("a") as file:
        file.write("begun\n")
    if name == "first" and (layout.home / "first.begun").read_text().count("\n") == 1:
        time.sleep(600)
    (layout.home / f"{name}.done").touch()
