"""Servers that answer tiles, each with the addresses to ask for, and wrk that asks them."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.tile_measures import cpu_seconds, family
from tests.stack import free_port

CONNECTIONS = 16
IIPSRV = "/usr/lib/iipimage-server/iipsrv.fcgi"
SCRIPT = """
local paths, at = {%s}, 0
request = function() at = at %% #paths + 1; return wrk.format("GET", paths[at]) end
"""


@dataclass
class Target:
    """A running server: its address, what to ask, the processes that are charged, and what was measured."""

    name: str
    port: int
    paths: Sequence[str]
    pids: Sequence[int]
    cookie: str = ""
    tiles_per_second: list[float] = field(default_factory=list)
    cpu_per_tile: list[float] = field(default_factory=list)

    def ask(self, seconds: int, folder: Path) -> None:
        """Load the server for some seconds at 16 connections.

        Raises:
            RuntimeError: any answer was no success.
        """
        script = folder / f"{self.port}.lua"
        script.write_text(SCRIPT % ",".join(json.dumps(path) for path in self.paths))
        cookie = ["-H", f"Cookie: {self.cookie}"] if self.cookie else []
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), *cookie]
        before = cpu_seconds(self.charged())
        said = subprocess.run([*command, f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, check=True)
        used = cpu_seconds(self.charged()) - before
        requests, rate = (
            re.search(r"(\d+) requests in", said.stdout),
            re.search(r"Requests/sec:\s+([\d.]+)", said.stdout),
        )
        if "Non-2xx" in said.stdout or requests is None or rate is None or not int(requests[1]):
            raise RuntimeError(f"{self.name} answered errors:\n{said.stdout}")
        self.tiles_per_second.append(float(rate[1]))
        self.cpu_per_tile.append(used / int(requests[1]))

    def charged(self) -> list[int]:
        return [pid for root in self.pids for pid in family(root)]


def wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


@contextmanager
def _process(command: Sequence[str], **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def deepzoom_server(slide: Path, tiles: Sequence[tuple[int, int]]) -> Iterator[Target]:
    """Two sync workers of gunicorn."""
    port = free_port()
    paths = [f"/{column * 256 // 254}_{row * 256 // 254}.jpg" for column, row in tiles]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-w",
        "2",
        "-b",
        f"127.0.0.1:{port}",
        "benchmarks.deepzoom_reference:application",
    ]
    with _process(command, SLIDE=str(slide)) as process:
        wait_for(port)
        yield Target("DeepZoom 254+1 + PIL, 2 sync workers", port, paths, [process.pid])


NGINX = """
daemon off; pid {folder}/nginx.pid; worker_processes 2; error_log /dev/null;
events {{}}
http {{
  access_log off; sendfile on; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"""


@contextmanager
def _nginx(folder: Path, location: str) -> Iterator[tuple[int, int]]:
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, location=location))
    with _process(["nginx", "-c", str(config), "-p", str(folder)]) as process:
        wait_for(port)
        yield port, process.pid


@contextmanager
def static_server(folder: Path, tiles: dict[str, bytes]) -> Iterator[Target]:
    """Nginx on the same bytes as files: the limit of HTTP."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    for name, content in tiles.items():
        (files / name).write_bytes(content)
    # nginx's workers have an account of their own.
    for opened in (*folder.parents, folder, files):
        if os.access(opened, os.W_OK) and opened.stat().st_uid == os.getuid() and opened != Path("/"):
            opened.chmod(opened.stat().st_mode | 0o055)
    with _nginx(folder, f"root {files}; open_file_cache max=10000;") as (port, pid):
        yield Target("nginx, the same bytes as files", port, [f"/{name}" for name in tiles], [pid])


@contextmanager
def iip_server(folder: Path, slide: Path, full_level: int, numbers: Sequence[int]) -> Iterator[Target]:
    """IIPImage 1.1, two processes without its cache, behind nginx."""
    ports = [free_port(), free_port()]
    settings = {"MAX_IMAGE_CACHE_SIZE": "0", "JPEG_QUALITY": "80", "LOGFILE": "/dev/null", "VERBOSITY": "0"}
    upstream = f"include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:{ports[0]};"
    with (
        _process([IIPSRV, "--bind", f"127.0.0.1:{ports[0]}"], **settings) as first,
        _nginx(folder, upstream) as (port, _nginx_pid),
    ):
        wait_for(ports[0])
        paths = [f"/iip?FIF={slide}&JTL={full_level},{number}" for number in numbers]
        yield Target("IIPImage", port, paths, [first.pid])


def has(program: str) -> bool:
    return shutil.which(program) is not None or Path(program).exists()
