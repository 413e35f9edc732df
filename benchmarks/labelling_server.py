"""Labels through the API: what one costs, twenty readers at once, and the web server killed under them."""

import http.client
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from accounts.models import User
from annotation.models import WeakLabel
from tests.stack import free_port

ROUNDS = 5
READERS = 20
LABELS_PER_SECOND = 5
KILLS = 10


class Web:
    """Granian as the one-machine stack starts it, on a port of its own."""

    def __init__(self, settings: str) -> None:
        self.port = free_port()
        self._environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "LOG_LEVEL": "ERROR"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--workers", "2"]
        words += ["--blocking-threads", "2", "--host", "127.0.0.1", "--port", str(self.port), "--log-level", "error"]
        self._process = subprocess.Popen(
            [sys.executable, *words, "config.wsgi:application"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait(self) -> None:
        for _try in range(600):
            try:
                Line(self.port).ask("GET", "/healthz")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the web server did not start")

    def kill(self, how: int = signal.SIGKILL) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, how)
        self._process.wait()


@contextmanager
def web_running(settings: str = "benchmarks.labelling_settings") -> Iterator[Web]:
    web = Web(settings)
    web.start()
    try:
        web.wait()
        yield web
    finally:
        web.kill(signal.SIGTERM)


@dataclass
class Line:
    """One kept-open connection of one signed-in browser."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    _open: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        if self._open is None:
            self._open = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            self._open.request(method, path, None if body is None else json.dumps(body), self.headers)
            answer = self._open.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._open.close()
            self._open = None
            raise OSError(str(error)) from error


def signed_in_line(port: int, reader: User) -> Line:
    session = SessionStore()
    session[SESSION_KEY] = str(reader.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = reader.get_session_auth_hash()
    session.save()
    csrf = secrets.token_hex(16)
    cookie = f"sessionid={session.session_key}; csrftoken={csrf}"
    return Line(port, {"Cookie": cookie, "X-CSRFToken": csrf, "Content-Type": "application/json"})


def decision() -> dict[str, object]:
    return {"value": "tumor", "uuid": str(uuid4()), "seen": None, "milliseconds": 900, "route": "key"}


def percentile(values: Sequence[float], per_cent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * per_cent / 100))]


@dataclass
class WriteCost:
    ratios: list[float]
    label_ms: float
    nothing_ms: float
    insert_ms: float


def write_cost(port: int, reader: User, patches: Sequence[int], per_round: int) -> WriteCost:
    """Interleaved rounds: medians of a label and of the view that writes nothing, and the ratio of each round."""
    line = signed_in_line(port, reader)
    left = iter(patches)
    ratios, labels, nothings = [], [], []
    for _round in range(ROUNDS + 1):
        label_ms, nothing_ms = [], []
        for _turn in range(per_round):
            patch = next(left)
            nothing_ms.append(timed(line, f"/benchmark/patches/{patch}/"))
            label_ms.append(timed(line, f"/api/v1/patches/{patch}/label/"))
        if _round == 0:
            continue  # the first round warms up
        ratios.append(statistics.median(label_ms) / statistics.median(nothing_ms))
        labels += label_ms
        nothings += nothing_ms
    return WriteCost(
        ratios, statistics.median(labels), statistics.median(nothings), bare_insert(reader, list(left)[:100])
    )


def timed(line: Line, path: str) -> float:
    body = decision()
    began = time.perf_counter()
    status, content = line.ask("PUT", path, body)
    took = (time.perf_counter() - began) * 1000
    assert status == 200, content
    return took


def bare_insert(reader: User, patches: Sequence[int]) -> float:
    """The row alone, with its commit, over one open connection."""
    times = []
    statement = (
        'INSERT INTO annotation_weaklabel (patch_id, reader_id, value, uuid, route, act, "order", created_at) '
        "VALUES (%s, %s, 'tumor', %s, 'key', 'label', 'position', now())"
    )
    with connection.cursor() as cursor:
        for patch in patches:
            began = time.perf_counter()
            cursor.execute(statement, [patch, reader.pk, uuid4()])
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


@dataclass
class Crowd:
    """What twenty readers saw."""

    milliseconds: list[float]
    acknowledged: dict[str, int]
    asked: int
    lost: int
    doubled: int
    kills: int = 0


def crowd(web: Web, readers: Sequence[User], patches: Sequence[int], seconds: float, kills: int = 0) -> Crowd:
    """Readers label at a steady pace, repeating under the same uuid whatever is not answered."""
    times: list[float] = []
    acknowledged: dict[str, int] = {}
    lock = threading.Lock()
    began = time.perf_counter() + 0.5
    each = int(seconds * LABELS_PER_SECOND)

    def read(number: int, line: Line) -> None:
        for turn in range(each):
            body, patch = decision(), patches[turn]
            wait = began + (turn + number / len(readers)) / LABELS_PER_SECOND - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            sent = time.perf_counter()
            while True:
                try:
                    status, content = line.ask("PUT", f"/api/v1/patches/{patch}/label/", body)
                    if status == 200:
                        break
                    if status < 500:
                        raise AssertionError(content)
                except OSError:
                    pass
                time.sleep(0.05)
            with lock:
                times.append((time.perf_counter() - sent) * 1000)
                acknowledged[str(body["uuid"])] = json.loads(content)["id"]

    lines = [signed_in_line(web.port, reader) for reader in readers]
    threads = [threading.Thread(target=read, args=pair, daemon=True) for pair in enumerate(lines)]
    for thread in threads:
        thread.start()
    for kill in range(kills):
        due = began + (kill + 1) * seconds / (kills + 1)
        time.sleep(max(0.0, due - time.perf_counter()))
        web.kill()
        web.start()
    for thread in threads:
        thread.join()
    rows = WeakLabel.objects.filter(reader__in=readers, patch__in=patches[:each])
    stored = Counter(str(uuid) for uuid in rows.values_list("uuid", flat=True))
    lost = sum(stored[uuid] == 0 for uuid in acknowledged)
    doubled = sum(count > 1 for count in stored.values()) + rows.count() - len(acknowledged)
    return Crowd(times, acknowledged, each * len(readers), lost, doubled, kills)
