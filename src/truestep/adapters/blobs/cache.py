"""Own copies of what was fetched: a file that its owner takes away cannot cost a bond afterwards."""

import os
from contextlib import suppress
from pathlib import Path

from truestep.adapters.blobs.addresses import check_blob, name_of_uri
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Blobs

KEPT_LIMIT_BYTES = 16 << 30
"""32 inputs of the largest size; the copy that was not asked for the longest time goes first."""


class BlobCache:
    """Satisfies `truestep.ports.blobs.Blobs` over another store; `folder` belongs to one process."""

    def __init__(self, blobs: Blobs, folder: Path, *, limit_bytes: int = KEPT_LIMIT_BYTES) -> None:
        self._blobs = blobs
        self._folder = folder
        self._copies = DirectoryBlobs(folder)
        self._limit_bytes = limit_bytes

    def put(self, content: bytes) -> str:
        """Keep `content` in the other store; its URI."""
        return self._blobs.put(content)

    def get(self, uri: str, limit_bytes: int) -> bytes:
        """The content of `uri`, from the own copy if there is one."""
        name = name_of_uri(uri)
        with suppress(Unavailable, Rejected):  # no copy, or a spoilt one: the other store has the last word
            content = check_blob(self._copies.read_named(name, limit_bytes), name)
            os.utime(self._folder / name)
            return content
        content = self._blobs.get(uri, limit_bytes)
        with suppress(Unavailable):  # a full disk must not keep a worker from its work
            self._copies.write_named(name, content)
            self._drop_oldest()
        return content

    def put_output(self, output_root: Bytes32, output: bytes) -> None:
        """Publish an output in the other store."""
        self._blobs.put_output(output_root, output)

    def get_output(self, output_root: Bytes32, size_bytes: int) -> bytes:
        """An output from the other store."""
        return self._blobs.get_output(output_root, size_bytes)

    def _drop_oldest(self) -> None:
        files = sorted(
            ((path.stat(), path) for path in self._folder.iterdir()), key=lambda f: f[0].st_mtime_ns
        )
        size_bytes = sum(status.st_size for status, _ in files)
        for status, path in files[:-1]:
            if size_bytes <= self._limit_bytes:
                return
            path.unlink(missing_ok=True)
            size_bytes -= status.st_size
