"""Say where everything of one installation lives."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Unix socket paths end at 107 bytes.
LONGEST_SOCKET_PATH = 100
PROJECT_ROOT = Path(__file__).resolve().parents[2]


def home_folder() -> Path:
    """Return the data folder: COUNTERSTAIN_HOME, else var/ in the project."""
    return Path(os.environ.get("COUNTERSTAIN_HOME") or PROJECT_ROOT / "var").resolve()


@dataclass(frozen=True)
class Layout:
    """The folders and files below one data folder."""

    home: Path

    @property
    def storage(self) -> Path:
        return self.home / "storage"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def tiles(self) -> Path:
        return self.home / "tiles"

    @property
    def uploads(self) -> Path:
        return self.home / "uploads"

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def static(self) -> Path:
        return self.home / "static"

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def valkey(self) -> Path:
        return self.home / "valkey"

    @property
    def secret_key_file(self) -> Path:
        return self.home / "secret-key"

    @property
    def accounts_file(self) -> Path:
        return self.home / "demo-accounts.txt"

    @property
    def lock_file(self) -> Path:
        return self.home / "running.lock"

    @property
    def postgres_socket_folder(self) -> Path:
        return self._socket_folder(self.postgres / "socket", ".s.PGSQL.5432")

    @property
    def valkey_socket(self) -> Path:
        return self._socket_folder(self.valkey, "valkey.sock") / "valkey.sock"

    @property
    def database_url(self) -> str:
        return f"postgresql://counterstain@/counterstain?host={self.postgres_socket_folder}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.valkey_socket}"

    def _socket_folder(self, folder: Path, socket_name: str) -> Path:
        if len(str(folder / socket_name)) <= LONGEST_SOCKET_PATH:
            return folder
        mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"counterstain-{mark}"
