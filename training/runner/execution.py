"""One attempt of a run, from the claimed row to its outcome."""

import errno
import logging
import signal
import time
import traceback
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from training.learning import events
from training.learning.errors import LearningError
from training.models import Run
from training.outcome import Ledger, Outcome, RunLost
from training.runner.child import Child
from training.runner.log import LogTail
from training.runner.patience import PatientLedger
from training.runner.products import deliver
from training.runner.pulse import Cancelled, Pulse
from training.runner.saving import Saver
from training.runner.workspace import Workspace

PERSON_MUST_ACT, STOPPED = 2, 143
PROGRESS_EVERY_SECONDS = 1.0

logger = logging.getLogger(__name__)


def execute(run: Run, ledger: Ledger) -> Outcome | None:
    """Do a claimed run's work in a child process and say how it ended; None once another worker has claimed it.

    The child's log is kept for the lead; the run's page gets one plain sentence.
    """
    with ExitStack() as lent:
        workspace = Workspace(run, lent)
        log = LogTail()
        outcome: Outcome | None
        with Pulse(ledger) as pulse:
            try:
                outcome = _Attempt(run, ledger, pulse, workspace, log).work()
            except RunLost:
                logger.warning("Run %s was taken over by another worker.", run.pk)
                outcome = None
            except Cancelled:
                outcome = Outcome(Run.Status.CANCELLED, log_tail=str(log))
            except (ApplicationError, LearningError) as error:
                outcome = Outcome(Run.Status.FAILED, str(error), str(log))
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    outcome = _program_fault(run, log)
                else:
                    message = _("No space is left on the worker's disk or in storage. Free some, then resume the run.")
                    outcome = Outcome(Run.Status.FAILED, message, str(log))
            except Exception:
                outcome = _program_fault(run, log)
            finally:
                # The newest state, the checkpoints and the log are in storage by now.
                workspace.leave()
        return outcome


class _Attempt:
    """What an attempt has heard so far."""

    def __init__(self, run: Run, ledger: Ledger, pulse: Pulse, workspace: Workspace, log: LogTail) -> None:
        self.run = run
        self.ledger = PatientLedger(ledger)
        self.pulse = pulse
        self.workspace = workspace
        self.log = log
        self.progress: dict[str, Any] = {"message": _("fetching slides and weights")}
        self.report: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self._told_at = 0.0

    def work(self) -> Outcome:
        """Fetch, learn, deliver."""
        self._tell()
        self.workspace.open()
        command = self.workspace.command()
        self.ledger.inputs(self.workspace.inputs)
        self.pulse.check()
        with Saver(self.run, self.workspace.out, self.ledger) as saver:
            exit_code = self._listen(command, saver)
            saver.settle(wait=True)
            if exit_code != 0:
                saver.resume_state(int(self.progress.get("epoch") or 0), at_once=True)
                saver.settle(wait=True)
            self.pulse.check()
        if exit_code == 0 and self.report is not None:
            self.progress["message"] = _("storing the result")
            self._tell()
            report = deliver(self.run, self.workspace, self.report)
            self.pulse.check()
            return Outcome(Run.Status.SUCCEEDED, log_tail=str(self.log), report=report)
        return Outcome(Run.Status.FAILED, self._what_happened(exit_code), str(self.log))

    def _listen(self, command: list[str], saver: Saver) -> int:
        with Child(command, cwd=settings.BASE_DIR, env=self.workspace.environment()) as child:
            self.pulse.on_stop = child.stop
            for said in child.lines():
                if said is not None:
                    stream, line = said
                    event = events.parse(line) if stream == "stdout" else None
                    if event is None:
                        self.log.add(line)
                    else:
                        self._hear(event, saver)
                saver.settle()
                if time.monotonic() - self._told_at >= PROGRESS_EVERY_SECONDS:
                    self._tell()
            self.pulse.on_stop = None
            return child.wait()

    def _hear(self, event: dict[str, Any], saver: Saver) -> None:
        values = {key: value for key, value in event.items() if key != "event"}
        match event["event"]:
            case "started":
                self.progress["machine"] = values
                self.log.add("started on {device}, {precision}".format_map(_Lenient(values)))
            case "progress":
                self.progress |= values
                saver.resume_state(int(values.get("epoch") or 0))
            case "metrics":
                self.ledger.metrics(int(values["epoch"]), values["values"])
            case "checkpoint":
                self.log.add("checkpoint of epoch {epoch} written, {size_bytes:,} bytes".format_map(_Lenient(values)))
                saver.checkpoint(values)
                saver.resume_state(int(values["epoch"]), at_once=True)
            case "preview":
                saver.preview(values)
            case "warning":
                self.log.add(f"warning: {values.get('message')}")
                self.progress.setdefault("warnings", []).append(values.get("message"))
            case "finished":
                self.report = values["report"]
            case "error":
                self.error = values
                self.log.add(f"error: {values.get('message')}")

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        close_old_connections()  # a run outlives what servers and firewalls think of an idle connection
        self.ledger.progress(self.progress, str(self.log))

    def _what_happened(self, exit_code: int) -> str:
        """Return a sentence for the page: what a person can put right, or that the program is at fault."""
        if exit_code == STOPPED:
            return _("The training process was asked to stop by its machine; its state is saved. Resume the run.")
        if exit_code < 0:
            name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else str(-exit_code)
            return _(
                "The training process was ended from outside (%(signal)s); often the machine ran out of memory. Take a "
                "smaller batch or a bigger machine, then resume the run."
            ) % {"signal": name}
        by_person = self.error is not None and self.error.get("fault") == "person"
        if self.error is not None and (by_person or exit_code == PERSON_MUST_ACT):
            return str(self.error.get("message"))
        if exit_code == PERSON_MUST_ACT:
            return self.log.last
        if exit_code == 0:
            return _("The training process ended without a report. This is a fault of the program; see the log.")
        return _("The training process ended with code %(code)s. This is a fault of the program; see the log.") % {
            "code": exit_code
        }


class _Lenient(dict[str, Any]):
    """Values for a log line; one that is missing must not end a run."""

    def __missing__(self, key: str) -> Any:
        return 0 if key.endswith("bytes") else "?"


def _program_fault(run: Run, log: LogTail) -> Outcome:
    logger.exception("Run %s stopped on a fault of the program.", run.pk)
    log.add(traceback.format_exc())
    message = _("The worker stopped the run on a fault of the program; the log below has the details.")
    return Outcome(Run.Status.FAILED, message, str(log))
