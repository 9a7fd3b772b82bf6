"""The indexer on long chains, with nodes that refuse ranges or lag, and with a store that fails."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

import pytest

from tests.node.chain.stories import Story, StoryChain
from tests.node.chain.test_ledger import answers, searched
from tests.stores import PassingStore
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.node.chain.indexer import (
    LAGGING_SYNCS,
    RANGE_LIMIT_BLOCKS,
    RANGES_EACH_SYNC,
    Indexer,
    ReadingPast,
)
from truestep.ports.store import Change
from truestep.protocol.events import ChainEvent


def long_chain(blocks: int) -> StoryChain:
    chain = StoryChain(Story(random.Random(1)))
    for _ in range(10):
        chain.go_on(4, blocks=blocks // 10)
    return chain


def indexer_of(chain: StoryChain, store: Any = None) -> Indexer:
    return Indexer(cast(Any, chain), store or SqliteStore())


def catch_up(indexer: Indexer, tries: int = 10_000) -> list[ReadingPast]:
    """How often there was more to read."""
    states: list[ReadingPast] = []
    for _ in range(tries):
        try:
            indexer.sync()
        except ReadingPast as state:
            states.append(state)
        else:
            return states
    raise AssertionError(f"not caught up after {tries} tries")


def test_ten_million_blocks_are_read_without_an_outage() -> None:
    chain = long_chain(10_000_000)
    states = catch_up(indexer := indexer_of(chain))
    assert len(states) <= 10_000_000 // RANGE_LIMIT_BLOCKS // RANGES_EACH_SYNC + 1
    progress = [state.block_number for state in states]
    assert progress == sorted(set(progress))
    assert {state.head.number for state in states} == {chain.head_number}
    assert "block" in str(states[0])
    assert answers(indexer.ledger, chain.story) == searched(chain.story.told, chain.story)
    requests = len(chain.requests)
    assert requests <= 2.2 * 10_000_000 / RANGE_LIMIT_BLOCKS + len(states)


class Grudging(StoryChain):
    """A node that refuses ranges above a limit."""

    limit_blocks = 700
    refusals = 0

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        if to_block - from_block + 1 > self.limit_blocks:
            self.refusals += 1
            raise Unavailable("query returned more than 10000 results")
        return super().events(from_block, to_block)


def test_ranges_shrink_until_a_node_gives_them_and_grow_when_it_gives_more() -> None:
    chain = Grudging(Story(random.Random(1)))
    chain.go_on(30, blocks=400_000)
    indexer = indexer_of(chain)
    outages = 0
    for _ in range(1_000):
        try:
            indexer.sync()
        except ReadingPast:
            continue
        except Unavailable:
            outages += 1
        else:
            break
    assert answers(indexer.ledger, chain.story) == searched(chain.story.told, chain.story)
    assert outages <= 3
    assert chain.refusals <= 0.2 * 400_000 / 350
    chain.limit_blocks = RANGE_LIMIT_BLOCKS
    chain.requests.clear()
    chain.go_on(blocks=400_000)
    catch_up(indexer)
    assert chain.requests.count("events") < 2 * 400_000 / RANGE_LIMIT_BLOCKS + 60


def test_an_older_head_is_a_node_that_lags_and_takes_nothing_back() -> None:
    chain = StoryChain(Story(random.Random(1)))
    indexer = indexer_of(chain)
    chain.go_on(20)
    indexer.sync()
    chain.go_on(10)
    newest = indexer.sync()
    known = answers(indexer.ledger, chain.story)
    for behind in (1, 2, 5, newest.number):
        chain.head_number = newest.number - behind
        assert indexer.sync() == newest
        assert answers(indexer.ledger, chain.story) == known
    chain.head_number = newest.number
    assert indexer.sync() == newest
    assert indexer.ledger.drain_changes().tasks
    indexer.sync()
    assert indexer.ledger.drain_changes().tasks == frozenset()


def test_blocks_that_stay_away_are_taken_back() -> None:
    chain = StoryChain(Story(random.Random(1)))
    indexer = indexer_of(chain)
    chain.go_on(20)
    first = indexer.sync()
    kept = list(chain.story.told)
    chain.go_on(10)
    indexer.sync()
    chain.story.told, chain.head_number = kept, first.number
    for _ in range(LAGGING_SYNCS + 1):
        indexer.sync()
    assert answers(indexer.ledger, chain.story) == searched(kept, chain.story)


def test_a_node_that_does_not_know_its_own_past_takes_nothing_back() -> None:
    chain = StoryChain(Story(random.Random(1)))
    indexer = indexer_of(chain)
    chain.go_on(20)
    indexer.sync()
    known = answers(indexer.ledger, chain.story)
    chain.headers_read_along = 1
    chain.go_on()
    actual, chain.block_hash = chain.block_hash, lambda number: None
    with pytest.raises(Unavailable, match="lags"):
        indexer.sync()
    assert answers(indexer.ledger, chain.story) == known
    chain.block_hash = actual
    assert indexer.sync().number == chain.head_number


class FailingStore(PassingStore):
    """A store whose disk is full every now and then."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(SqliteStore())
        self._rng = rng
        self.is_failing = False

    def _fail(self) -> None:
        if self.is_failing and self._rng.random() < 0.5:
            raise Unavailable("disk full")

    def read(self, table: str, key: str) -> str | None:
        self._fail()
        return super().read(table, key)

    def rows(self, table: str, **span: Any) -> list[tuple[str, str]]:
        self._fail()
        return super().rows(table, **span)

    def write(self, changes: Sequence[Change]) -> None:
        self._fail()
        super().write(changes)


@pytest.mark.parametrize("seed", range(8))
def test_a_full_disk_loses_and_repeats_nothing(seed: int) -> None:
    rng = random.Random(seed)
    chain, store = StoryChain(Story(rng)), FailingStore(rng)
    indexer = indexer_of(chain, store)
    for _ in range(12):
        chain.go_on(rng.randrange(12))
        if rng.random() < 0.3:
            chain.branch += "x"
        store.is_failing = True
        for _ in range(3):
            try:
                indexer.sync()
            except Unavailable:
                continue
        store.is_failing = False
        indexer.sync()
        assert answers(indexer.ledger, chain.story) == searched(chain.story.told, chain.story)
        assert answers(indexer_of(chain, store).ledger, chain.story) == answers(indexer.ledger, chain.story)
