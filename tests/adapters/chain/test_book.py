"""A book says the same however its logs were read: twice, late, on another branch, from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.adapters.chain.branches import GENESIS, NOTHING, Branch, everything, story
from tests.protocol.settlement.facts.finished_tasks import finished_tasks
from tests.protocol.settlement.world import REQUESTERS
from truestep.adapters.chain import book as book_module
from truestep.adapters.chain.book import CHECKPOINT_LIMIT, Added, Book, Checkpoint
from truestep.adapters.chain.checkpoints import FACTS, PLACE, TABLE, CheckpointStore
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.ports.store import Change
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.tasks.table import Table


def said(table: Table) -> list[object]:
    """What a table says of all jobs."""
    return [(job_id, table.job(job_id), table.tasks_of(job_id)) for job_id in table.job_ids]


def read_all(book: Book, branch: Branch, size: int = 40) -> None:
    for first in range(book.read_to + 1, branch.last + 1, size):
        assert book.add(branch.reading(first, min(first + size - 1, branch.last))) is Added.DONE


@pytest.mark.parametrize("keeps_all", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_late_or_twice_is_as_if_read_at_once(seed: int, keeps_all: bool) -> None:
    branch, rng = story(seed), Random(seed)
    book = Book(GENESIS, keeps_all=keeps_all)
    while book.read_to < branch.last:
        first = max(book.read_to + 1 - rng.choice((0, 0, 5, 60)), book.oldest.block_number + 1, 0)
        last = min(first + rng.choice((0, 3, 80)), branch.last)
        hidden = [logged for logged in branch.logs if rng.random() < 0.1]
        assert book.add(branch.reading(first, last, hidden)) is Added.DONE
        assert len(book._checkpoints) <= CHECKPOINT_LIMIT
        oldest = book.oldest.block_number
        if rng.random() < 0.7:  # what is older can be found by a second reading only
            assert book.add(branch.reading(max(oldest + 1, 0), book.read_to)) is Added.DONE
    for first in range(book.oldest.block_number + 1, branch.last + 1, 7):
        book.add(branch.reading(first, min(first + 6, branch.last)))
    start = book.oldest
    later = [logged for logged in branch.logs if logged.at.block_number > start.block_number]
    facts, told = everything(later, start.facts)
    assert (book.facts, book.told(start.block_number + 1, branch.last)) == (facts, told)
    if keeps_all:
        assert (facts, told) == everything(branch.logs)
        assert said(book.table) == said(Table(told))
        assert book.logs() == branch.logs
        assert book.gaps == frozenset()


@pytest.mark.parametrize("keeps_all", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_reorganisation_leaves_no_trace(seed: int, keeps_all: bool) -> None:
    branch, rng = story(seed), Random(seed)
    book, at = Book(GENESIS, keeps_all=keeps_all), branch
    for turn in range(12):
        last = min(book.read_to + rng.choice((2, 8, 60)), at.last)
        if last > book.read_to:
            assert book.add(at.reading(book.read_to + 1, last)) is Added.DONE
        read_to = book.read_to
        fork = max(read_to - rng.choice((1, 3, 50)), book.oldest.block_number, 0)
        at = at.forked(fork, turn)
        if fork < read_to:
            assert book.add(at.reading(read_to + 1, read_to + 1)) is Added.OTHER_BRANCH
        book.forget_after(fork)
        assert book.read_to <= fork
        assert book.facts == fold(NOTHING, at.until(book.read_to))
    read_all(book, at)
    facts, told = everything(at.logs)
    assert book.facts == facts
    first = book.oldest.block_number + 1
    assert book.told(first, at.last) == tuple(event for event in told if event.at.block_number >= first)
    if keeps_all:
        assert said(book.table) == said(Table(told))


def test_a_book_has_no_holes() -> None:
    branch, book = story(0), Book(GENESIS, keeps_all=True)
    assert book.add(branch.reading(5, 9)) is Added.GAP
    assert (book.read_to, book.facts) == (-1, NOTHING)


def test_a_log_that_was_hidden_shows_by_those_that_need_it() -> None:
    branch, book = story(0), Book(GENESIS, keeps_all=True)
    posted = next(each for each in branch.logs if type(each.event).__name__ == "Posted")
    book.add(branch.reading(0, branch.last, [posted]))
    assert book.gaps
    assert book.facts != everything(branch.logs)[0]
    book.add(branch.reading(posted.at.block_number, posted.at.block_number))
    assert (book.facts, book.told(0, branch.last)) == everything(branch.logs)
    assert book.gaps == frozenset()


def spaced(logs: Iterable[Logged]) -> Branch:
    found = tuple(logs)
    return Branch(found, found[-1].at.block_number)


def test_a_daemons_memory_does_not_grow_with_finished_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "FINAL_BLOCKS", 8)
    monkeypatch.setattr(book_module, "HASHES_KEPT_BLOCKS", 16)
    genesis = replace(GENESIS, facts=replace(NOTHING, keeps=frozenset[Address]()))
    sizes: list[tuple[int, int, int]] = []
    for count in (300, 600):
        branch, book = spaced(finished_tasks(count)), Book(genesis, keeps_all=False)
        read_all(book, branch, 3)
        sizes.append((len(book.logs()), len(book.facts.jobs), len(book.hashes())))
        assert book.oldest.block_number <= branch.last - 8
    assert sizes[0] == sizes[1]


# --- what outlives a process -------------------------------------------------------------------------------


def kept_from(book: Book, genesis: Checkpoint = GENESIS) -> SqliteStore:
    """A store in which a book's final checkpoint was kept."""
    store = SqliteStore()
    CheckpointStore(store, genesis.facts).keep(book.oldest)
    return store


@pytest.mark.parametrize("wanted", [None, frozenset(REQUESTERS[:1]), frozenset[Address]()])
def test_a_start_from_a_checkpoint_goes_on_as_if_there_had_been_none(
    wanted: frozenset[Address] | None,
) -> None:
    branch = story(1)
    genesis = replace(GENESIS, facts=replace(NOTHING, keeps=wanted))
    first = Book(genesis, keeps_all=False)
    read_all(first, branch)
    assert first.oldest.block_number > 0
    start = CheckpointStore(kept_from(first, genesis), genesis.facts).read()
    assert start == first.oldest
    again = Book(genesis, keeps_all=False, start=start)
    read_all(again, branch)
    assert again.facts == first.facts
    assert again.told(first.oldest.block_number + 1, branch.last) == first.told(
        first.oldest.block_number + 1, branch.last
    )
    again.forget_after(first.oldest.block_number - 1)  # deeper than anything that is kept
    assert (again.read_to, again.facts) == (-1, genesis.facts)


def test_a_checkpoint_of_others_or_a_damaged_one_is_as_good_as_none() -> None:
    book = Book(GENESIS, keeps_all=False)
    read_all(book, story(1))
    store = kept_from(book)
    other = replace(NOTHING, keeps=frozenset(REQUESTERS[:1]))
    assert CheckpointStore(store, other).read() is None
    assert CheckpointStore(SqliteStore(), NOTHING).read() is None
    store.write([Change(table=TABLE, key=FACTS, value="[]")])
    assert CheckpointStore(store, NOTHING).read() is None


@pytest.mark.parametrize("seed", range(4))
def test_a_checkpoint_with_other_characters_is_as_good_as_none(seed: int) -> None:
    """Damaged rows may be of the right form: with another amount, or another block."""
    rng, book = Random(seed), Book(GENESIS, keeps_all=False)
    read_all(book, story(1))
    store = kept_from(book)
    for key in (PLACE, FACTS):
        row = str(store.read(TABLE, key))
        digits = [index for index, character in enumerate(row) if character.isdigit()]
        for index in rng.sample(digits, 10):
            changed = f"{row[:index]}{(int(row[index]) + 1) % 10}{row[index + 1 :]}"
            store.write([Change(table=TABLE, key=key, value=changed)])
            assert CheckpointStore(store, NOTHING).read() is None, (key, index)
        store.write([Change(table=TABLE, key=key, value=row)])
    assert CheckpointStore(store, NOTHING).read() == book.oldest


def test_a_checkpoint_is_written_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "FINAL_BLOCKS", 8)
    written: list[Sequence[Change]] = []

    class Counting(SqliteStore):
        def write(self, changes: Sequence[Change]) -> None:
            written.append(changes)
            super().write(changes)

    branch, book, kept = story(1), Book(GENESIS, keeps_all=False), CheckpointStore(Counting(), NOTHING)
    for number in range(branch.last + 1):
        book.add(branch.reading(number, number))
        kept.keep(book.oldest)
    assert 1 < len(written) <= branch.last // 64 + 1
