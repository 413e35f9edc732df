"""Find a Chromium that is already there. Nothing is downloaded."""

import os
import shutil
import subprocess
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
# The npm package keeps its Chromium packed and unpacks it into the temporary folder.
UNPACK = "import('@sparticuz/chromium').then(async (m) => console.log(await m.default.executablePath()))"


class NoBrowser(Exception):
    """No Chromium was found. The message says where it was looked for."""


def find_chromium(frontend: Path) -> str:
    """Return the path of $CHROMIUM, else of one on PATH, else of the npm package of the front end."""
    if named := os.environ.get("CHROMIUM"):
        if shutil.which(named):
            return named
        raise NoBrowser(f"CHROMIUM names {named}, which is no program")
    for name in NAMES_ON_PATH:
        if found := shutil.which(name):
            return found
    if (frontend / "node_modules" / "@sparticuz" / "chromium").is_dir() and (node := shutil.which("node")):
        done = subprocess.run([node, "-e", UNPACK], cwd=frontend, capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
        raise NoBrowser(f"@sparticuz/chromium could not be unpacked: {done.stderr.strip()[-300:]}")
    raise NoBrowser("neither $CHROMIUM, nor a chromium on PATH, nor @sparticuz/chromium in frontend/node_modules")
