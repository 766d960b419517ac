"""A real PostgreSQL server for tests, with its data in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import pytest

_SETTINGS: Final = {
    "listen_addresses": "''",  # a socket in the folder only
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "timezone": "'America/New_York'",  # times are UTC whatever the server's zone
    "datestyle": "'German'",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server. Its superuser is ``admin``; only the user ``locked`` needs a password.

    Args:
        folder: holds the data and the socket.
        prefix: begins each command that must not run as root.
    """

    folder: Path
    prefix: Sequence[str]

    def dsn(self, database: str, user: str = "admin") -> str:
        """Return a connection string."""
        return f"host={self.folder} dbname={database} user={user}"

    def create_database(self, database: str) -> str:
        """Create an empty database and return its connection string."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.dsn(database)

    def control(self, *arguments: str) -> None:
        """Run pg_ctl with arguments such as ``stop`` or ``start``."""
        command = [*self.prefix, _program("pg_ctl"), "-D", str(self.folder / "data"), "-s", "-w"]
        log = ["-l", str(self.folder / "log")]
        done = subprocess.run([*command, *log, *arguments], check=False, cwd=self.folder)
        assert done.returncode == 0, (self.folder / "log").read_text(encoding="utf-8")


def _skip_unless_installed() -> None:
    """Skip the test if PostgreSQL is not installed; in CI, where it must be, fail it."""
    if all(_find_program(name) for name in ("initdb", "pg_ctl", "postgres")):
        return
    message = "PostgreSQL is not installed (initdb, pg_ctl, postgres); .ci/postgres installs it"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _find_program(name: str) -> str | None:
    folders = Path("/usr/lib/postgresql").glob("*/bin")  # Debian's, which are not on the PATH
    newest_first = sorted(folders, key=lambda folder: -float(folder.parent.name))
    programs = (shutil.which(name, path=str(folder)) for folder in newest_first)
    return next(filter(None, programs), shutil.which(name))


def _program(name: str) -> str:
    path = _find_program(name)
    assert path, f"{name} is not installed"
    return path


@contextmanager
def serve_postgres() -> Iterator[PostgresServer]:
    """Run a new server while the context lasts; skip the test if PostgreSQL is not installed."""
    _skip_unless_installed()
    # The path of a socket has at most 107 bytes, and any user must be able to enter the folder.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    prefix: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        prefix = [_program("setpriv"), *ids]
    server = PostgresServer(folder, prefix)
    try:
        options = ["-A", "trust", "-U", "admin", "-E", "UTF8", "--no-sync", "--locale=C"]
        data = ["-D", str(folder / "data")]
        command = [*prefix, _program("initdb"), *data, *options]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        lines = [f"{name} = {value}" for name, value in _SETTINGS.items()]
        lines.append(f"unix_socket_directories = '{folder}'")
        with (folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{line}\n" for line in lines)
        access = folder / "data" / "pg_hba.conf"
        access.write_text("local all locked scram-sha-256\nlocal all all trust\n", encoding="utf-8")
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)
