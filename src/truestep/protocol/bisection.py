"""The arithmetic of the dispute game's intervals and splits (docs/protocol.md S11)."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from truestep.base.ids import Bytes32
from truestep.base.records import record
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import pair_tree_levels

SPLITS_KEPT = 2**8
"""Trees of splits: each is made when it is stated, checked and picked from, for all games on one node."""


@record
class Interval:
    """State numbers low < high. Both sides agree on the state at low and disagree at high (S11.3)."""

    low: int
    high: int

    def __post_init__(self) -> None:
        """Refuse an empty interval."""
        if not 0 <= self.low < self.high:
            raise ValueError(f"expected 0 <= low < high, got {self.low}, {self.high}")

    @property
    def length(self) -> int:
        """Steps in the interval."""
        return self.high - self.low

    def part_count(self, arity: int) -> int:
        """The number of parts in a split."""
        return min(arity, self.length)

    def boundaries(self, arity: int) -> list[int]:
        """The state numbers between the parts, including low and high."""
        return list(_boundaries(self.low, self.length, self.part_count(arity)))

    def part(self, part: int, arity: int) -> "Interval":
        """Part number `part`."""
        boundaries = self.boundaries(arity)
        return Interval(low=boundaries[part], high=boundaries[part + 1])


def split_leaves(boundary_hashes: Sequence[bytes]) -> list[Bytes32]:
    """One leaf per part: the hash of the state hashes at its start and end (S11.4)."""
    return [keccak256(start + end) for start, end in pairwise(boundary_hashes)]


def split_root(boundary_hashes: Sequence[bytes], arity: int) -> Bytes32:
    """The root of a split, which the contract stores (S11.4)."""
    return Bytes32(_levels(tuple(boundary_hashes), arity)[-1][0])


def part_siblings(boundary_hashes: Sequence[bytes], arity: int, part: int) -> list[bytes]:
    """The siblings that prove part number `part` of a split (S11.5)."""
    levels = _levels(tuple(boundary_hashes), arity)
    return [level[part >> height ^ 1] for height, level in enumerate(levels[:-1])]


def first_disagreement(claimed: Sequence[bytes], own: Sequence[bytes]) -> int:
    """The first part at whose start the sides agree and at whose end they disagree.

    Both sequences hold the hashes at the boundaries of one split. Raises ValueError if there is no such part,
    because they agree at every boundary or differ at the first one.
    """
    for part in range(len(own) - 1):
        if claimed[part] == own[part] and claimed[part + 1] != own[part + 1]:
            return part
    raise ValueError("expected the hashes to agree first and disagree later")


@lru_cache(maxsize=SPLITS_KEPT)
def _boundaries(low: int, length: int, parts: int) -> tuple[int, ...]:
    return tuple(low + length * part // parts for part in range(parts + 1))


@lru_cache(maxsize=SPLITS_KEPT)
def _levels(boundary_hashes: tuple[bytes, ...], arity: int) -> list[list[bytes]]:
    return pair_tree_levels(split_leaves(boundary_hashes), arity.bit_length() - 1)
