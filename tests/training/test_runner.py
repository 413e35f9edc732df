"""A run's way through its child process, with a child that does what each test says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage

from accounts.models import Project, User
from config.standalone.layout import Layout
from tests.training.builders import (
    make_mil_run,
)
from tests.training.running import executed, stored
from training import services
from training.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

StandIn = Callable[[str], Path]


@pytest.fixture
def run(project: Project, lead: User) -> Run:
    return make_mil_run(project, lead)


def test_what_the_child_says_is_written_down(run: Run, learning: StandIn, data_folder_of_the_test: Layout) -> None:
    learning("""
        say("started", kind=kind, device="cpu", precision="fp32", threads=1, resumed_from=None)
        say("progress", step=1, total=2, epoch=1, epochs=2, message="epoch 1", seconds_left=1.5)
        say("metrics", epoch=1, values={"loss": 0.5})
        checkpoint(1, b"first")
        write("previews/epoch-0001.jpg", b"picture")
        say("preview", path="previews/epoch-0001.jpg", epoch=1)
        say("warning", message="Two bags only.")
        say("metrics", epoch=2, values={"loss": 0.25})
        checkpoint(2, b"second")
        checkpoint(3, b"third", best=False)
        say("finished", report={"balanced_error": 0.5})
    """)
    executed(run)
    assert (run.status, run.message) == (Run.Status.SUCCEEDED, "")
    assert run.report == {"balanced_error": 0.5}
    assert run.progress["machine"]["device"] == "cpu"
    assert run.progress["warnings"] == ["Two bags only."]
    assert run.worker == "gpu@test"
    assert list(run.metrics.values_list("epoch", "values")) == [(1, {"loss": 0.5}), (2, {"loss": 0.25})]
    assert [(row.epoch, row.is_best, stored(row.key)) for row in run.checkpoints.all()] == [
        (1, False, b"first"),
        (2, True, b"second"),
        (3, False, b"third"),
    ]
    assert stored(run.previews["1"]) == b"picture"
    assert run.dataset is not None
    assert run.inputs == {"manifest": run.dataset.manifest_sha256}
    assert "checkpoint of epoch 2 written, 6 bytes" in run.log_tail
    assert not (data_folder_of_the_test.work / "runs" / str(run.uuid)).exists()


def test_the_child_gets_manifest_slides_stain_and_configuration(run: Run, learning: StandIn) -> None:
    learning("""
        config = json.loads(Path(arguments["--config"]).read_text())
        rows = [json.loads(line) for line in Path(arguments["--manifest"]).read_text().splitlines()]
        say("finished", report={"kind": kind, "stain": arguments["--stain"], "epochs": config["epochs"],
            "threads": config["threads"], "rows": len(rows), "root": arguments["--slides-root"],
            "resumes": "--resume" in arguments, "omp": os.environ["OMP_NUM_THREADS"]})
    """)
    threads = django_settings.TRAINING_THREADS
    assert executed(run).report == {
        "kind": "mil",
        "stain": "HE",
        "epochs": run.config["epochs"],
        "threads": run.config["threads"] or threads,
        "rows": 1 + 4 + 16,
        "root": str(django_settings.LAYOUT.storage),
        "resumes": False,
        "omp": str(threads),
    }


def test_the_child_is_not_told_secrets(run: Run, learning: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    learning("""
        known = sorted({"SECRET_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY"} & set(os.environ))
        say("finished", report={"known": known})
    """)
    assert executed(run).report == {"known": []}


def test_what_a_person_can_put_right_is_said_on_the_page(run: Run, learning: StandIn) -> None:
    learning("""
        say("error", message="No space is left for epoch-0001; free some.", fault="person")
        print("No space is left for epoch-0001; free some.", file=sys.stderr)
        sys.exit(2)
    """)
    executed(run)
    assert (run.status, run.message) == (Run.Status.FAILED, "No space is left for epoch-0001; free some.")


def test_a_fault_of_the_program_is_short_on_the_page_and_whole_in_the_log(run: Run, learning: StandIn) -> None:
    learning("""
        raise RuntimeError("tensors of different size")
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert run.message == "The training process ended with code 1. This is a fault of the program; see the log."
    assert "RuntimeError: tensors of different size" in run.log_tail


def test_the_last_line_speaks_when_no_event_does(run: Run, learning: StandIn) -> None:
    learning("""
        print("--stain SYN: expected HE or KI67", file=sys.stderr)
        sys.exit(2)
    """)
    assert executed(run).message == "--stain SYN: expected HE or KI67"


def test_an_end_without_report_is_a_failure(run: Run, learning: StandIn) -> None:
    learning("")
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "ended without a report" in run.message


def test_garbage_on_stdout_goes_to_the_log(run: Run, learning: StandIn) -> None:
    learning("""
        sys.stdout.buffer.write(b"\\xff\\xfe not text\\n")
        print("[1, 2]"); print('{"event": "party"}'); print('{"event": "progress"')
        sys.stdout.buffer.write(b"x" * 3_000_000 + b"\\n")
        sys.stdout.flush()
        say("finished", report={})
    """)
    executed(run)
    assert run.status == Run.Status.SUCCEEDED
    assert '{"event": "party"}' in run.log_tail
    assert max(len(line) for line in run.log_tail.splitlines()) < 600


def test_a_child_that_writes_much_on_both_streams_is_not_stuck(run: Run, learning: StandIn) -> None:
    learning("""
        for number in range(20_000):
            print("noise", number, "x" * 50)
            print("more noise", number, "x" * 50, file=sys.stderr)
        say("finished", report={"said": 40_000})
    """)
    executed(run)
    assert run.report == {"said": 40_000}
    assert len(run.log_tail.splitlines()) == 200


def test_a_file_outside_the_out_folder_is_refused(run: Run, learning: StandIn) -> None:
    learning("""
        say("preview", path="../../../../../../etc/hostname", epoch=1)
        say("finished", report={})
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "which is not in its folder" in run.message
    assert run.previews == {}


def test_a_full_disk_is_said_and_nothing_half_written_is_listed(
    run: Run, learning: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("viewer.storage.save_file", full)
    learning("""
        checkpoint(1, b"first")
        say("finished", report={})
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "No space is left on the worker's disk or in storage." in run.message
    assert not run.checkpoints.exists()


def test_a_retrained_epoch_takes_the_place_of_the_first(run: Run, learning: StandIn) -> None:
    learning("""
        checkpoint(1, b"first")
        sys.exit(3)
    """)
    executed(run)
    services.requeue_run(run)
    learning("""
        checkpoint(1, b"again")
        say("finished", report={})
    """)
    executed(run)
    checkpoint = run.checkpoints.get()
    assert stored(checkpoint.key) == b"again"
    assert json.dumps(default_storage.listdir(f"runs/{run.uuid}/checkpoints")[1]) == json.dumps(
        [checkpoint.key.rpartition("/")[2]]
    )
