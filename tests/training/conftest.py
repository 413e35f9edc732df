"""A child process that learns nothing: each test writes what it does."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project, Role, User
from tests.factories import add_member, make_project, make_user
from training import launch
from training.runner import workspace

PRELUDE = """
import json, os, signal, subprocess, sys, time
from hashlib import sha256
from pathlib import Path

kind, arguments = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
out = Path(arguments["--out"])

def say(event, **values):
    print(json.dumps({"event": event} | values), flush=True)

def write(name, content):
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)

def checkpoint(epoch, content, best=True):
    write(f"checkpoints/epoch-{epoch:04d}.safetensors", content)
    say("checkpoint", path=f"checkpoints/epoch-{epoch:04d}.safetensors", epoch=epoch, best=best,
        sha256=sha256(content).hexdigest(), size_bytes=len(content), metrics={"balanced_error": 1 / epoch})
"""


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Callable[[str], Path]:
    """Return a function that says what stands in for `python -m training.learning`."""
    settings.RUN_HEARTBEAT_SECONDS = 0.1

    def stand_in(body: str) -> Path:
        script = tmp_path / "learning.py"
        script.write_text(PRELUDE + textwrap.dedent(body))
        monkeypatch.setattr(workspace, "LEARNING", (sys.executable, str(script)))
        return script

    return stand_in


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What would have gone to the workers: the runs of each message. Nothing is sent."""
    sent: list[list[int]] = []
    monkeypatch.setattr(launch, "_enqueue", lambda runs, then=(): sent.append([run.pk for run in runs]))
    return sent


@pytest.fixture
def other_lead(project: Project) -> User:
    """A lead, but of another project."""
    return add_member(make_user("other_lead"), make_project("Third study"), Role.LEAD)
