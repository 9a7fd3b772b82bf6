"""Asks one keeper, which may be slow, dead or lying: limits on time and size, no redirects, nothing kept."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import httpcore

from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.keepers.deletion import DeletionReceipt, Deletions
from truestep.adapters.keepers.wire import (
    HELD_LIMIT_BYTES,
    PACKED_SIZE_BYTES,
    PLACES_LIMIT,
    VERSION,
    CellPlace,
    Health,
    Held,
    places_text,
    read_model,
    unpack,
)
from truestep.availability.cells import Cell
from truestep.availability.manifest import MANIFEST_LIMIT_BYTES, Manifest, parse_manifest
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import BLOB_SIZE_BYTES, CELLS_PER_BLOB
from truestep.protocol.availability.ids import ItemId

CONNECTIONS_LIMIT = 8
"""To one keeper, which allows more."""
CONNECT_SECONDS = 5.0
"""For name, connection and TLS."""
ANSWER_SECONDS, LEAST_BYTES_PER_SECOND = 10.0, 32 << 10
"""An answer may take this long, and longer if it is large."""
HEAD_LIMIT_BYTES = 128 << 10
"""Before and around a body: status, headers and interim answers such as `103 Early Hints`, of which a server
could send any number; and a read may bring a part of the body with them."""
FRAMING_FACTOR = 2
"""A body that comes in chunks takes less than so many times its bytes."""
KEEP_ALIVE_SECONDS = 15.0
"""Shorter than keepers keep idle connections."""
SMALL_LIMIT_BYTES = 4_096
DELETIONS_LIMIT_BYTES = 256 << 10
"""As many receipts as a keeper shows of one item have 80 KiB."""
RETRY_AFTER_LIMIT_SECONDS = 30.0
"""A keeper may ask for a longer pause, but is asked again then."""


_NAT64 = IPv6Network("64:ff9b::/96")
"""Where gateways of networks without IPv4 answer for IPv4 addresses (RFC 6052)."""


class Busy(Unavailable):
    """A keeper asks to be left alone for a while."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class KeeperClient:
    """One keeper by its base URL. For one event loop; `close` it at the end.

    Every method raises `Unavailable` if the keeper does not answer, and `Rejected` (KEEPER_ANSWER) if it
    answers with what no keeper sends: that is its fault and nobody else's.
    """

    def __init__(self, url: str, *, is_stranger: bool = False) -> None:
        """`is_stranger`: its URL comes from a stranger, so it must lie in the public internet.

        Raises ValueError for a URL that is not http or https.
        """
        parts = check_url(url)
        self.name = base_url(url)
        self._headers = [(b"Host", _host(parts).encode())]
        self._headers.append((b"Accept-Encoding", b"identity"))
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls() if parts.scheme == "https" else None,
            max_connections=CONNECTIONS_LIMIT,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_PublicNetwork() if is_stranger else _Network(),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._pool.aclose()

    async def health(self) -> Health:
        """What it says of itself."""
        body = await self._get("health", SMALL_LIMIT_BYTES)
        return read_model(Health, body or b"")

    async def manifest(self, item: Bytes32) -> Manifest | None:
        """The manifest of an item, checked against its name; None if it has none."""
        return self._checked(item, await self._get(f"items/{item.hex()}/manifest", MANIFEST_LIMIT_BYTES))

    async def stored_manifest(self, item: Bytes32) -> Manifest | None:
        """The same of a plain store of blobs, such as registrants have."""
        return self._checked(item, await self._fetch(manifest_name(item), MANIFEST_LIMIT_BYTES))

    async def stored_blob(self, versioned_hash: Bytes32) -> bytes | None:
        """A blob of an item from a plain store, unverified; None if it has none."""
        return await self._fetch(kzg_name(versioned_hash), BLOB_SIZE_BYTES)

    async def file(self, path: str, limit_bytes: int) -> bytes | None:
        """A file of a plain web server, such as of a log; None if it has none."""
        return await self._fetch(path, limit_bytes)

    async def posted(self, path: str, content: bytes, limit_bytes: int, seconds: float) -> bytes | None:
        """What a server answers to a message; None if it takes none there."""
        return await self._fetch(path, limit_bytes, content=content, seconds=seconds)

    def _checked(self, item: Bytes32, body: bytes | None) -> Manifest | None:
        if body is None:
            return None
        try:
            found = parse_manifest(body)
        except Rejected as error:
            raise Rejected(Reject.KEEPER_ANSWER, f"{self.name} sent no manifest ({error})") from error
        if found.name != item:
            raise Rejected(
                Reject.KEEPER_ANSWER,
                f"{self.name} sent the manifest of item {found.name.hex()} instead of {item.hex()}",
            )
        return found

    async def held(self, item: Bytes32) -> Held | None:
        """What it says that it holds of an item; None if it has nothing."""
        body = await self._get(f"items/{item.hex()}/held", HELD_LIMIT_BYTES)
        return None if body is None else read_model(Held, body)

    async def deletions(self, item_id: ItemId) -> tuple[DeletionReceipt, ...]:
        """The deletion receipts that it has signed about an item, unverified."""
        body = await self._get(f"deletions/{item_id}", DELETIONS_LIMIT_BYTES)
        return () if body is None else read_model(Deletions, body).deletions

    async def cells(self, item: Bytes32, places: Sequence[CellPlace]) -> list[Cell]:
        """Those of these cells that it has, at most `PLACES_LIMIT`, unverified."""
        if not 1 <= len(places) <= PLACES_LIMIT:
            raise ValueError(f"expected 1 to {PLACES_LIMIT} cells, got {len(places)}")
        body = await self._get(f"items/{item.hex()}/{_target(places)}", len(places) * PACKED_SIZE_BYTES)
        return [] if body is None else unpack(body, places, self.name)

    async def _get(self, path: str, limit_bytes: int) -> bytes | None:
        return await self._fetch(f"v{VERSION}/{path}", limit_bytes)

    async def _fetch(
        self, path: str, limit_bytes: int, *, content: bytes | None = None, seconds: float = ANSWER_SECONDS
    ) -> bytes | None:
        """The body of an answer; None if the server has no such thing."""
        url = f"{self.name}/{path}".encode()
        try:
            async with asyncio.timeout(seconds + limit_bytes / LEAST_BYTES_PER_SECOND):
                return await self._exchange(url, limit_bytes, content)
        except (Rejected, Unavailable):
            raise
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise Unavailable(f"{self.name} is too slow") from error
        except Exception as error:  # a stranger's bytes went through a library
            raise Unavailable(f"{self.name} failed: {str(error) or type(error).__name__}") from error

    async def _exchange(self, url: bytes, limit_bytes: int, content: bytes | None) -> bytes | None:
        extensions = {"timeout": {"connect": CONNECT_SECONDS}}
        _left_bytes.set(HEAD_LIMIT_BYTES)
        method, headers = ("GET", self._headers) if content is None else ("POST", [*self._headers])
        if content is not None:
            headers.append((b"Content-Length", str(len(content)).encode()))
        async with self._pool.stream(
            method, url, headers=headers, content=content, extensions=extensions
        ) as response:
            self._check(response.status, dict(response.headers))
            if response.status == 404:
                return None
            _left_bytes.set(FRAMING_FACTOR * limit_bytes + HEAD_LIMIT_BYTES)
            body = bytearray()
            async for piece in response.aiter_stream():
                body += piece
                if len(body) > limit_bytes:
                    raise Rejected(
                        Reject.KEEPER_ANSWER, f"{self.name} sent more than the {limit_bytes} bytes asked for"
                    )
            return bytes(body)

    def _check(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        lower = {name.lower(): value for name, value in headers.items()}
        if status in (429, 503):
            text = lower.get(b"retry-after", b"1")
            seconds = float(text) if text.isdigit() and len(text) < 6 else 1.0
            raise Busy(f"{self.name} is busy", min(seconds, RETRY_AFTER_LIMIT_SECONDS))
        if status not in (200, 404):
            raise Unavailable(f"{self.name} answers {status}")
        if lower.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Rejected(Reject.KEEPER_ANSWER, f"{self.name} compresses what it was asked not to")


def check_url(url: str) -> SplitResult:
    """The parts of the URL of a keeper or a log. Raises ValueError if it can be none."""
    parts = urlsplit(url)
    is_on_web = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if not is_on_web or parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(f"expected an http or https URL without ? # or @, got {url[:300]!r}")
    return parts


def base_url(url: str) -> str:
    """How a keeper is named: its URL, always written alike. Raises ValueError if it can be none."""
    parts = check_url(url)
    return f"{parts.scheme}://{_host(parts)}{parts.path.rstrip('/')}"


def _host(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port}" if parts.port else f"{host}"


def _is_public(text: str) -> bool:
    """Whether an address is one of the public internet, as is the IPv4 address that it may stand for."""
    address = ip_address(text)
    inner = None
    if isinstance(address, IPv6Address):
        inner = IPv4Address(int(address) & 2**32 - 1) if address in _NAT64 else address.sixtofour
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)


_left_bytes = ContextVar("left_bytes", default=HEAD_LIMIT_BYTES)
"""What may still be read for the exchange that this task waits for."""


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection from which no exchange reads more than it may: what libraries parse costs time."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        found = await self._stream.read(max_bytes, timeout)
        left_bytes = _left_bytes.get() - len(found)
        if left_bytes < 0:
            raise httpcore.ReadError("it sends far more than what was asked for")
        _left_bytes.set(left_bytes)
        return found

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore.AsyncNetworkBackend):
    """Connects anywhere."""

    def __init__(self) -> None:
        self._backend = cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection that is read within bounds."""
        stream = await self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _BoundedStream(stream)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


class _PublicNetwork(_Network):
    """Connects to public addresses only: a stranger must not send us into our own network."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of the host's addresses; the name is looked up once, so it cannot change."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
        addresses = {str(each[4][0]) for each in found}
        public = sorted(address for address in addresses if _is_public(address.partition("%")[0]))
        if not public or len(public) < len(addresses):
            raise OSError("its address is not in the public internet; --allow-private allows it")
        return await super().connect_tcp(public[0], port, timeout, local_address, socket_options)


def _target(places: Sequence[CellPlace]) -> str:
    """What to ask for: a stretch of a blob's cells is shorter to say."""
    first = places[0]
    is_stretch = all(
        place.blob == first.blob and place.cell == (first.cell + step) % CELLS_PER_BLOB
        for step, place in enumerate(places)
    )
    if is_stretch:
        return f"cells/{first.blob}?first={first.cell}&count={len(places)}"
    return f"cells?at={places_text(places)}"


@cache
def _tls() -> ssl.SSLContext:
    return httpcore.default_ssl_context()
