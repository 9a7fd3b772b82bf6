"""One POST to a node, with a deadline and a limit for the answer. Never shows the key in the URL."""

import base64
import threading
import time
import weakref
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import httpcore

from truestep.adapters.chain.outages import FEW_ATTEMPTS, DeadEndpoint, Outage, SilentEndpoint
from truestep.base.errors import Reject, Rejected

CONNECTIONS_LIMIT = 16
"""Connections per endpoint: for the loop, its senders and second opinions."""
KEEP_ALIVE_SECONDS = 30.0
"""Longer than the pause between two polls, shorter than servers keep idle connections."""
CONNECT_SECONDS = 4.0
"""A node on the other side of the world completes a handshake in one second."""
RETRY_AFTER_LIMIT_SECONDS = 10.0
"""A node may ask for a longer pause, but a move cannot wait longer without another try."""
SECRET_CHARACTERS = 6
"""Shorter parts of a path are words such as `v3`, not keys."""


class BadStatus(Outage):
    """The server answered, with an HTTP status that is not 200."""

    def __init__(self, status: int, body: bytes, *, retry_after_seconds: float = 0.0) -> None:
        passes = status in (408, 425, 429) or status >= 500
        super().__init__(
            f"HTTP status {status}",
            retry_after_seconds=retry_after_seconds,
            **({} if passes else {"attempts": FEW_ATTEMPTS}),
        )
        self.status = status
        self.body = body


class TooLong(Outage):
    """The answer is too long."""


class HttpTransport:
    """Sends bodies to one URL, from any thread. Follows no redirects, uses no proxy and no cookies."""

    def __init__(self, url: str) -> None:
        parts = _parts(url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self.host = f"{host}{port}"
        """The part of the URL that may be shown."""
        self.secrets = _secrets(url)
        self._url = url.encode("ascii", "replace")
        self._headers = [(b"Host", self.host.encode()), (b"Content-Type", b"application/json")]
        self._headers.append((b"Accept", b"application/json"))
        if parts.username or parts.password:
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()
            self._headers.append((b"Authorization", b"Basic " + base64.b64encode(login)))
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpcore.default_ssl_context() if parts.scheme == "https" else None,
            max_connections=CONNECTIONS_LIMIT,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_DeadlineBackend(),
        )
        weakref.finalize(self, self._pool.close)

    def post(self, body: bytes, *, timeout_seconds: float, limit_bytes: int) -> bytes:
        """The body of the answer. Raises `Outage`, whose text shows only the host of the URL."""
        _exchange.deadline = time.monotonic() + timeout_seconds
        try:
            return self._post(body, timeout_seconds, limit_bytes)
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise DeadEndpoint(f"no connection: {_cause(error)}", attempts=FEW_ATTEMPTS) from None
        except httpcore.TimeoutException:
            raise SilentEndpoint(f"no answer in {timeout_seconds:.1f} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Outage(f"connection lost: {_cause(error)}") from None
        finally:
            _exchange.deadline = None

    def _post(self, body: bytes, timeout_seconds: float, limit_bytes: int) -> bytes:
        headers = [*self._headers, (b"Content-Length", str(len(body)).encode())]
        waits = dict.fromkeys(("read", "write", "pool"), timeout_seconds)
        timeout = {**waits, "connect": min(CONNECT_SECONDS, timeout_seconds)}
        extensions = {"timeout": timeout}
        with self._pool.stream(
            "POST", self._url, headers=headers, content=body, extensions=extensions
        ) as response:
            chunks: list[bytes] = []
            size_bytes = 0
            for chunk in response.iter_stream():
                size_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    raise TooLong(f"an answer longer than {limit_bytes} bytes", attempts=FEW_ATTEMPTS)
                chunks.append(chunk)
        content = b"".join(chunks)
        if response.status != 200:
            raise BadStatus(response.status, content, retry_after_seconds=_retry_after(response.headers))
        return content


_exchange = threading.local()
"""The deadline of the exchange that this thread waits for."""


def _left(timeout: float | None) -> float | None:
    """The time until the deadline. A server that sends a byte per second must not block a thread."""
    deadline: float | None = getattr(_exchange, "deadline", None)
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which every wait ends at the deadline of the exchange."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore.NetworkBackend):
    """Plain sockets, each with the deadline of the exchange."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._backend.connect_tcp(host, port, _left(timeout), local_address, socket_options)
        return _DeadlineStream(stream)


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
        if parts.scheme in ("http", "https") and parts.hostname and url.isascii() and url.isprintable():
            return parts
    except ValueError:
        pass
    raise Rejected(
        Reject.NODE_URL, "expected the URL of a node, such as http://127.0.0.1:8545 or https://HOST/KEY"
    ) from None


def _secrets(url: str) -> tuple[str, ...]:
    """Possible keys: user, password, and the longer words of path and query."""
    parts = urlsplit(url)
    words = [parts.username, parts.password, parts.query, parts.path, *parts.path.split("/")]
    words += [word for pair in parts.query.split("&") for word in pair.split("=")]
    found = {word for word in words if word and len(word) >= SECRET_CHARACTERS}
    return tuple(sorted(found | {unquote(word) for word in found}, key=len, reverse=True))


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Seconds, by RFC 9110 section 10.2.3: a number or a date."""
    value = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    text = value.decode("latin-1").strip()[:64]
    try:
        seconds = float(text) if text.isdigit() else _until(text)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT_SECONDS)


def _until(text: str) -> float:
    moment = parsedate_to_datetime(text)
    return (moment - datetime.now(moment.tzinfo and UTC)).total_seconds()


def _cause(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__
