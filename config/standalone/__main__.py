"""`python -m config.standalone run|demo`: everything on one machine, until Ctrl-C."""

import argparse
import os
import signal
import sys
import time

from django.core.exceptions import ImproperlyConfigured

from config.standalone import checks
from config.standalone.errors import CannotStart
from config.standalone.layout import Layout, home_folder
from config.standalone.leash import send_on_parents_death
from config.standalone.lock import lock_folder
from config.standalone.supervisor import Interrupted, PartFailed, Supervisor

CANNOT_START = 2
PART_FAILED = 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.standalone", description=__doc__)
    parser.add_argument("what", choices=["run", "demo"], help="demo adds accounts and drawn cases to an empty stack")
    parser.add_argument("--until-parent-ends", action="store_true", help="stop when the process that started us ends")
    chosen = parser.parse_args(arguments)
    if chosen.until_parent_ends:
        send_on_parents_death(signal.SIGTERM)
    try:
        start(demo=chosen.what == "demo")
    except (CannotStart, ImproperlyConfigured) as error:
        print(f"counterstain: {error}", file=sys.stderr)
        return CANNOT_START
    except PartFailed as error:
        print(f"counterstain: {error}", file=sys.stderr)
        return PART_FAILED
    except (Interrupted, KeyboardInterrupt):
        pass
    say("stopped")
    return 0


def start(*, demo: bool) -> None:
    """Check, start, wait, stop."""
    began = time.monotonic()
    checks.check_python()
    layout = Layout(home_folder())
    checks.check_home(layout.home)
    checks.check_disk(layout.home)
    host, port = checks.read_address(os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000")
    with lock_folder(layout.lock_file) as lock:
        checks.check_address(host, port)
        from django.conf import settings

        from config.standalone.stack import Stack

        os.environ["COUNTERSTAIN_HOME"] = str(layout.home)
        with Supervisor(layout.logs, lock) as supervisor:
            stack = Stack(supervisor, settings, say)
            stack.start(host, port, demo=demo)
            print(banner(layout, host, port, demo, time.monotonic() - began), flush=True)
            if demo:
                stack.add_cohort()
            supervisor.watch()
            say("stopping: web server, workers, broker, database")


def banner(layout: Layout, host: str, port: int, demo: bool, seconds: float) -> str:
    """The one block that a person needs to go on."""
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)
    lines = [f"Counterstain is up after {seconds:.0f} s:  http://{shown}:{port}/"]
    if demo:
        lines += ["", *layout.accounts_file.read_text().splitlines()]
    lines += ["", f"Data: {layout.home}   Logs: {layout.logs}", "Ctrl-C stops everything and keeps the data."]
    rule = "─" * max(map(len, lines))
    return "\n".join([rule, *lines, rule])


def say(line: str) -> None:
    print(f"counterstain: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
