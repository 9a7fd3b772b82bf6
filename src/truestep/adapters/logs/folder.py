"""A log in a folder, as tiles (docs/logs.md L3): it grows crash-safely, and never has two pasts (L7.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shutil import rmtree

from truestep.adapters.files import write_file
from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.rows import RowCodec, by_name
from truestep.ports.store import Change, Store
from truestep.protocol.logs.notes import (
    NOTE_LIMIT_BYTES,
    Checkpoint,
    parse_checkpoint,
    parse_note,
    verified_checkpoint,
)
from truestep.protocol.logs.tiles import (
    BUNDLE_LIMIT_BYTES,
    CHECKPOINT_PATH,
    KEY_PATH,
    TILE_WIDTH,
    Tile,
    TiledTree,
    bundle_of,
    node_above,
    nodes_of,
    parse_bundle,
    tiles_of,
)
from truestep.protocol.logs.tree import Peaks, leaf_hash, peaks_at

TABLE = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNames:
    """The name of a log that is begun: what all of an account in a network have in common, and the rest."""

    prefix: str
    suffix: str


ADVICE = (
    "put the newest copy of that folder back, or move the folder away, and a log of another name is begun;"
    " retire the old one if it is registered. Two pasts under one name cost its bond"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The newest checkpoint that was or is about to be signed."""

    size: int
    root: Bytes32


_ROWS = RowCodec[Signed](by_name(Signed))


class LogFolder:
    """Satisfies `truestep.ports.logs.AppendOnlyLog`. One process writes to a folder."""

    def __init__(
        self, folder: Path, names: LogNames, keys: LogKeys, store: Store, anchoring: Anchoring | None = None
    ) -> None:
        """Open the log, or begin it. The store remembers what was signed, so that an old copy is told apart.

        Raises `Rejected` if the folder has another log, or another past than what was signed; `Unavailable`.
        """
        self._folder, self._keys, self._store, self._anchoring = folder, keys, store, anchoring
        self._names = names
        self.origin = ""
        self._checkpoint = self._opened()

    @property
    def size(self) -> int:
        """How many entries it has."""
        return self._peaks.size

    @property
    def checkpoint(self) -> Checkpoint:
        """What it is now."""
        return self._checkpoint

    def append(self, entries: Sequence[bytes]) -> None:
        """Add entries: first their tiles, then what is about to be signed, then the checkpoint."""
        if not entries:
            return
        peaks = self._peaks
        for entry in entries:
            peaks = peaks.grown(leaf_hash(entry))
        try:
            self._write_tiles(entries)
            self._sign(peaks)
            self._drop_partial(peaks.size)
        except OSError as error:
            raise _failed(self._folder, error) from error

    def entry(self, index: int) -> bytes:
        """An entry that it has."""
        try:
            return self._bundle(index // TILE_WIDTH, self.size)[index % TILE_WIDTH]
        except OSError as error:
            raise _failed(self._folder, error) from error

    def newest(self, count: int) -> Iterator[bytes]:
        """The last entries, the oldest first."""
        first = max(0, self.size - count)
        for index in range(first // TILE_WIDTH, -(-self.size // TILE_WIDTH)):
            try:
                entries = self._bundle(index, self.size)
            except OSError as error:
                raise _failed(self._folder, error) from error
            yield from entries[max(0, first - index * TILE_WIDTH) :]

    # --- opening --------------------------------------------------------------------------------------

    def _opened(self) -> Checkpoint:
        try:
            return self._recovered()
        except OSError as error:
            raise _failed(self._folder, error) from error

    def _recovered(self) -> Checkpoint:
        """What was signed last: of a write that was cut off, the checkpoint is made up for."""
        path = self._folder / CHECKPOINT_PATH
        if not path.exists():
            return self._begun()
        content = _read(path, NOTE_LIMIT_BYTES)
        self.origin = parse_checkpoint(parse_note(content)).origin
        if not self.origin.startswith(self._names.prefix):
            raise Rejected(
                Reject.LOG_OTHER,
                f"{self._folder} has the log {self.origin}, expected one of {self._names.prefix}…; give"
                " another folder with --log DIR",
            )
        found = verified_checkpoint(content, self._keys.verifier_key(self.origin), more=[ADVICE])
        self._peaks, self._checkpoint, kept = self._peaks_at(found.size), found, self._kept()
        if self._peaks.root != found.root:
            raise _fork(f"the tiles in {self._folder} do not have the root of its checkpoint")
        if kept is not None and kept.size > found.size:
            self._go_on(kept, found)
        elif kept is not None and self._peaks_at(kept.size).root != kept.root:
            raise _fork(f"the log in {self._folder} has another past than the one that was signed")
        else:
            self._sign(self._peaks)  # also with the second signature, if the log was registered since
        return self._checkpoint

    def _begun(self) -> Checkpoint:
        """A log of a name that never was: it contradicts no earlier log of the account."""
        self.origin = f"{self._names.prefix}{self._names.suffix}"
        self._peaks = Peaks()
        self._sign(self._peaks)
        return self._checkpoint

    def _go_on(self, kept: Signed, found: Checkpoint) -> None:
        """The tiles of what was about to be signed are there, or this is an old copy."""
        try:
            peaks = self._peaks_at(kept.size)
        except (Rejected, FileNotFoundError):
            peaks = None
        if peaks is None or peaks.root != kept.root:
            raise _fork(
                f"the log in {self._folder} has {found.size:,} entries, and {kept.size:,} were signed: it is"
                " an old copy"
            )
        self._sign(peaks)

    def _peaks_at(self, size: int) -> Peaks:
        return peaks_at(TiledTree(self._read_tile, size).node, size)

    def _kept(self) -> Signed | None:
        row = self._store.read(TABLE, self.origin)
        return None if row is None else _ROWS.from_row(row)

    # --- files ----------------------------------------------------------------------------------------

    def _sign(self, peaks: Peaks) -> None:
        """Sign what the tiles hold. From here on only a log that goes on from it is taken for this one."""
        signed = Signed(size=peaks.size, root=peaks.root)
        self._store.write([Change(table=TABLE, key=self.origin, value=_ROWS.to_row(signed))])
        checkpoint = Checkpoint(origin=self.origin, size=peaks.size, root=peaks.root)
        note = self._keys.signed_checkpoint(checkpoint, self._anchoring)
        key = self._folder / KEY_PATH
        if not key.exists():
            write_file(key, self._keys.verifier_key(self.origin).text + "\n")
        write_file(self._folder / CHECKPOINT_PATH, note.content)
        self._peaks, self._checkpoint = peaks, checkpoint

    def _write_tiles(self, entries: Sequence[bytes]) -> None:
        """Write the bundles and tiles that hold the new entries, whole ones and the last ones."""
        fresh: list[bytes] = list(entries)
        index, width = divmod(self.size, TILE_WIDTH)
        before = self._bundle(index, self.size) if width else []
        for at, part in _runs([*before, *fresh]):
            write_file(
                self._folder / Tile(level=None, index=index + at, width=len(part)).path, bundle_of(part)
            )
        nodes: list[bytes] = [leaf_hash(entry) for entry in entries]
        level, size = 0, self.size
        while nodes:
            nodes = self._write_level(level, size, nodes)
            level, size = level + 1, size // TILE_WIDTH

    def _write_level(self, level: int, size: int, nodes: Sequence[bytes]) -> list[bytes]:
        """Write the tiles of one level that has grown; the nodes that the level above grows by."""
        index, width = divmod(size, TILE_WIDTH)
        tile = Tile(level=level, index=index, width=width)
        before = nodes_of(self._read_tile(tile), tile) if width else []
        above: list[bytes] = []
        for at, part in _runs([*before, *nodes]):
            write_file(
                self._folder / Tile(level=level, index=index + at, width=len(part)).path, b"".join(part)
            )
            if len(part) == TILE_WIDTH:
                above.append(node_above(part))
        return above

    def _drop_partial(self, size: int) -> None:
        """Drop the parts of tiles that are whole now: readers take the whole ones (C2SP tlog-tiles)."""
        whole = {tile.path.partition(".p/")[0] for tile in tiles_of(size)}
        for folder in chain(*(self._folder.glob(f"tile/{'*/' * depth}*.p") for depth in range(1, 5))):
            if str(folder.relative_to(self._folder)).removesuffix(".p") not in whole:
                rmtree(folder)

    def _bundle(self, index: int, size: int) -> list[bytes]:
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        tile = Tile(level=None, index=index, width=width)
        return parse_bundle(_read(self._folder / tile.path, BUNDLE_LIMIT_BYTES), width)

    def _read_tile(self, tile: Tile) -> bytes:
        return _read_tile(self._folder, tile)


def root_at(folder: Path, size: int) -> Bytes32:
    """The root that the log in a folder had at a size that it has signed. For any thread.

    Raises `Rejected` if it never had this size, `Unavailable` if the disk fails.
    """
    try:
        return peaks_at(TiledTree(lambda tile: _read_tile(folder, tile), size).node, size).root
    except FileNotFoundError as error:
        raise Rejected(
            Reject.LOG_STATE,
            f"the log in {folder} has never signed that it has {size:,} entries: to state it costs its bond",
        ) from error
    except OSError as error:
        raise _failed(folder, error) from error


def _read_tile(folder: Path, tile: Tile) -> bytes:
    """A tile, or as much of the whole one: a part is dropped once its tile is whole."""
    try:
        return _read(folder / tile.path, BUNDLE_LIMIT_BYTES)
    except FileNotFoundError:
        whole = Tile(level=tile.level, index=tile.index)
        return _read(folder / whole.path, BUNDLE_LIMIT_BYTES)[: tile.width * 32]


def _runs(items: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Items in tiles: the number of the tile from the first one, and what it holds."""
    for at in range(0, len(items), TILE_WIDTH):
        yield at // TILE_WIDTH, items[at : at + TILE_WIDTH]


def _read(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit_bytes + 1)


def _fork(what: str) -> Rejected:
    return Rejected(Reject.LOG_FORK, f"{what}; {ADVICE}")


def _failed(folder: Path, error: OSError) -> Unavailable:
    return Unavailable(f"cannot use the log in {folder}: {error}; nothing is claimed that is not in it")
