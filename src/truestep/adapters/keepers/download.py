"""Fetches an item into a file on the disk: in bounded memory, and again from where it was stopped."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Protocol

from truestep.adapters.files import make_folder
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.fetching import ItemFetcher
from truestep.adapters.keepers.standing import Blame
from truestep.availability.blobs import payload_of
from truestep.availability.manifest import Manifest
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, UNIT_SIZE_BYTES, Part
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import Kzg
from truestep.commitments.merkle import StreamedRoot
from truestep.engine.hashing import hash_many_pairs
from truestep.protocol.availability.facts import KnownItem

SYNCED_BLOBS = 64
"""8 MiB: what is fetched again at most after the power failed."""
READ_SIZE_BYTES = 1 << 20
_DIGEST_BYTES, _BLOB_BYTES = 16, 2
_ROW_BYTES = _BLOB_BYTES + _DIGEST_BYTES

OnBlob = Callable[[int, int], None]
"""Told how many blobs are there, of how many that are wanted."""


class PayloadFile:
    """The payload of an item, blob by blob, at its place in a file; use it as a context manager.

    Behind it lies a list of the blobs that are on the medium, each with a digest, so that a blob that did not
    survive is fetched again.
    """

    def __init__(self, path: Path, item: Bytes32) -> None:
        """Open or make it at `path`. Raises `Unavailable` if the disk fails."""
        self.path = path
        self._list_path = path.with_name(f"{path.name}.list")
        self._item = item
        self._waiting: list[tuple[int, bytes]] = []
        try:
            make_folder(path.parent)
            self._file: BinaryIO = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
            self.done = self._read_list()
        except OSError as error:
            raise _disk(path, error) from error

    def __enter__(self) -> "PayloadFile":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._sync()
        self._file.close()

    def write(self, blob: int, payload: bytes) -> None:
        """Keep the payload of one blob."""
        try:
            os.pwrite(self._file.fileno(), payload, blob * BLOB_PAYLOAD_BYTES)
            self._waiting.append((blob, _digest(payload)))
            self.done.add(blob)
            if len(self._waiting) == SYNCED_BLOBS:
                self._sync()
        except OSError as error:
            raise _disk(self.path, error) from error

    def read(self, start: int, size_bytes: int) -> Iterator[bytes]:
        """Bytes of the payload, in pieces."""
        while size_bytes > 0:
            try:
                piece = os.pread(self._file.fileno(), min(size_bytes, READ_SIZE_BYTES), start)
            except OSError as error:
                raise _disk(self.path, error) from error
            if not piece:
                raise Unavailable(f"{self.path} is shorter than it was; fetch the item again")
            yield piece
            start, size_bytes = start + len(piece), size_bytes - len(piece)

    def delete(self) -> None:
        """Remove it and its list."""
        self._waiting.clear()
        for path in (self.path, self._list_path):
            path.unlink(missing_ok=True)

    def _sync(self) -> None:
        if not self._waiting:
            return
        os.fsync(self._file.fileno())
        rows = b"".join(blob.to_bytes(_BLOB_BYTES, "big") + digest for blob, digest in self._waiting)
        with self._list_path.open("ab") as file:
            file.write(rows if file.tell() else self._item + rows)
        self._waiting.clear()

    def _read_list(self) -> set[int]:
        """The blobs in the list whose payload is there. A list of another item is dropped."""
        rows = self._list_path.read_bytes() if self._list_path.exists() else b""
        whole = len(self._item) + (len(rows) - len(self._item)) // _ROW_BYTES * _ROW_BYTES
        if rows[: len(self._item)] != self._item:
            self._list_path.unlink(missing_ok=True)
            return set()
        if whole < len(rows):  # killed while it wrote the last one
            os.truncate(self._list_path, whole)
        found: set[int] = set()
        for start in range(len(self._item), whole, _ROW_BYTES):
            blob = int.from_bytes(rows[start : start + _BLOB_BYTES], "big")
            payload = os.pread(self._file.fileno(), BLOB_PAYLOAD_BYTES, blob * BLOB_PAYLOAD_BYTES)
            if _digest(payload) == rows[start + _BLOB_BYTES : start + _ROW_BYTES]:
                found.add(blob)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlace:
    """Where the bytes of a part lie in the payload."""

    part: Part
    start: int


class Parted(Protocol):
    """What has parts: a manifest, or an item by the chain's events. They may break the rules of A1.2."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """In their order."""
        ...


def part_places(item: Parted) -> list[PartPlace]:
    """Of each part."""
    starts = accumulate((part.unit_count for part in item.parts[:-1]), initial=0)
    return [
        PartPlace(part=part, start=unit * UNIT_SIZE_BYTES)
        for part, unit in zip(item.parts, starts, strict=True)
    ]


def whole_trees(manifest: Parted, wanted: Iterable[int]) -> list[int]:
    """The wanted parts and the others of their trees, without which no root can be checked."""
    trees = {(manifest.parts[index].root, manifest.parts[index].depth) for index in wanted}
    return [index for index, part in enumerate(manifest.parts) if (part.root, part.depth) in trees]


def blobs_of(manifest: Parted, parts: Iterable[int]) -> list[int]:
    """The blobs in which these parts lie."""
    places = part_places(manifest)
    found: set[int] = set()
    for place in (places[index] for index in parts):
        last = place.start + place.part.size_bytes - 1
        found.update(range(place.start // BLOB_PAYLOAD_BYTES, last // BLOB_PAYLOAD_BYTES + 1))
    return sorted(found)


async def download(
    manifest: Manifest,
    kzg: Kzg,
    clients: Sequence[KeeperClient],
    file: PayloadFile,
    blobs: Sequence[int],
    *,
    on_blame: Callable[[Blame], None],
    on_blob: OnBlob = lambda done, wanted: None,
) -> None:
    """Fetch into `file` those of these blobs that it lacks.

    Raises `Unavailable` if keepers or the disk do not let it end; what was fetched stays. Raises `Rejected`
    if an element of a blob is none of an item's: then the item itself is wrong.
    """
    left = [blob for blob in blobs if blob not in file.done]
    done = len(blobs) - len(left)
    on_blob(done, len(blobs))
    async with ItemFetcher(manifest, kzg, clients, on_blame) as fetcher:
        async for blob, content in fetcher.blobs(left):
            file.write(blob, payload_of(content, blob))
            done += 1
            on_blob(done, len(blobs))


def check_roots(manifest: Parted, file: PayloadFile, parts: Sequence[int]) -> None:
    """Compare the roots of whole trees with their bytes.

    Raises `Rejected` if one differs: the commitments are to something else than the item says it is.
    """
    places = part_places(manifest)
    trees: dict[tuple[Bytes32, int], list[PartPlace]] = {}
    for index in parts:
        part = manifest.parts[index]
        trees.setdefault((part.root, part.depth), []).append(places[index])
    for (root, depth), stretches in trees.items():
        tree = StreamedRoot(depth, hash_many_pairs)
        for place in stretches:
            tree.seek(place.part.first_leaf)
            for piece in file.read(place.start, place.part.size_bytes):
                tree.update(piece)
        if (found := tree.finish()) != root:
            raise Rejected(
                Reject.PART_OTHER,
                f"expected bytes with root {root.hex()}, the item's commitments hold others, with root"
                f" {found.hex()}; its registrant lied, and the item can be struck",
            )


def unfinished_path(target: Path, manifest: Manifest | KnownItem) -> Path:
    """Where the payload lies until it is whole: the same place when the fetch is begun again."""
    return target.with_name(f".{target.name}.{manifest.name.hex()[:16]}.unfinished")


def _digest(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST_BYTES).digest()


def _disk(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"cannot use {path}: {error}; check disk space and permissions")
