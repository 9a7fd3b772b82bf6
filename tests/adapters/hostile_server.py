"""A server of raw bytes: it says whatever a test tells it to, as slowly as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]
"""What to do with a connection; it is closed afterwards."""

PATIENCE_SECONDS = 30.0
REQUEST_LIMIT_BYTES = 1 << 16
BUFFER_SIZE_BYTES = 1 << 18
"""Small, so that who sends soon notices that nobody reads."""


@contextmanager
def serving_raw(behave: Behaviour) -> Generator[str]:
    """The base URL of a server that does the same with every connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE_BYTES)
    is_closing = threading.Event()
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_SECONDS)
        with connection, suppress(OSError):
            behave(connection)

    def accept() -> None:
        while not is_closing.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        is_closing.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in (acceptor, *threads):
            thread.join(PATIENCE_SECONDS)


def read_head(connection: socket.socket) -> bytes:
    """A request up to its empty line, and what came with it."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < REQUEST_LIMIT_BYTES:
        piece = connection.recv(1 << 12)
        if not piece:
            break
        head += piece
    return head


def saying(*pieces: bytes, wait_seconds: float = 0.0) -> Behaviour:
    """Read a request, then send the pieces, waiting before each but the first."""

    def behave(connection: socket.socket) -> None:
        read_head(connection)
        for number, piece in enumerate(pieces):
            if number and wait_seconds:
                threading.Event().wait(wait_seconds)
            connection.sendall(piece)

    return behave


def silent(connection: socket.socket) -> None:
    """Say nothing until the other side hangs up."""
    while connection.recv(1 << 12):
        pass


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with this body and these headers, `Content-Length` not among them."""
    return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", body])
