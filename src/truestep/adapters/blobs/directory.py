"""Blobs in a directory: one file each, named by hash, written whole or not at all."""

import os
import tempfile
from pathlib import Path

from truestep.adapters.blobs.addresses import (
    BLOB_LIMIT_BYTES,
    SCHEME,
    blob_name,
    check_blob,
    check_output,
    name_of_uri,
    output_name,
    too_large,
)
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32


class DirectoryBlobs:
    """Satisfies `truestep.ports.blobs.Blobs`. Several processes may share the directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep `content`; its URI."""
        name = blob_name(content)
        self.write_named(name, content)
        return SCHEME + name

    def get(self, uri: str, limit_bytes: int) -> bytes:
        """The content of `uri`, checked."""
        name = name_of_uri(uri)
        return check_blob(self.read_named(name, limit_bytes), name)

    def put_output(self, output_root: Bytes32, output: bytes) -> None:
        """Publish a task's output under its root."""
        self.write_named(output_name(output_root, len(output)), output)

    def get_output(self, output_root: Bytes32, size_bytes: int) -> bytes:
        """The output of a claim, checked."""
        return check_output(
            self.read_named(output_name(output_root, size_bytes), size_bytes), output_root, size_bytes
        )

    def read_named(self, name: str, limit_bytes: int) -> bytes:
        """The bytes of one file, unchecked but bounded."""
        try:
            with (self._folder / name).open("rb") as file:
                content = file.read(limit_bytes + 1)
        except OSError as error:
            raise Unavailable(
                f"{name} is not in {self._folder} ({error.strerror}); ask its owner to put it there"
            ) from error
        if len(content) > limit_bytes:
            raise too_large(name, limit_bytes)
        return content

    def write_named(self, name: str, content: bytes) -> None:
        """Write one file atomically: readers see all of it or nothing, also after a crash."""
        if len(content) > BLOB_LIMIT_BYTES:
            raise too_large(name, BLOB_LIMIT_BYTES)
        target = self._folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(target)
        except OSError as error:
            raise Unavailable(f"cannot write {target}: {error}; check disk space and rights") from error
