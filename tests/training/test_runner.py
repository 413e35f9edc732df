"""A run's way through its child process, with a child that does what each test says."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from accounts.models import Project, User
from annotation.models import PatchPrediction
from config.standalone.layout import Layout
from tests.factories import make_case, make_patch, make_slide
from tests.training.builders import (
    make_done_generator,
    make_done_run,
    make_mil_run,
    make_running,
)
from training import runner, services
from training.models import Run
from training.outcome import Outcome
from training.services import RunLedger, claim_run, create_run, record_outcome, request_cancel

pytestmark = pytest.mark.django_db(transaction=True)

StandIn = Callable[[str], Path]


@pytest.fixture
def run(project: Project, lead: User) -> Run:
    return make_mil_run(project, lead)


def executed(run: Run) -> Run:
    """Claim, execute and record, as the task does."""
    claimed = claim_run(run.pk, "gpu@test")
    assert claimed is not None
    outcome = runner.execute(claimed, RunLedger(claimed))
    if outcome is not None:
        record_outcome(claimed, outcome)
    run.refresh_from_db()
    return run


def stored(key: str) -> bytes:
    with default_storage.open(key, "rb") as file:
        return bytes(file.read())


def is_alive(pid: int) -> bool:
    """Tell whether a process works; one that has ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def wait_until(happens: Callable[[], bool], seconds: float = 20) -> None:
    for _moment in range(int(seconds / 0.02)):
        if happens():
            return
        time.sleep(0.02)
    raise AssertionError("It did not happen.")


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def closing() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=closing)
    thread.start()
    return thread


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


def test_a_killed_child_is_a_failure_that_speaks_of_memory(run: Run, learning: StandIn) -> None:
    learning("""
        checkpoint(1, b"first")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "ended from outside (SIGKILL); often the machine ran out of memory" in run.message
    assert stored(run.checkpoints.get().key) == b"first"


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


def test_what_the_child_leaves_behind_is_ended(run: Run, learning: StandIn) -> None:
    learning("""
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        say("finished", report={"left": left.pid})
    """)
    executed(run)
    assert run.status == Run.Status.SUCCEEDED
    wait_until(lambda: not is_alive(run.report["left"]))


def test_a_file_outside_the_out_folder_is_refused(run: Run, learning: StandIn) -> None:
    learning("""
        say("preview", path="../../../../../../etc/hostname", epoch=1)
        say("finished", report={})
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "which is not in its folder" in run.message
    assert run.previews == {}


def test_cancel_ends_the_child_and_all_it_started(run: Run, lead: User, learning: StandIn, tmp_path: Path) -> None:
    learning(f"""
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        checkpoint(1, b"first")
        Path({str(tmp_path)!r}, "pids").write_text(f"{{os.getpid()}} {{helper.pid}}")
        time.sleep(600)
    """)
    thread = in_thread(partial(executed, run))
    wait_until(lambda: (tmp_path / "pids").exists() and run.checkpoints.exists())
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    request_cancel(run, lead)
    thread.join()
    run.refresh_from_db()
    assert (run.status, run.message) == (Run.Status.CANCELLED, "Cancelled by lead.")
    assert not any(is_alive(pid) for pid in pids)
    assert run.checkpoints.count() == 1


def test_a_child_that_will_not_stop_is_killed(
    run: Run, lead: User, learning: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.runner.child.Child.stop.__defaults__", (0.3,))
    learning(f"""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Path({str(tmp_path)!r}, "pid").write_text(str(os.getpid()))
        time.sleep(600)
    """)
    thread = in_thread(partial(executed, run))
    wait_until(lambda: (tmp_path / "pid").exists())
    request_cancel(run, lead)
    thread.join()
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED


def test_an_attempt_that_was_overtaken_stops_its_child_and_writes_nothing(
    run: Run, learning: StandIn, tmp_path: Path
) -> None:
    learning(f"""
        Path({str(tmp_path)!r}, "pid").write_text(str(os.getpid()))
        time.sleep(600)
    """)
    outcomes: list[Outcome | None] = []

    def attempt() -> None:
        claimed = claim_run(run.pk)
        assert claimed is not None
        outcomes.append(runner.execute(claimed, RunLedger(claimed)))

    thread = in_thread(attempt)
    wait_until(lambda: (tmp_path / "pid").exists())
    make_running(run, attempt=2, worker="gpu@other")
    thread.join()
    assert outcomes == [None]
    assert not is_alive(int((tmp_path / "pid").read_text()))
    run.refresh_from_db()
    assert (run.status, run.attempt, run.worker) == (Run.Status.RUNNING, 2, "gpu@other")


def test_the_heartbeat_goes_on_while_the_child_is_quiet(run: Run, learning: StandIn, tmp_path: Path) -> None:
    learning(f"""
        Path({str(tmp_path)!r}, "ready").touch()
        while not Path({str(tmp_path)!r}, "go").exists():
            time.sleep(0.02)
        say("finished", report={{}})
    """)
    thread = in_thread(partial(executed, run))
    wait_until(lambda: (tmp_path / "ready").exists())
    run.refresh_from_db()
    first = run.heartbeat_at
    wait_until(lambda: Run.objects.get(pk=run.pk).heartbeat_at != first)
    (tmp_path / "go").touch()
    thread.join()
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED


def test_an_attempt_goes_on_from_the_state_of_the_one_before(run: Run, learning: StandIn) -> None:
    learning("""
        write("state/weights.safetensors", b"epoch 1")
        write("state/deep/random.json", b"{}")
        checkpoint(1, b"first")
        sys.exit(3)
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert run.resume_state["epoch"] == 1
    assert sorted(run.resume_state["files"]) == ["deep/random.json", "weights.safetensors"]
    services.requeue_run(run)
    learning("""
        state = Path(arguments["--resume"]) / "state"
        say("finished", report={"found": (state / "weights.safetensors").read_text(),
                                "deep": (state / "deep" / "random.json").read_text()})
    """)
    executed(run)
    assert run.report == {"found": "epoch 1", "deep": "{}"}
    assert run.attempt == 2


def test_a_state_saved_while_stopping_is_kept(run: Run, lead: User, learning: StandIn, tmp_path: Path) -> None:
    learning(f"""
        def stop(*_):
            write("state/weights.safetensors", b"last")
            sys.exit(1)
        signal.signal(signal.SIGTERM, stop)
        Path({str(tmp_path)!r}, "ready").touch()
        time.sleep(600)
    """)
    thread = in_thread(partial(executed, run))
    wait_until(lambda: (tmp_path / "ready").exists())
    request_cancel(run, lead)
    thread.join()
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert stored(run.resume_state["key"] + "/weights.safetensors") == b"last"


def test_a_generator_is_given_both_classifiers(project: Project, lead: User, learning: StandIn) -> None:
    he, ki67 = make_done_run(project, lead, "HE"), make_done_run(project, lead, "KI67")
    run = create_run(
        project,
        "cyclegan",
        lead,
        dataset=project.datasets.get(),
        source_classifier_run=he,
        target_classifier_run=ki67,
        preset="tiny",
    )
    learning("""
        say("finished", report={name: Path(arguments[f"--{name}-classifier"]).read_text()
                                for name in ("source", "target")})
    """)
    executed(run)
    assert run.report == {
        "source": f"weights of run {he.pk}, epoch 1",
        "target": f"weights of run {ki67.pk}, epoch 1",
    }
    assert run.inputs["target_classifier"] == ki67.checkpoints.get().sha256


def test_a_synthesis_becomes_an_unpublished_slide_once(
    project: Project, lead: User, learning: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, source = make_done_generator(project, lead), make_slide(make_case(project), "HE")
    default_storage.save(source.key, ContentFile(b"slide"))
    asked: list[dict[str, Any]] = []

    def register(**values: Any) -> Any:
        asked.append(values | {"content": values["path"].read_bytes()})
        return source

    monkeypatch.setattr("viewer.services.register_synthetic_slide", register)
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=source, preset="tiny")
    learning("""
        assert Path(arguments["--slide"]).read_text() == "slide" and arguments["--mpp"] == "0.25"
        weights = [Path(arguments[name]).read_bytes() for name in ("--generator", "--classifier")]
        write("synthetic.tif", b"".join(weights))
        say("finished", report={"tiles": 9, "mpp": 0.5})
    """)
    executed(run)
    assert run.report == {"tiles": 9, "mpp": 0.5, "slide": source.pk}
    (registered,) = asked
    assert registered["source"] == source
    assert registered["generator_sha256"] == generator.checkpoints.get().sha256
    assert (registered["stain"], registered["mpp"]) == ("KI67", 0.5)
    weights = f"weights of run {generator.pk}, epoch 1weights of run {generator.source_classifier_run_id}, epoch 1"
    assert registered["content"].decode() == weights


def test_a_score_becomes_predictions(project: Project, lead: User, learning: StandIn) -> None:
    classifier, slide = make_done_run(project, lead, "HE"), make_slide(make_case(project), "HE")
    default_storage.save(slide.key, ContentFile(b"slide"))
    patch = make_patch(slide, 1)
    make_patch(slide, 2, offered=False)
    run = create_run(project, "score", lead, source_classifier_run=classifier, slide=slide, preset="tiny")
    learning("""
        rows = json.loads(Path(arguments["--patches"]).read_text())
        with (out / "predictions.jsonl").open("w") as file:
            for row in rows:
                best = {"probability": 0.75, "best_x_l0": row["x_l0"] + 224, "best_y_l0": row["y_l0"]}
                codes = {"instance_probabilities": [[0, 190], [255, 7]]}
                file.write(json.dumps({"patch": row["id"]} | best | codes) + "\\n")
        say("finished", report={})
    """)
    executed(run)
    assert run.report == {"patches": 1}
    prediction = PatchPrediction.objects.get()
    assert (prediction.patch, prediction.probability, prediction.best_x_l0) == (patch, 0.75, 2464)
    assert bytes(prediction.instance_probabilities) == bytes([0, 190, 255, 7])
    assert prediction.checkpoint_sha256 == classifier.checkpoints.get().sha256


def test_a_predecessor_without_checkpoint_is_said(project: Project, lead: User, learning: StandIn) -> None:
    classifier = make_mil_run(project, lead, status=Run.Status.SUCCEEDED)
    slide = make_slide(make_case(project), "HE")
    run = create_run(project, "score", lead, source_classifier_run=classifier, slide=slide, preset="tiny")
    learning("")
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "left no checkpoint to work from" in run.message


def test_the_child_dies_with_its_worker(run: Run, tmp_path: Path) -> None:
    """Kill -9 of the worker process: the kernel ends the child."""
    script = f"""
import sys
from pathlib import Path
import django
django.setup()
from training.runner.child import Child
with Child([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"],
           Path({str(tmp_path)!r}), {{}}) as child:
    for said in child.lines():
        print(said[1] if said else "", flush=True)
"""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    worker = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=django_settings.BASE_DIR,
        text=True,
    )
    assert worker.stdout is not None
    child_pid = int(worker.stdout.readline())
    assert is_alive(child_pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    wait_until(lambda: not is_alive(child_pid))


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


def test_a_run_that_is_asked_to_stop_before_its_child_starts_never_starts_it(
    run: Run, lead: User, learning: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    learning(f"""
        Path({str(tmp_path)!r}, "started").touch()
    """)
    fetched = runner.execution.Workspace.command

    def slow(workspace: Any) -> list[str]:
        request_cancel(run, lead)
        time.sleep(0.5)
        return fetched(workspace)

    monkeypatch.setattr(runner.execution.Workspace, "command", slow)
    executed(run)
    assert run.status == Run.Status.CANCELLED
    assert not (tmp_path / "started").exists()
