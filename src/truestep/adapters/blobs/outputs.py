"""A node's own outputs, one file each, named as in blob stores."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from truestep.adapters.blobs.addresses import output_name
from truestep.adapters.files import UNFINISHED_SUFFIX, write_file
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.blobs import OutputKey, Pieces

PIECE_SIZE_BYTES = 1 << 20
UNFINISHED_SECONDS = 86_400.0
"""No file takes a day to write: an older one was left by a killed process."""
_NAME = re.compile(r"([0-9a-f]{64})-(0|[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class FilePieces:
    """Satisfies `truestep.ports.blobs.Pieces` over a file. Raises OSError if it is gone."""

    path: Path
    size_bytes: int

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_SIZE_BYTES):
                yield piece


class OutputDirectory:
    """Satisfies `truestep.ports.blobs.OutputFolder`; `folder` belongs to one process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, key: OutputKey, pieces: Iterable[bytes]) -> None:
        """Write the file, durably."""
        path = self._path(key)
        try:
            write_file(path, pieces)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error}; make room there") from error

    def kept(self) -> frozenset[OutputKey]:
        """The outputs by the names of their files. Deletes files that a killed process left unfinished."""
        keys: set[OutputKey] = set()
        try:
            for path in self._path(None).iterdir():
                if matched := _NAME.fullmatch(path.name):
                    root = Bytes32(bytes.fromhex(matched[1]))
                    keys.add(OutputKey(output_root=root, size_bytes=int(matched[2])))
                elif path.name.endswith(UNFINISHED_SUFFIX):
                    _drop_if_old(path)
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise Unavailable(f"cannot list {self._folder}: {error}; check its permissions") from error
        return frozenset(keys)

    def content(self, key: OutputKey) -> Pieces:
        """The file in pieces."""
        path = self._path(key)
        try:
            return FilePieces(path, path.stat().st_size)
        except OSError as error:
            raise Unavailable(f"this node's copy {path} is missing: {error.strerror}") from error

    def remove(self, key: OutputKey) -> None:
        """Delete the file."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"cannot delete {path}: {error}; check its permissions") from error

    def _path(self, key: OutputKey | None) -> Path:
        """The file of a key or, without a key, the directory of all."""
        if key is None:
            return (self._folder / output_name(Bytes32(bytes(32)), 0)).parent
        return self._folder / output_name(key.output_root, key.size_bytes)


def _drop_if_old(path: Path) -> None:
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
            path.unlink()
