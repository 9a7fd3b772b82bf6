"""Blobs behind HTTP: `GET`, `HEAD` and `PUT {base}/{name}`; any plain object store works."""

from urllib.parse import urlsplit

from truestep.adapters.blobs.addresses import (
    SCHEME,
    blob_name,
    content_size,
    input_name,
    limit_of,
    name_of_uri,
    output_name,
    parse_name,
    program_name,
)
from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.blobs.transfer import download, is_there, upload
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop


class HttpBlobs:
    """Satisfies `truestep.ports.blobs.Blobs` over one base URL."""

    def __init__(self, base_url: str) -> None:
        """Raises ValueError for a URL that is not http or https."""
        parts = urlsplit(base_url)
        is_on_web = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not is_on_web or parts.query or parts.fragment:
            raise ValueError(f"expected an http or https URL of a server, without ? or #, got {base_url!r}")
        self._base_url = base_url.rstrip("/")

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content`. Returns its URI."""
        name = blob_name(content)
        self._put(name, content, should_stop)
        return SCHEME + name

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, checked."""
        name = name_of_uri(uri)
        return self._get(name, limit_bytes, should_stop)

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file."""
        self._put(program_name(image_root, entry), elf, should_stop)

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program, checked."""
        name = program_name(image_root, entry)
        return self._get(name, limit_of(name), should_stop)

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input."""
        self._put(input_name(input_root, len(content)), content, should_stop)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size, checked."""
        name = input_name(input_root, size_bytes)
        return self._get(name, limit_of(name), should_stop)

    def put_output(
        self,
        output_root: Bytes32,
        content: bytes | Pieces,
        size_bytes: int | None = None,
        *,
        should_stop: ShouldStop = never,
    ) -> None:
        """Publish an output range."""
        size_bytes = content_size(content) if size_bytes is None else size_bytes
        self._put(output_name(output_root, size_bytes), content, should_stop)

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim, checked."""
        name = output_name(output_root, size_bytes)
        return self._get(name, limit_of(name), should_stop)[:size_bytes]

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the server says that it has the output."""
        name = output_name(output_root, size_bytes)
        return run_in_background(lambda: is_there(self._url(name), name), should_stop)

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves."""
        self._put(parse_name(name).text, content, should_stop)

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name, checked."""
        return self._get(parse_name(name).text, limit_of(name), should_stop)

    def _get(self, name: str, limit_bytes: int, should_stop: ShouldStop) -> bytes:
        content = run_in_background(lambda: download(self._url(name), name, limit_bytes), should_stop)
        return check_named(name, content)

    def _put(self, name: str, content: bytes | Pieces, should_stop: ShouldStop) -> None:
        run_in_background(lambda: upload(self._url(name), name, content), should_stop)

    def _url(self, name: str) -> str:
        return f"{self._base_url}/{name}"
