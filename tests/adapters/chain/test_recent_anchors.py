"""The newest anchors are read backwards at first, and on from there."""

from collections.abc import Iterator

from truestep.adapters.chain.recent_anchors import AGAIN_BLOCKS, RANGE_BLOCKS, RecentAnchors
from truestep.base.ids import Bytes32
from truestep.protocol.logs.contracts.anchors import Anchor

FIRST_BLOCK = 500


class Chain:
    """An anchor of epoch n in each block n * 1,000."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.blocks = {each * 1_000: anchor(each) for each in range(1, 100)}

    def events(self, first: int, last: int) -> Iterator[tuple[int, int, Anchor]]:
        assert FIRST_BLOCK <= first <= last < first + RANGE_BLOCKS
        self.ranges.append((first, last))
        for block, each in self.blocks.items():
            if first <= block <= last:
                yield block, each.epoch, each


def anchor(epoch: int) -> Anchor:
    return Anchor(group=0, epoch=epoch, root=Bytes32(bytes(32)), bitmap=2)


def epochs(found: list[Anchor]) -> list[int]:
    return sorted(each.epoch for each in found)


def test_no_more_is_read_than_is_asked_for() -> None:
    chain = Chain()
    recent = RecentAnchors(chain.events, FIRST_BLOCK)
    assert epochs(recent.since(96, 99_500, 99)) == [96, 97, 98, 99]
    assert len(chain.ranges) == 3
    chain.ranges.clear()
    assert epochs(recent.since(97, 99_510, 99)) == [97, 98, 99]
    assert chain.ranges == [(99_501 - AGAIN_BLOCKS, 99_510)]


def test_a_reorganisation_takes_an_anchor_back() -> None:
    chain = Chain()
    recent = RecentAnchors(chain.events, FIRST_BLOCK)
    recent.since(98, 99_010, 99)
    del chain.blocks[99_000]
    assert epochs(recent.since(98, 99_020, 98)) == [98]
    chain.blocks[99_030] = anchor(99)
    assert epochs(recent.since(98, 99_015, 98)) == [98]  # the head went back
    assert epochs(recent.since(98, 99_031, 99)) == [98, 99]


def test_a_network_without_anchors_is_not_read() -> None:
    chain = Chain()
    assert RecentAnchors(chain.events, FIRST_BLOCK).since(0, 99_500, 0) == []
    assert not chain.ranges


def test_the_first_block_ends_the_reading() -> None:
    chain = Chain()
    assert epochs(RecentAnchors(chain.events, FIRST_BLOCK).since(0, 3_100, 99)) == [1, 2, 3]
    assert chain.ranges[-1][0] == FIRST_BLOCK
