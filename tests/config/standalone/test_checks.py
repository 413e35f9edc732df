import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from config.standalone import checks
from config.standalone.errors import CannotStart
from tests.stack import free_port


def test_this_machine_passes(tmp_path: Path) -> None:
    checks.check_python()
    checks.check_home(tmp_path / "new" / "home")
    checks.check_disk(tmp_path)
    checks.check_address("127.0.0.1", free_port())
    assert (tmp_path / "new" / "home").is_dir()


def test_another_python_is_refused_with_the_remedy() -> None:
    with pytest.raises(CannotStart, match=r"Python 3\.12; Counterstain needs Python 3\.11\. Install python3\.11"):
        checks.check_python((3, 12))


def test_a_busy_port_is_refused_with_another_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} on 127.0.0.1 is taken.*PORT={port + 1}"):
            checks.check_address("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"Cannot listen on 192\.0\.2\.7"):
        checks.check_address("192.0.2.7", free_port())


@pytest.mark.parametrize("port", ["", "http", "0", "65536", "-1", "80 80"])
def test_a_port_that_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(CannotStart, match="expected a number from 1 to 65535"):
        checks.read_address("127.0.0.1", port)


def test_a_data_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be made.*COUNTERSTAIN_HOME"):
        checks.check_home(tmp_path / "file" / "home")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CannotStart, match="cannot be written"):
        checks.check_home(tmp_path)


def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**9, 10**9))
    with pytest.raises(CannotStart, match=r"1\.0 GB free; .* at least 2 GB"):
        checks.check_disk(tmp_path)
