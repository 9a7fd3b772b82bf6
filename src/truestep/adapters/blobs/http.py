"""Blobs behind HTTP: `GET` and `PUT {base}/{hash}`, any plain object store will do."""

import time
import urllib.request
from http.client import HTTPException
from typing import IO
from urllib.error import HTTPError

from truestep.adapters.blobs.addresses import (
    SCHEME,
    blob_name,
    check_named,
    input_name,
    limit_of,
    name_of_uri,
    output_name,
    program_name,
    too_large,
)
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop

CONNECT_TIMEOUT_SECONDS = 10.0
"""Also the longest silence between two pieces."""
TOTAL_TIMEOUT_SECONDS = 300.0
"""512 MiB at 2 MB/s: a slower store cannot serve large jobs, and must not hold up small ones for ever."""
PIECE_SIZE_BYTES = 1 << 20


class HttpBlobs:
    """Satisfies `truestep.ports.blobs.Blobs` over one base URL."""

    def __init__(self, base_url: str, *, total_timeout_seconds: float = TOTAL_TIMEOUT_SECONDS) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"expected an http or https URL, got {base_url!r}")
        self._base_url = base_url.rstrip("/")
        self._total_timeout_seconds = total_timeout_seconds

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content`; its URI."""
        name = blob_name(content)
        self._put(name, content)
        return SCHEME + name

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, checked."""
        name = name_of_uri(uri)
        return check_named(name, self._get(name, limit_bytes))

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file."""
        self._put(program_name(image_root, entry), elf)

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program, checked."""
        return self._checked(program_name(image_root, entry))

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input."""
        self._put(input_name(input_root, len(content)), content)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size, checked."""
        return self._checked(input_name(input_root, size_bytes))

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output range."""
        size_bytes = len(content) if size_bytes is None else size_bytes
        self._put(output_name(output_root, size_bytes), content)

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim, checked."""
        return self._checked(output_name(output_root, size_bytes))[:size_bytes]

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the server says that it has the output."""
        request = urllib.request.Request(
            f"{self._base_url}/{output_name(output_root, size_bytes)}", method="HEAD"
        )
        try:
            with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_SECONDS):
                return True
        except HTTPError:
            return False
        except (OSError, HTTPException) as error:
            raise Unavailable(f"cannot ask {self._base_url}: {error}; try later") from error

    def _checked(self, name: str) -> bytes:
        return check_named(name, self._get(name, limit_of(name)))

    def _get(self, name: str, limit_bytes: int) -> bytes:
        url = f"{self._base_url}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=CONNECT_TIMEOUT_SECONDS) as response:
                return self._read(response, name, limit_bytes)
        except (OSError, HTTPException) as error:
            raise Unavailable(f"cannot get {url}: {error}; try later, or another store") from error

    def _read(self, response: IO[bytes], name: str, limit_bytes: int) -> bytes:
        """Piece by piece: neither a stream without end nor a trickle holds us up."""
        deadline = time.monotonic() + self._total_timeout_seconds
        pieces: list[bytes] = []
        size_bytes = 0
        while piece := response.read(min(PIECE_SIZE_BYTES, limit_bytes + 1 - size_bytes)):
            pieces.append(piece)
            size_bytes += len(piece)
            if size_bytes > limit_bytes:
                raise too_large(name, limit_bytes)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self._base_url}/{name} took more than {self._total_timeout_seconds:g} s;"
                    " try later, or another store"
                )
        return b"".join(pieces)

    def _put(self, name: str, content: bytes) -> None:
        url = f"{self._base_url}/{name}"
        request = urllib.request.Request(url, data=content, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_SECONDS):
                return
        except (OSError, HTTPException) as error:
            raise Unavailable(f"cannot put {url}: {error}; try later, or another store") from error
