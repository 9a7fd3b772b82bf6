"""Blobs in a directory: one file each, named by hash or root, written atomically."""

import os
from pathlib import Path

from truestep.adapters.blobs.addresses import (
    BLOB_LIMIT_BYTES,
    SCHEME,
    blob_name,
    content_size,
    input_name,
    limit_of,
    name_of_uri,
    output_name,
    parse_name,
    program_name,
    too_large,
)
from truestep.adapters.blobs.checks import check_named
from truestep.adapters.files import write_file
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import Pieces, never
from truestep.ports.executor import ShouldStop


class DirectoryBlobs:
    """Satisfies `truestep.ports.blobs.Blobs`. Several processes may share the directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes, *, should_stop: ShouldStop = never) -> str:
        """Keep `content`. Returns its URI."""
        name = blob_name(content)
        self.write_named(name, content)
        return SCHEME + name

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The content of `uri`, checked."""
        return self._checked(name_of_uri(uri), limit_bytes)

    def put_program(
        self, image_root: Bytes32, entry: int, elf: bytes, *, should_stop: ShouldStop = never
    ) -> None:
        """Publish an ELF file."""
        self.write_named(program_name(image_root, entry), elf)

    def get_program(self, image_root: Bytes32, entry: int, *, should_stop: ShouldStop = never) -> bytes:
        """An ELF file of this program, checked."""
        return self._checked(program_name(image_root, entry))

    def put_input(self, input_root: Bytes32, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish an input."""
        self.write_named(input_name(input_root, len(content)), content)

    def get_input(self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The input with this root and size, checked."""
        return self._checked(input_name(input_root, size_bytes))

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
        self.write_named(output_name(output_root, size_bytes), content)

    def get_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        """The output of a claim, checked."""
        return self._checked(output_name(output_root, size_bytes))[:size_bytes]

    def has_output(self, output_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never) -> bool:
        """Whether the file is there."""
        return self.path_of(output_name(output_root, size_bytes)).is_file()

    def put_named(self, name: str, content: bytes, *, should_stop: ShouldStop = never) -> None:
        """Publish content under a name that it proves."""
        self.write_named(parse_name(name).text, content)

    def get_named(self, name: str, *, should_stop: ShouldStop = never) -> bytes:
        """The content of a name, checked."""
        return self._checked(parse_name(name).text)

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

    def _checked(self, name: str, limit_bytes: int | None = None) -> bytes:
        limit_bytes = limit_of(name) if limit_bytes is None else limit_bytes
        return check_named(name, self.read_named(name, limit_bytes))
