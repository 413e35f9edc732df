import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.standalone import postgres
from config.standalone.errors import CannotStart
from config.standalone.postgres import STOP_SIGNAL, Account, Postgres, server_account
from tests.embedded import make_home, remove_home


@pytest.fixture
def home() -> Iterator[Path]:
    folder = make_home()
    yield folder
    remove_home(folder)


def start(server: Postgres, home: Path) -> "subprocess.Popen[bytes]":
    server.prepare()
    with (home / "log").open("ab") as log:
        process = server.start(log)
    while not server.is_ready():
        assert process.poll() is None, (home / "log").read_text()
    server.ensure_database()
    return process


def test_a_killed_server_starts_again_with_its_data_and_writes_safely(home: Path) -> None:
    server = Postgres(home / "postgres", home / "postgres" / "socket")
    process = start(server, home)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE label (value text)")
        connection.execute("INSERT INTO label VALUES ('tumor')")
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    process.kill()

    process = start(server, home)  # not waited for: a zombie must not pass for a living server
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT value FROM label").fetchall() == [("tumor",)]
    process.send_signal(STOP_SIGNAL)
    assert process.wait(30) == 0


def test_a_set_up_that_was_cut_short_begins_anew(home: Path) -> None:
    server = Postgres(home / "postgres", home / "postgres" / "socket", for_tests=True)
    draft = home / "postgres" / "data.part"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("half a folder")
    server.prepare()
    assert not draft.exists()
    assert (server.data / "PG_VERSION").read_text() == "18\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another account")
def test_a_closed_folder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server = Postgres(tmp_path / "postgres", tmp_path / "postgres" / "socket")
    with pytest.raises(CannotStart, match=r"cannot run as root, and the account \w+ cannot reach .*COUNTERSTAIN_HOME"):
        server.prepare()
    assert not server.data.exists()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_another_accounts_folder_is_refused(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    folder = home / "postgres"
    folder.mkdir()
    owner = os.geteuid() or 12345
    if os.geteuid() == 0:
        os.chown(folder, owner, owner)
    stranger = server_account() or Account("stranger", owner + 1, owner + 1)
    monkeypatch.setattr(postgres, "server_account", lambda: stranger)
    with pytest.raises(
        CannotStart, match=f"belongs to user id {owner}, but Postgres would run as user id {stranger.uid}"
    ):
        Postgres(folder, folder / "socket").prepare()
