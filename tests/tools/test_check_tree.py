import subprocess
import sys
from pathlib import Path

import pytest

from config.standalone.layout import PROJECT_ROOT

# Joined here, so that this file passes the check itself.
HOST = ".".join(["files", "python" + "hosted", "org"])
LOCKED = '"resol' + 'ved": "anything"'
FOLDER = "/" + "home/somebody/slides"


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    command = [sys.executable, str(PROJECT_ROOT / "tools" / "check_tree.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"see https://{HOST}/x", "a package registry's host"),
        (LOCKED, "a download address in a lock file"),
        (f"run it in {FOLDER}", "a folder of one machine"),
    ],
)
def test_a_tracked_line_that_names_a_place_is_refused(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "notes.md").write_text(f"first\n{line}\n")
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stdout == f"notes.md:2: names {what}: {line}\n"


def test_ordinary_lines_pass(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text('"/srv/slides", ~/work/x, $HOME/home/y and https://example.org/work/z\n')
    done = check(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
