"""Look before starting: one clear line for each thing that would go wrong, with its remedy.

No compiler is looked for: every dependency comes as a ready-made wheel.
"""

import errno
import os
import shutil
import socket
import sys
from pathlib import Path

from config.standalone.errors import CannotStart

LEAST_FREE_BYTES = 2 * 10**9
PYTHON = (3, 11)


def check_python(found: tuple[int, int] = sys.version_info[:2]) -> None:
    if found != PYTHON:
        raise CannotStart(
            f"This is Python {found[0]}.{found[1]}; Counterstain needs Python {PYTHON[0]}.{PYTHON[1]}. "
            "Install python3.11, remove .venv and start again."
        )


def check_home(home: Path) -> None:
    """Make the data folder; refuse one that cannot be written."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The data folder {home} cannot be made ({error.strerror}): choose another with COUNTERSTAIN_HOME."
        ) from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise CannotStart(
            f"The data folder {home} cannot be written by this account: choose another with COUNTERSTAIN_HOME."
        )


def check_disk(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"{home} has {free / 1e9:.1f} GB free; the database, slides and checkpoints need at least "
            f"{LEAST_FREE_BYTES / 1e9:.0f} GB: free some, or choose another disk with COUNTERSTAIN_HOME."
        )


def read_address(host: str, port: str) -> tuple[str, int]:
    """Return where to listen, from HOST and PORT."""
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise CannotStart(f"PORT is {port!r}; expected a number from 1 to 65535.")
    return host, int(port)


def check_address(host: str, port: int) -> None:
    """Refuse an address that we cannot listen on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except socket.gaierror as error:
        raise CannotStart(f"HOST is {host!r}, which is no address of this machine: try HOST=127.0.0.1.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            line = f"Port {port} on {host} is taken: stop what listens there, or choose another, e.g. PORT={port + 1}."
        elif error.errno == errno.EACCES:
            line = f"This account may not listen on port {port}: choose one above 1023, e.g. PORT=8000."
        else:
            line = f"Cannot listen on {host}:{port} ({error.strerror}): choose others with HOST and PORT."
        raise CannotStart(line) from error
