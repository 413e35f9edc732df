"""Tiles from the real web server, with many clients at once."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.http import HttpResponse

from accounts.models import User
from config.standalone.layout import PROJECT_ROOT
from tests.stack import NOT_HANDED_ON, free_port
from viewer.models import Slide
from viewer.tokens import set_tile_cookie, tile_cookie_name

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS, TILES_EACH, STARTS_WITHIN_SECONDS = 64, 20, 60


def database_url() -> str:
    """The address of the database of this test process."""
    parts = connection.settings_dict
    return f"postgresql://{parts['USER']}@/{parts['NAME']}?host={parts['HOST'] or parts['OPTIONS'].get('host', '')}"


def descriptors(pid: int) -> int:
    """Open files of a process and its children."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return len(list(Path(f"/proc/{pid}/fd").iterdir())) + sum(map(descriptors, children))


@pytest.fixture
def server(settings: Any) -> Iterator[tuple[int, int]]:
    """Granian as the stack starts it, on the database and the storage of the test: its port and its process."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    environment |= {
        "COUNTERSTAIN_HOME": str(settings.HOME),
        "DATABASE_URL": database_url(),
        "SECRET_KEY": site.SECRET_KEY,
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "1"]
    command += ["--blocking-threads", "2", "--host", "127.0.0.1", "--port", str(port), "config.wsgi:application"]
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment)
    try:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, "the web server did not start"
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def test_64_clients_and_one_slow_reader_are_all_served(
    stored_slide: Slide, pathologist: User, server: tuple[int, int]
) -> None:
    port, pid = server
    response = HttpResponse()
    set_tile_cookie(response, stored_slide, pathologist)
    name = tile_cookie_name(stored_slide.pk)
    headers = {"Cookie": f"{name}={response.cookies[name].value}"}
    paths = [
        f"/t/{stored_slide.pk}/{stored_slide.version}/0/{column}_{row}.jpg" for column in range(3) for row in (0, 1)
    ]

    def fetch(http: HTTPConnection, path: str) -> bytes:
        http.request("GET", path, headers=headers)
        answer = http.getresponse()
        body = answer.read()
        assert answer.status == 200
        return body

    first = HTTPConnection("127.0.0.1", port, timeout=30)
    expected = {path: fetch(first, path) for path in paths}
    before = descriptors(pid)
    # Asks for a thousand tiles and reads none of them while the others are served.
    slow = socket.create_connection(("127.0.0.1", port))
    request = f"GET {paths[0]} HTTP/1.1\r\nHost: localhost\r\nCookie: {headers['Cookie']}\r\n\r\n".encode()
    slow.setblocking(False)
    for _ in range(1000):
        try:
            slow.send(request)
        except BlockingIOError:
            break
    wrong: list[str] = []

    def view(number: int) -> None:
        http = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            for turn in range(TILES_EACH):
                path = paths[(number + turn) % len(paths)]
                if fetch(http, path) != expected[path]:
                    wrong.append(path)
        except (OSError, AssertionError) as error:
            wrong.append(repr(error))
        finally:
            http.close()

    threads = [threading.Thread(target=view, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    slow.close()
    assert fetch(first, paths[0]) == expected[paths[0]]
    first.close()
    until = time.monotonic() + 10
    while descriptors(pid) > before and time.monotonic() < until:
        time.sleep(0.1)
    assert descriptors(pid) <= before
