"""Look at each part of an installation; for one that fails, say what to do."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.celery import app

QUEUES = {"cpu": "imports, counting", "gpu": "training, synthesis"}
LEAST_FREE_BYTES = 5 * 10**9
PATIENCE_SECONDS = 60
START_HINT = "Start the stack (make run), or check {name} if it runs elsewhere."
TORCH_QUESTION = """
import json, torch
cuda = torch.cuda.is_available()
ones = torch.ones(64, 64, device="cuda" if cuda else "cpu")
name = torch.cuda.get_device_name(0) if cuda else "CPU"
print(json.dumps({"version": torch.__version__, "device": name, "product": float((ones @ ones)[0, 0])}))
"""


@dataclass(frozen=True)
class Finding:
    """What was found of one part. `remedy` is empty when it works."""

    part: str
    found: str
    remedy: str = ""

    @property
    def works(self) -> bool:
        return not self.remedy


class Trouble(Exception):
    """A part does not work as it should."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


def diagnose() -> Iterator[Finding]:
    """Look at one part after the other."""
    looks: list[tuple[str, Callable[[], str], str]] = [
        ("database", look_at_database, START_HINT.format(name="DATABASE_URL")),
        ("migrations", look_at_migrations, "Bring the database up first."),
        ("broker", look_at_broker, START_HINT.format(name="CELERY_BROKER_URL")),
        ("workers", look_at_workers, "Bring the broker up first."),
        ("storage", look_at_storage, "Check the storage settings (docs/operate.md) and the rights of this account."),
        ("OpenSlide", look_at_openslide, "Install the requirements again: make install."),
        ("torch", look_at_torch, "Install the requirements again: make install; for a GPU check its driver."),
        ("front end", look_at_front_end, "Build it: make frontend."),
        ("free disk", look_at_disk, "Check COUNTERSTAIN_HOME."),
    ]
    for part, look, remedy in looks:
        try:
            yield Finding(part, look())
        except Trouble as trouble:
            yield Finding(part, str(trouble), trouble.remedy)
        except Exception as error:  # whatever breaks a part is what we are here to report
            yield Finding(part, f"{type(error).__name__}: {first_line(error)}", remedy)


def look_at_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"


def look_at_migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        names = ", ".join(str(migration) for migration, _ in waiting[:3])
        raise Trouble(f"{len(waiting)} not applied: {names}", "Apply them: python manage.py prepare.")
    return "all applied"


def look_at_broker() -> str:
    with app.connection_for_read(connect_timeout=5) as broker:
        broker.ensure_connection(max_retries=1, timeout=5)
        return f"{broker.transport.driver_type} answers"


def look_at_workers() -> str:
    answers = app.control.inspect(timeout=3).active_queues() or {}
    served = {queue["name"]: worker for worker, queues in answers.items() for queue in queues}
    missing = [f"{queue} ({work})" for queue, work in QUEUES.items() if queue not in served]
    if missing:
        queue = missing[0].split()[0]
        raise Trouble(
            f"no worker for queue {', '.join(missing)}",
            f"Start the stack (make run), or there: python -m celery -A config worker -Q {queue} -n {queue}@%h.",
        )
    return ", ".join(f"{queue}: {served[queue]}" for queue in QUEUES)


def look_at_storage() -> str:
    key = f"doctor/{uuid.uuid4()}"
    default_storage.save(key, ContentFile(b"counterstain"))
    try:
        with default_storage.open(key) as stored:
            if stored.read() != b"counterstain":
                raise Trouble("what was written is not what is read", "Check the disk or the bucket.")
    finally:
        default_storage.delete(key)
    return f"{type(default_storage._wrapped).__name__}: writes, reads, deletes"  # type: ignore[attr-defined]


def look_at_openslide() -> str:
    import openslide

    return f"{openslide.__library_version__}"


def look_at_torch() -> str:
    """Ask in a process of its own: this one stays without torch, like the web."""
    done = subprocess.run(
        [sys.executable, "-c", TORCH_QUESTION], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    answer = json.loads(done.stdout)
    if answer["product"] != 64:
        remedy = "Check the driver, or hide the GPU: CUDA_VISIBLE_DEVICES=."
        raise Trouble(f"{answer['device']} computes wrongly", remedy)
    return f"{answer['version']} on {answer['device']}"


def look_at_front_end() -> str:
    manifest = settings.FRONTEND_BUILD / "manifest.json"
    if not manifest.is_file():
        raise Trouble(f"{manifest} is missing", "Build it: make frontend.")
    entries = json.loads(manifest.read_text())
    missing = [entry["file"] for entry in entries.values() if not (settings.FRONTEND_BUILD / entry["file"]).is_file()]
    if missing:
        raise Trouble(f"{missing[0]} is named by the manifest and missing", "Build it again: make frontend.")
    return f"{len(entries)} files built"


def look_at_disk() -> str:
    free = shutil.disk_usage(settings.HOME).free
    found = f"{free / 1e9:.0f} GB in {settings.HOME}"
    if free < LEAST_FREE_BYTES:
        remedy = f"Free some: a training run needs about {LEAST_FREE_BYTES / 1e9:.0f} GB for checkpoints and slides."
        raise Trouble(found, remedy)
    return found


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
