"""Blobs in a directory: one file each, named by hash or root, written atomically."""

import os
from pathlib import Path

from truestep.adapters.blobs.addresses import (
    BLOB_LIMIT_BYTES,
    content_size,
    output_name,
    too_large,
)
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.blobs.named import NamedBlobs
from truestep.adapters.files import write_file
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop


class DirectoryBlobs(NamedBlobs):
    """Satisfies `truestep.ports.blobs.Blobs`. Several processes may share the directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the file is there."""
        return self.path_of(output_name(output_root, size_bytes)).is_file()

    def path_of(self, name: str) -> Path:
        """The path of the blob `name`, if it is here."""
        return self._folder / name

    def read_named(self, name: str, limit_bytes: int) -> bytes:
        """The bytes of one file, unchecked but limited in size."""
        try:
            with self.path_of(name).open("rb") as file:
                size_bytes = os.fstat(file.fileno()).st_size  # what `read` sets aside at once
                content = file.read(min(size_bytes, limit_bytes + 1))
        except OSError as error:
            raise Unavailable(
                f"{name} is not in {self._folder} ({error.strerror}); ask its owner to put it there"
            ) from error
        if len(content) > limit_bytes:
            raise too_large(name, limit_bytes)
        return content

    def write_named(self, name: str, content: bytes | Pieces) -> None:
        """Write one file atomically."""
        if content_size(content) > BLOB_LIMIT_BYTES:
            raise too_large(name, BLOB_LIMIT_BYTES)
        target = self.path_of(name)
        try:
            write_file(target, content)
        except OSError as error:
            raise Unavailable(f"cannot write {target}: {error}; check disk space and permissions") from error

    def _get(self, name: str, limit_bytes: int, should_stop: ShouldStop) -> bytes:
        return check_named(name, self.read_named(name, limit_bytes))

    def _put(self, name: str, content: bytes | Pieces, should_stop: ShouldStop) -> None:
        self.write_named(name, content)
