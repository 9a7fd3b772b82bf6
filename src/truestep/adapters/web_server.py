"""Serves an ASGI app from a thread, with limits on connections and on the time that each may waste."""

import asyncio
import functools
import socket
import threading
from typing import Any, cast

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_LIMIT = 256
"""Far above the needs of a network on one computer or of a small public store."""
WATCH_SECONDS = 5.0
"""The interval at which each connection is checked."""
HEAD_SECONDS = 20.0
"""Time for the head of a request, and for an idle connection between two requests."""
STALL_SECONDS = 60.0
"""Time to read 64 KiB of an answer. A slower client has hung up, or does not want to read."""
START_SECONDS = 30.0
"""Time for a thread to start serving on a loaded computer."""
STOP_SECONDS = 1
"""Time for unfinished answers when the server is stopped."""


class CannotListen(OSError):
    """An address that is in use, is not of this computer, or may not be used."""


class WebServer:
    """Serves from its creation until it is closed."""

    def __init__(
        self,
        app: Any,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        connections_per_client: int = CONNECTIONS_LIMIT,
    ) -> None:
        """Listen at once; port 0 takes a free one. Raises CannotListen if that cannot be."""
        try:
            self._listener = socket.create_server((host, port), backlog=CONNECTIONS_LIMIT)
        except (OSError, UnicodeError) as error:  # a name that no server can have is no text for the resolver
            why = getattr(error, "strerror", None) or str(error)
            reason = why.partition(" (while attempting")[0]
            raise CannotListen(f"expected to listen at {host}:{port}, got: {reason}") from error
        address = cast("tuple[str, int]", self._listener.getsockname())
        self.url = f"http://{address[0]}:{address[1]}"
        config = Config(
            app,
            http=cast(
                "type[asyncio.Protocol]", functools.partial(_WatchedConnection, connections_per_client)
            ),
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(HEAD_SECONDS),
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = Server(config)
        # Signals stay the main thread's: uvicorn leaves them alone in any other.
        self._thread = threading.Thread(target=self._serve, name="web server", daemon=True)
        self._thread.start()
        self._wait_until_started()

    def close(self) -> None:
        """Stop listening, and wait a moment for unfinished answers."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])

    def _wait_until_started(self) -> None:
        waiting = threading.Event()
        for _ in range(int(START_SECONDS / 0.01)):
            if self._server.started or not self._thread.is_alive():
                return
            waiting.wait(0.01)


class _WatchedConnection(H11Protocol):
    """A connection that is closed when it is idle for too long."""

    def __init__(self, per_client: int, **options: Any) -> None:
        super().__init__(**options)
        self._per_client = per_client
        self._is_lost = self._has_drained = False
        self._head_seconds = self._stall_seconds = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Accept the connection, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_LIMIT or self._is_greedy():
            transport.abort()
        else:
            self.loop.call_later(WATCH_SECONDS, self._watch)

    def _is_greedy(self) -> bool:
        """Whether this client has more connections than one may have."""
        host = self.client and self.client[0]
        others = cast("set[_WatchedConnection]", self.connections)
        return sum(1 for each in others if each.client and each.client[0] == host) > self._per_client

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._is_lost = True
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the client goes on reading."""
        self._has_drained = True
        super().resume_writing()

    def _watch(self) -> None:
        """Close a connection whose request does not begin, or whose answer is not read."""
        if self._is_lost:
            return
        cycle = self.cycle  # of the latest request; None before the first one
        is_waiting = cast(Any, cycle) is None or cycle.response_complete
        is_stalled = not self._has_drained and self.transport.get_write_buffer_size() > 0
        self._has_drained = False
        self._head_seconds = self._head_seconds + WATCH_SECONDS if is_waiting else 0.0
        self._stall_seconds = self._stall_seconds + WATCH_SECONDS if is_stalled else 0.0
        if self._head_seconds > HEAD_SECONDS or self._stall_seconds > STALL_SECONDS:
            self.transport.abort()
        else:
            self.loop.call_later(WATCH_SECONDS, self._watch)
