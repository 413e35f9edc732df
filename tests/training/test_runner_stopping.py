"""Runs that are cancelled, killed, overtaken or resumed: what of them goes on and what ends."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import Project, User
from tests.training.builders import (
    make_mil_run,
    make_running,
)
from tests.training.running import executed, in_thread, is_alive, stored, wait_until
from training import runner, services
from training.models import Run
from training.outcome import Outcome
from training.services import RunLedger, claim_run, request_cancel

pytestmark = pytest.mark.django_db(transaction=True)

StandIn = Callable[[str], Path]


@pytest.fixture
def run(project: Project, lead: User) -> Run:
    return make_mil_run(project, lead)


def test_a_killed_child_is_a_failure_that_speaks_of_memory(run: Run, learning: StandIn) -> None:
    learning("""
        checkpoint(1, b"first")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert "ended from outside (SIGKILL); often the machine ran out of memory" in run.message
    assert stored(run.checkpoints.get().key) == b"first"


def test_what_the_child_leaves_behind_is_ended(run: Run, learning: StandIn) -> None:
    learning("""
        left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        say("finished", report={"left": left.pid})
    """)
    executed(run)
    assert run.status == Run.Status.SUCCEEDED
    wait_until(lambda: not is_alive(run.report["left"]))


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
