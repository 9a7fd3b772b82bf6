"""Blobs behind HTTP: `GET`, `HEAD` and `PUT {base}/{name}`; any plain object store works."""

from urllib.parse import urlsplit

from truestep.adapters.blobs.addresses import output_name
from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.blobs.named import NamedBlobs
from truestep.adapters.blobs.transfer import download, is_there, upload
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop


class HttpBlobs(NamedBlobs):
    """Satisfies `truestep.ports.blobs.Blobs` over one base URL."""

    def __init__(self, base_url: str) -> None:
        """Raises ValueError for a URL that is not http or https."""
        parts = urlsplit(base_url)
        is_on_web = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not is_on_web or parts.query or parts.fragment:
            raise ValueError(f"expected an http or https URL of a server, without ? or #, got {base_url!r}")
        self._base_url = base_url.rstrip("/")

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the server says that it has the output."""
        name = output_name(output_root, size_bytes)
        return run_in_background(lambda: is_there(self._url(name), name), should_stop)

    def _get(self, name: str, limit_bytes: int, should_stop: ShouldStop) -> bytes:
        content = run_in_background(lambda: download(self._url(name), name, limit_bytes), should_stop)
        return check_named(name, content)

    def _put(self, name: str, content: bytes | Pieces, should_stop: ShouldStop) -> None:
        run_in_background(lambda: upload(self._url(name), name, content), should_stop)

    def _url(self, name: str) -> str:
        return f"{self._base_url}/{name}"
