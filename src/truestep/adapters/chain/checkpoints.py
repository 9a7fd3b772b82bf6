"""A daemon's newest final checkpoint in its store, so that a start does not read the whole past again."""

from dataclasses import dataclass
from hashlib import sha256

from truestep.adapters.chain.book import Checkpoint
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store
from truestep.protocol.settlement.facts.records import Facts

TABLE = "facts"
PLACE, FACTS = "place", "facts"
EACH_BLOCKS = 64
"""How far the chain goes on before the next one is kept: a start reads as much more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the facts are of."""

    block_number: int
    block_hash: Bytes32
    digest: Bytes32
    """Of all that is kept: damaged facts would be believed for ever, and could end each start."""


_PLACES = RowCodec[_Place]({"Place": _Place})


class CheckpointStore:
    """Keeps one checkpoint. It is only a short cut: what cannot be read is as good as nothing."""

    def __init__(self, store: Store, genesis: Facts) -> None:
        """`genesis` are the facts before the first event, of whoever reads now."""
        self._store = store
        self._genesis = genesis
        self._kept_at: int | None = None

    def read(self) -> Checkpoint | None:
        """What was kept; None if nothing was, or by another release, or for other accounts."""
        place_row, facts_row = self._store.read(TABLE, PLACE), self._store.read(TABLE, FACTS)
        if place_row is None or facts_row is None:
            return None
        try:
            place, facts = _PLACES.from_row(place_row), facts_from_row(facts_row, self._genesis)
        except Rejected:
            return None
        is_whole = place.digest == _digest(place.block_number, place.block_hash, facts_row)
        if facts.keeps != self._genesis.keeps or not is_whole:
            return None
        self._kept_at = place.block_number
        return Checkpoint(block_number=place.block_number, block_hash=place.block_hash, facts=facts)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, unless it is near the one that is kept. Raises `Unavailable`."""
        is_near = self._kept_at is not None and abs(checkpoint.block_number - self._kept_at) < EACH_BLOCKS
        if checkpoint.block_hash is None or is_near:
            return
        facts_row = facts_to_row(checkpoint.facts)
        place = _Place(
            block_number=checkpoint.block_number,
            block_hash=checkpoint.block_hash,
            digest=_digest(checkpoint.block_number, checkpoint.block_hash, facts_row),
        )
        self._store.write(
            [
                Change(table=TABLE, key=PLACE, value=_PLACES.to_row(place)),
                Change(table=TABLE, key=FACTS, value=facts_row),
            ]
        )
        self._kept_at = checkpoint.block_number

    def forget(self) -> None:
        """Keep nothing, until there is another checkpoint. Raises `Unavailable`."""
        self._store.write([Change(table=TABLE, key=key, value=None) for key in (PLACE, FACTS)])
        self._kept_at = None


def _digest(block_number: int, block_hash: Bytes32, facts_row: str) -> Bytes32:
    said = f"{block_number}/{block_hash.hex()}/{facts_row}"
    return Bytes32(sha256(said.encode("utf-8", "surrogatepass")).digest())
