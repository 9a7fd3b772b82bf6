"""Whatever order a chain is read in, and whatever it does meanwhile, the book says what its blocks say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.adapters.chain.branches import GENESIS, NOTHING, Branch, everything, story
from truestep.adapters.chain import book as book_module
from truestep.adapters.chain import follower as follower_module
from truestep.adapters.chain.answers import Header
from truestep.adapters.chain.checkpoints import EACH_BLOCKS, CheckpointStore
from truestep.adapters.chain.endpoints import Question, StaleNode
from truestep.adapters.chain.follower import Follower
from truestep.adapters.chain.logs import Reading
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.ports.chain import Head
from truestep.ports.store import Store
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.facts.records import Facts, Logged


@dataclass
class ScriptedChain:
    """Stands for endpoints and the reader of logs: a branch of which the blocks up to `head` are there."""

    branch: Branch
    head: int
    hidden: list[Logged] = field(default_factory=list[Logged])
    range_limit: int = 10**9
    reads: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    @property
    def board(self) -> Any:
        return SimpleNamespace(own_block=0, best_head=self.recent_head)

    def recent_head(self) -> Head:
        return Head(number=self.head, hash=self.branch.hash_of(self.head), time_seconds=self.head)

    def ask_all(self, questions: Sequence[Question]) -> list[Header | None]:
        return [self._header(int(question.parameters[0], 16)) for question in questions]

    def _header(self, number: int) -> Header | None:
        if number > self.head:
            return None
        found = self.branch.reading(number, number)
        return Header(
            number=number,
            hash=found.hashes[number],
            parent_hash=found.parent_hash,
            time_seconds=0,
            logs_bloom=0,
        )

    def read(self, first: int, last: int, also: Collection[int] = ()) -> Reading:
        if last > self.head:
            raise StaleNode(f"block {last} is not known")
        if last - first >= self.range_limit:
            raise Unavailable("query returned more than 10000 results")
        self.reads.append((first, last))
        found = self.branch.reading(first, last, self.hidden)
        hashes = {number: self.branch.hash_of(number) for number in also if first <= number <= last}
        return replace(found, hashes={**found.hashes, **hashes})

    def follower(self, *, is_daemon: bool = False, store: Store | None = None) -> Follower:
        kept = CheckpointStore(store, NOTHING) if store is not None else None
        chain: Any = self
        return Follower(chain, chain, GENESIS, keeps_all=not is_daemon, kept=kept)

    @property
    def facts(self) -> Facts:
        """What the blocks say."""
        return everything(self.branch.until(self.head))[0]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that fit chains of some hundred blocks."""
    monkeypatch.setattr(book_module, "FINAL_BLOCKS", 32)
    monkeypatch.setattr(book_module, "HASHES_KEPT_BLOCKS", 64)
    monkeypatch.setattr(follower_module, "RANGE_BLOCKS", 100)


def test_a_client_reads_what_it_lacks_and_looks_once_a_head() -> None:
    chain = ScriptedChain(story(1), 250)
    follower = chain.follower()
    head, facts = follower.refresh()
    assert (head, facts) == (chain.recent_head(), chain.facts)
    assert chain.reads == [(0, 99), (100, 199), (200, 250)]
    follower.refresh()
    chain.head = 253
    assert follower.refresh()[1] == chain.facts
    assert chain.reads[3:] == [(251, 253)]


@pytest.mark.parametrize("is_daemon", [True, False])
def test_a_range_is_told_with_all_that_comes_before_it(is_daemon: bool) -> None:
    chain = ScriptedChain(story(1), 400)
    found = chain.follower(is_daemon=is_daemon).blocks(380, 400)
    _, told = everything(chain.branch.until(400))
    assert found.events == tuple(event for event in told if event.at.block_number >= 380)
    assert found.hashes[400] == chain.branch.hash_of(400)


def test_fewer_blocks_are_asked_for_at_once_of_a_node_that_refuses() -> None:
    chain = ScriptedChain(story(1), 300, range_limit=40)
    assert chain.follower().refresh()[1] == chain.facts
    chain.range_limit = 10
    with pytest.raises(Unavailable, match="more than 10000 results"):
        chain.follower().refresh()


@pytest.mark.parametrize("is_daemon", [True, False])
def test_a_reorganisation_is_followed(is_daemon: bool) -> None:
    chain, rng = ScriptedChain(story(2), 60), Random(2)
    follower = chain.follower(is_daemon=is_daemon)
    for turn in range(30):
        follower.refresh()
        assert follower.book.facts == chain.facts
        fork = chain.head - rng.choice((0, 1, 5, 25))
        chain.branch = chain.branch.forked(fork, turn, delay=3)
        chain.head += rng.choice((1, 4, 12))
        first = max(fork - 3, 0)
        found = follower.blocks(first, chain.head)
        _, told = everything(chain.branch.until(chain.head))
        assert found.events == tuple(event for event in told if event.at.block_number >= first)


def test_a_reorganisation_below_all_that_is_kept_is_read_from_the_beginning() -> None:
    chain = ScriptedChain(story(2), 300)
    follower = chain.follower(is_daemon=True)
    follower.refresh()
    chain.reads.clear()
    chain.branch = chain.branch.forked(20, 1)
    assert follower.refresh()[1] == chain.facts
    assert chain.reads[0][0] == 0


def test_a_chain_that_is_shorter_for_a_moment_is_followed() -> None:
    chain = ScriptedChain(story(2), 200)
    follower = chain.follower()
    follower.refresh()
    chain.head = 195
    assert follower.refresh()[1] == chain.facts
    chain.branch, chain.head = chain.branch.forked(190, 1), 195
    assert follower.refresh()[1] == chain.facts


def test_forgotten_blocks_are_read_again() -> None:
    chain = ScriptedChain(story(2), 200)
    follower = chain.follower()
    follower.refresh()
    follower.forget_after(150)
    assert follower.book.read_to <= 150
    assert follower.book.facts == everything(chain.branch.until(follower.book.read_to))[0]
    assert follower.refresh()[1] == chain.facts


# --- what is hidden ----------------------------------------------------------------------------------------


def log_of(branch: Branch, kind: type, after: int = 0) -> Logged:
    return next(each for each in branch.logs if isinstance(each.event, kind) and each.at.block_number > after)


def test_a_log_whose_absence_shows_is_looked_for_at_once() -> None:
    chain = ScriptedChain(story(1), 200)
    follower = chain.follower(is_daemon=True)
    follower.refresh()
    taken = log_of(chain.branch, jobs.Taken, after=205)
    chain.head, chain.hidden = taken.at.block_number, [taken]
    follower.refresh()
    assert follower.book.facts != chain.facts
    chain.hidden.clear()
    chain.head += 20  # by then another batch has a number too high, or the batch was claimed
    assert follower.refresh()[1] == chain.facts
    chain.reads.clear()
    follower.refresh()
    assert chain.reads == []


def test_what_was_hidden_for_ever_is_found_by_reading_from_where_it_was() -> None:
    """As the audit asks: by a second book, which takes the place of the first one at the end."""
    branch = story(1)
    posted = log_of(branch, jobs.Posted, after=200)
    chain = ScriptedChain(branch, 400, hidden=[posted])
    follower = chain.follower(is_daemon=True)
    follower.refresh()
    assert follower.book.facts != chain.facts
    chain.hidden.clear()
    first, told = posted.at.block_number, []
    for start in range(first, 401, 50):
        told += follower.blocks(start, min(start + 49, 400)).events
    _, all_told = everything(branch.until(400))
    assert tuple(told) == tuple(event for event in all_told if event.at.block_number >= first)
    assert follower.book.facts == chain.facts
    chain.reads.clear()
    chain.head = 410
    assert follower.refresh()[1] == chain.facts
    assert chain.reads == [(401, 410)]


# --- restarts ----------------------------------------------------------------------------------------------


def test_a_daemon_begins_where_it_was() -> None:
    chain, store = ScriptedChain(story(1), 300), SqliteStore()
    chain.follower(is_daemon=True, store=store).refresh()
    chain.head = 420
    chain.reads.clear()
    again = chain.follower(is_daemon=True, store=store)
    assert again.refresh()[1] == chain.facts
    assert chain.reads[0][0] >= 300 - 100 - EACH_BLOCKS
    assert again.blocks(400, 420).events == chain.follower().blocks(400, 420).events


def test_a_checkpoint_of_another_branch_is_not_believed() -> None:
    chain, store = ScriptedChain(story(1), 300), SqliteStore()
    chain.follower(is_daemon=True, store=store).refresh()
    chain.branch = chain.branch.forked(50, 1)
    assert chain.follower(is_daemon=True, store=store).refresh()[1] == chain.facts


def test_after_something_hidden_was_found_the_old_checkpoint_is_not_used_again() -> None:
    branch = story(1)
    chain, store = ScriptedChain(branch, 300, hidden=[log_of(branch, jobs.Posted, after=10)]), SqliteStore()
    follower = chain.follower(is_daemon=True, store=store)
    follower.refresh()
    chain.hidden.clear()
    follower.blocks(0, 300)
    assert chain.follower(is_daemon=True, store=store).refresh()[1] == chain.facts


# --- all of it together ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_daemon", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_looks_and_troubles_ends_in_what_the_blocks_say(seed: int, is_daemon: bool) -> None:
    chain, rng, store = ScriptedChain(story(seed), 5), Random(seed), SqliteStore()
    kept = store if is_daemon else None
    follower = chain.follower(is_daemon=is_daemon, store=kept)
    while chain.head < 450:
        match rng.randrange(8):
            case 0:
                chain.head += rng.choice((1, 3, 20))
            case 1:
                chain.branch = chain.branch.forked(chain.head - rng.choice((0, 2, 10)), rng.randrange(10**6))
                chain.head += 1
            case 2:
                chain.hidden = [log for log in chain.branch.logs if rng.random() < 0.05]
            case 3:
                chain.hidden = []
            case 4:
                first = rng.randrange(chain.head + 1)
                follower.blocks(first, rng.randrange(first, chain.head + 1))
            case 5:
                follower.forget_after(rng.randrange(chain.head + 1))
            case 6 if rng.random() < 0.2:
                follower = chain.follower(is_daemon=is_daemon, store=kept)
            case _:
                follower.refresh()
    chain.hidden = []
    found = [follower.blocks(first, min(first + 99, chain.head)) for first in range(0, chain.head + 1, 100)]
    _, told = everything(chain.branch.until(chain.head))
    assert tuple(event for each in found for event in each.events) == told
    assert replace(follower.book.facts) == chain.facts
