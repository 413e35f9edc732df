from pathlib import Path

import pytest

from config.environment import database_from_url
from config.standalone.layout import LONGEST_SOCKET_PATH, PROJECT_ROOT, Layout, home_folder


def test_data_lives_in_var_unless_the_environment_names_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COUNTERSTAIN_HOME")
    assert home_folder() == PROJECT_ROOT / "var"
    monkeypatch.setenv("COUNTERSTAIN_HOME", str(tmp_path))
    assert home_folder() == tmp_path


def test_sockets_lie_in_the_data_folder_while_their_path_is_short() -> None:
    layout = Layout(Path("/srv/counterstain"))
    assert layout.postgres_socket_folder == Path("/srv/counterstain/postgres/socket")
    assert layout.valkey_socket == Path("/srv/counterstain/valkey/valkey.sock")


def test_sockets_of_a_deep_folder_move_to_a_short_path_of_their_own() -> None:
    deep, other = Layout(Path("/srv") / ("a" * 120)), Layout(Path("/srv") / ("b" * 120))
    for layout in (deep, other):
        assert len(str(layout.postgres_socket_folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
        assert len(str(layout.valkey_socket)) <= LONGEST_SOCKET_PATH
    assert deep.valkey_socket != other.valkey_socket
    assert deep.postgres_socket_folder != deep.valkey_socket.parent


def test_the_database_address_leads_to_the_socket_folder(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "with a space")
    assert database_from_url(layout.database_url)["HOST"] == str(layout.postgres_socket_folder)
