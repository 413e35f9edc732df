"""The real thing: `python -m config.standalone run` with granian and both Celery workers."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

from config.standalone.layout import PROJECT_ROOT
from config.standalone.processes import PROC, is_alive, processes_in
from tests.stack import RunningStack, running_stack


def start_again(stack: RunningStack, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "config.standalone", "run"],
        cwd=PROJECT_ROOT,
        env={**stack.environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def everything_of(stack: RunningStack) -> list[int]:
    """Return every living process that has this data folder in its environment or works in it."""
    home = f"COUNTERSTAIN_HOME={stack.home}".encode()
    found = processes_in(stack.home / "postgres" / "data")
    for entry in PROC.glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if home in environment and int(entry.name) != os.getpid() and is_alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def test_the_stack_serves_refuses_a_second_copy_and_leaves_nothing_after_kill_9(tmp_path: Path) -> None:
    with running_stack() as stack:
        assert stack.url in stack.banner
        assert urlopen(f"{stack.url}/healthz").read() == b"ok"

        doctor = stack.manage("doctor", check=False)
        works = re.findall(r"^ok +(\w+)", doctor.stdout, re.MULTILINE)
        assert {"database", "migrations", "broker", "workers", "storage", "OpenSlide", "torch"} <= set(works), (
            doctor.stdout
        )

        same_folder = start_again(stack, PORT="1")
        assert (same_folder.returncode, same_folder.stdout) == (2, "")
        assert f"already runs on {stack.home} (process {stack.process.pid})" in same_folder.stderr

        same_port = start_again(stack, COUNTERSTAIN_HOME=str(tmp_path / "other"))
        assert same_port.returncode == 2
        assert f"Port {stack.port} on 127.0.0.1 is taken" in same_port.stderr
        assert not (tmp_path / "other" / "postgres").exists()

        stack.process.kill()
        stack.process.wait()
        give_up_at = time.monotonic() + 60
        while (left := everything_of(stack)) and time.monotonic() < give_up_at:
            time.sleep(0.1)
        assert left == []
