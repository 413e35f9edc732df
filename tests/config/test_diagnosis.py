import json
import shutil
from collections import namedtuple
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from config import diagnosis
from config.diagnosis import Finding, diagnose


def find(part: str) -> Finding:
    return next(finding for finding in diagnose() if finding.part == part)


@pytest.fixture(autouse=True)
def built_front_end(settings: Any, tmp_path: Path) -> Path:
    settings.FRONTEND_BUILD = tmp_path / "dist"
    settings.FRONTEND_BUILD.mkdir()
    (settings.FRONTEND_BUILD / "manifest.json").write_text(json.dumps({"page": {"file": "page.js"}}))
    (settings.FRONTEND_BUILD / "page.js").touch()
    settings.HOME = tmp_path
    return tmp_path / "dist"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the looks that wait: tests/config/standalone/test_main.py takes them on a running stack."""
    for slow in ("look_at_torch", "look_at_broker", "look_at_workers"):
        monkeypatch.setattr(diagnosis, slow, lambda: "looked at elsewhere")


@pytest.mark.django_db
def test_a_healthy_installation_has_nothing_to_do() -> None:
    findings = list(diagnose())
    assert [finding.part for finding in findings] == [
        "database",
        "migrations",
        "broker",
        "workers",
        "storage",
        "OpenSlide",
        "torch",
        "front end",
        "free disk",
    ]
    assert [finding for finding in findings if not finding.works] == []
    assert findings[0].found.startswith("PostgreSQL ")
    assert default_storage.listdir("doctor")[1] == []


@pytest.mark.django_db
def test_a_part_that_breaks_is_named_with_what_to_do(built_front_end: Path) -> None:
    (built_front_end / "page.js").unlink()
    finding = find("front end")
    assert not finding.works
    assert finding.found == "page.js is named by the manifest and missing"
    assert finding.remedy == "Build it again: make frontend."


@pytest.mark.django_db
def test_the_doctor_ends_with_1_and_a_remedy_when_a_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**9, 10**9))
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("doctor", stdout=out)
    assert end.value.code == 1
    assert "failed free disk   1 GB in " in out.getvalue()
    assert "Free some" in out.getvalue()
    assert out.getvalue().count("failed") == 1


def test_workers_that_serve_no_queue_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    class Inspect:
        def active_queues(self) -> dict[str, list[dict[str, str]]]:
            return {"cpu@here": [{"name": "cpu"}]}

    monkeypatch.setattr(diagnosis.app.control, "inspect", lambda timeout: Inspect())
    with pytest.raises(diagnosis.Trouble, match=r"no worker for queue gpu \(training, synthesis\)") as trouble:
        diagnosis.look_at_workers()
    assert "-Q gpu" in trouble.value.remedy
