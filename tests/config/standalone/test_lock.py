import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.standalone.errors import CannotStart
from config.standalone.layout import PROJECT_ROOT
from config.standalone.lock import lock_folder

HOLD = "import sys; from config.standalone.lock import *; from pathlib import Path; "
HOLD += "held = lock_folder(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
# The lock outlives the process that took it, as it does while the reaper still holds it.
HAND_OVER = HOLD.replace(
    "sys.stdin.read()", "import subprocess; subprocess.Popen(['sleep', '1'], pass_fds=[held.fileno()])"
)


def hold_elsewhere(lock_file: Path, code: str = HOLD) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(lock_file)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_copy_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path / "running.lock")
    with pytest.raises(CannotStart, match=rf"already runs on {tmp_path} \(process {holder.pid}\).*COUNTERSTAIN_HOME"):
        lock_folder(tmp_path / "running.lock")
    assert (tmp_path / "running.lock").read_text() == str(holder.pid)
    holder.kill()
    holder.wait()


def test_a_killed_copy_frees_the_folder(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path / "running.lock")
    holder.kill()
    holder.wait()
    with lock_folder(tmp_path / "running.lock"):
        assert (tmp_path / "running.lock").read_text() == str(os.getpid())


def test_the_next_start_waits_while_a_dead_copy_is_cleaned_up(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path / "running.lock", HAND_OVER)
    holder.wait()
    with lock_folder(tmp_path / "running.lock"):
        assert (tmp_path / "running.lock").read_text() == str(os.getpid())
