"""Tiles: the form in which a log is served (docs/logs.md L3), that of C2SP tlog-tiles."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.protocol.logs.tree import SIZE_LIMIT, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
"""Nodes of a whole tile, entries of a whole bundle."""
HASH_SIZE_BYTES = 32
ENTRY_LIMIT_BYTES = 4096
"""Of an entry. The form has room for 65,535; no record that a log may hold is as long as this."""
LENGTH_SIZE_BYTES = 2
BUNDLE_LIMIT_BYTES = TILE_WIDTH * (LENGTH_SIZE_BYTES + ENTRY_LIMIT_BYTES)
CHECKPOINT_PATH = "checkpoint"
KEY_PATH = "key"
"""Where a log of truestep has its verifier key, for people. Nobody should believe a key that a log brings."""
_PATH = re.compile(
    r"tile/(entries|0|[1-7])((?:/x[0-9]{3}){0,5}/[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A run of neighbouring nodes of level `level` * 8, or of entries if `level` is None."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it is served."""
        room = "entries" if self.level is None else f"{self.level}"
        digits = f"{self.index}".zfill(3)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        words = [*(f"x{group}" for group in groups[:-1]), groups[-1]]
        end = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{room}/{'/'.join(words)}{end}"


def parse_path(path: str) -> Tile | None:
    """The tile that a path names, None if it names none."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    room, places, width = found.groups()
    index = int(places.replace("/", "").replace("x", ""))
    tile = Tile(level=None if room == "entries" else int(room), index=index, width=int(width or TILE_WIDTH))
    return tile if tile.path == path else None


def tiles_of(size: int) -> Iterator[Tile]:
    """The last tile of each level of a log, and its last bundle, if they are not whole."""
    if size % TILE_WIDTH:
        yield Tile(level=None, index=size // TILE_WIDTH, width=size % TILE_WIDTH)
    level = 0
    while size:
        if size % TILE_WIDTH:
            yield Tile(level=level, index=size // TILE_WIDTH, width=size % TILE_WIDTH)
        level, size = level + 1, size // TILE_WIDTH


def bundle_of(entries: Iterable[bytes]) -> bytes:
    """Entries as a bundle holds them."""
    return b"".join(len(entry).to_bytes(LENGTH_SIZE_BYTES, "big") + entry for entry in entries)


def parse_bundle(content: bytes, count: int) -> list[bytes]:
    """The entries of a bundle, which must be as many as these. Raises `Rejected`."""
    entries: list[bytes] = []
    at = 0
    while at < len(content) and len(entries) < count:
        start = at + LENGTH_SIZE_BYTES
        length = int.from_bytes(content[at:start], "big")
        at = start + length
        if length > ENTRY_LIMIT_BYTES:
            raise _malformed(
                f"expected entries of at most {ENTRY_LIMIT_BYTES:,} bytes, got one of {length:,}"
            )
        if at > len(content):
            raise _malformed(f"a bundle ends within entry {len(entries)}; it was cut off")
        entries.append(content[start:at])
    if len(entries) < count or at < len(content):
        raise _malformed(
            f"expected {count} entries in a bundle, got {len(entries)} and {len(content) - at} bytes"
        )
    return entries


def nodes_of(content: bytes, tile: Tile) -> list[Bytes32]:
    """The nodes of a tile. Raises `Rejected` if it has another length."""
    if len(content) != tile.width * HASH_SIZE_BYTES:
        raise _malformed(
            f"expected {tile.width} nodes in {tile.path}, {tile.width * HASH_SIZE_BYTES:,} bytes; got"
            f" {len(content):,} bytes"
        )
    starts = range(0, len(content), HASH_SIZE_BYTES)
    return [Bytes32(content[at : at + HASH_SIZE_BYTES]) for at in starts]


def node_above(nodes: Sequence[bytes]) -> Bytes32:
    """The root of neighbouring nodes, whose number is a power of two."""
    level = [Bytes32(node) for node in nodes]
    while len(level) > 1:
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


@dataclass(slots=True)
class TiledTree:
    """Reads nodes of a log of `size` out of its tiles. What it reads is as true as the tiles are."""

    read_tile: Callable[[Tile], bytes]
    size: int

    def node(self, level: int, index: int) -> Bytes32:
        """The root of a whole subtree. Raises `Rejected`, and what reading a tile raises."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        count = self.size >> tile_level * TILE_HEIGHT
        if not 0 <= first < first + (1 << height) <= count <= SIZE_LIMIT:
            raise ValueError(f"expected a subtree of a log of {self.size}, got {index} of level {level}")
        number, start = divmod(first, TILE_WIDTH)
        width = min(TILE_WIDTH, count - number * TILE_WIDTH)
        tile = Tile(level=tile_level, index=number, width=width)
        nodes = nodes_of(self.read_tile(tile), tile)
        return node_above(nodes[start : start + (1 << height)])


def _malformed(why: str) -> Rejected:
    return Rejected(Reject.LOG_TILE, why)
