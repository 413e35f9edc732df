"""Find a Chromium that is already there. Nothing is downloaded."""

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = [
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NAMES_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
UNPACK = "import('@sparticuz/chromium').then(async (m) => console.log(await m.default.executablePath()))"
# Has the package unpack the libraries that a bare machine lacks, too.
UNPACK_LIBRARIES = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x", "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
FONTS = "<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/fonts-cache</cachedir></fontconfig>\n"


class NoBrowser(Exception):
    """No Chromium was found. The message says where it was looked for."""


@dataclass(frozen=True)
class Chromium:
    """A program, and the variables that it needs beside our own."""

    path: str
    environment: dict[str, str] = field(default_factory=dict)


def find_chromium(frontend: Path) -> Chromium:
    """Return $CHROMIUM, else one on PATH, else the one of the front end's npm package."""
    if named := os.environ.get("CHROMIUM"):
        if shutil.which(named):
            return Chromium(named)
        raise NoBrowser(f"CHROMIUM names {named}, which is no program")
    for name in NAMES_ON_PATH:
        if found := shutil.which(name):
            return Chromium(found)
    modules = frontend / "node_modules"
    if (modules / "@sparticuz" / "chromium").is_dir():
        return unpack_chromium(frontend, modules / ".cache" / "chromium")
    raise NoBrowser("neither $CHROMIUM, nor a chromium on PATH, nor @sparticuz/chromium in frontend/node_modules")


def unpack_chromium(frontend: Path, folder: Path) -> Chromium:
    """Unpack the npm package's Chromium, once for all test processes, into a folder of this clone."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            (folder / "chromium").unlink(missing_ok=True)
            command = [shutil.which("node") or node_of_the_makefile(frontend), "-e", UNPACK]
            environment = {**os.environ, **UNPACK_LIBRARIES, "TMPDIR": str(folder)}
            done = subprocess.run(command, cwd=frontend, env=environment, capture_output=True, text=True)
            if done.returncode:
                raise NoBrowser(f"@sparticuz/chromium could not be unpacked: {done.stderr.strip()[-300:]}")
            (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
            (folder / "complete").touch()
    program = str(folder / "chromium")
    environment = {}
    if "not found" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout:
        environment["LD_LIBRARY_PATH"] = str(folder / "al2023" / "lib")
    if not Path("/usr/share/fonts").exists():
        environment["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    return Chromium(program, environment)


def node_of_the_makefile(frontend: Path) -> str:
    """Return the node that `make` found or installed."""
    try:
        return str(Path((frontend.parent / ".venv" / ".node").read_text().strip()) / "node")
    except OSError as error:
        raise NoBrowser("@sparticuz/chromium is there, but no node to unpack it with") from error
