"""What members of committees hand to each other: shown to others, and asked of them (docs/quorum.md Q11)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from truestep.base.errors import Bug, Unavailable
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.node.loop.backoff import Backoff
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop
from truestep.ports.members import Board, Members, Pen
from truestep.protocol.quorum.words import Word
from truestep.roles.actions import Alert, Send
from truestep.roles.collecting import BatchKey, Missing, Offer
from truestep.roles.views import View

Kept = TypeVar("Kept")
ASK_AGAIN = Backoff(first_seconds=2.0, limit_seconds=30.0)
"""Pauses between two questions to a member that has said nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """What a member needs to have others send what it says, and to send what others say."""

    asking: Executor
    """Performs the items of a `MembersBench`."""
    pen: Pen
    board: Board | None = None
    """None if nobody can ask this node: then it sends what it says by itself."""


class MembersBench:
    """Asks members. For any thread."""

    def __init__(self, members: Members) -> None:
        self._members = members

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """What a member hands over."""
        del should_stop  # every question has a short deadline
        if not isinstance(item, Missing):
            raise Bug(f"expected a member to ask, got {type(item)}")
        return self._members.word(item.batch_id, item.tasks_root, item.member)


class Handover:
    """Satisfies `truestep.node.availability.desk.Desk`. For the thread of the agent's loop."""

    def __init__(self, handing: Handing, clock: Clock) -> None:
        self._handing = handing
        self._clock = clock
        self._words: dict[BatchKey, dict[int, Word]] = {}
        self._wanted: tuple[Missing, ...] = ()
        self._tries: dict[Missing, int] = {}
        self._again_at: dict[Missing, float] = {}
        self._signed: dict[tuple[BatchId, Bytes32, int], Word] = {}
        self._since: dict[tuple[BatchId, bool], int] = {}

    @property
    def is_heard(self) -> bool:
        """Whether others can ask this node."""
        return self._handing.board is not None

    def offer(self, now: int, member: Address, offers: Sequence[Offer]) -> dict[BatchId, int]:
        """Show these words and no others; since when each of them is shown."""
        board = self._handing.board
        if board is None:
            return {}
        keys = {(each.batch_id, each.salt is not None) for each in offers}
        self._since = {key: self._since.get(key, now) for key in keys}
        said = {(each.batch_id, each.tasks_root, each.commitment): each.salt for each in offers}
        self._signed = {
            (batch_id, tasks_root, commitment): self._signed.get((batch_id, tasks_root, commitment))
            or self._handing.pen.sign(batch_id, tasks_root, member, commitment)
            for batch_id, tasks_root, commitment in said
        }
        board.show({(key[0], member): replace(self._signed[key], salt=salt) for key, salt in said.items()})
        return {batch_id: since for (batch_id, _), since in self._since.items()}

    def want(self, wanted: Iterable[Missing], batches: Collection[BatchKey]) -> None:
        """Ask these members, again and again. What was said of other batches than these is forgotten."""
        self._wanted = tuple(wanted)
        self._words = {key: said for key, said in self._words.items() if key in batches}
        self._tries = _only(self._tries, self._wanted)
        self._again_at = _only(self._again_at, self._wanted)

    def words(self, batch: BatchKey) -> Mapping[int, Word]:
        """What members have handed over of a batch, by seat, unverified but for signatures."""
        return self._words.get(batch, {})

    def collect(self) -> bool:
        """Take in answers; whether one says something new."""
        news = [self._take_in(each) for each in self._handing.asking.collect()]
        return any(news)

    def _take_in(self, finished: Finished) -> bool:
        asked, word = finished.key, finished.value
        if not isinstance(asked, Missing):
            raise Bug(f"expected the answer of a member, got that of {type(asked)}")
        if finished.error is not None and not isinstance(finished.error, Unavailable):
            raise finished.error
        if asked not in self._wanted:
            return False
        self._tries[asked] = self._tries.get(asked, 0) + 1
        wait_seconds = ASK_AGAIN.seconds(self._tries[asked])
        self._again_at[asked] = self._clock.monotonic_seconds() + wait_seconds
        said = self._words.setdefault((asked.batch_id, asked.tasks_root), {})
        is_new = isinstance(word, Word) and said.get(asked.seat) != word
        if isinstance(word, Word):
            said[asked.seat] = word
        return is_new

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """Nothing: what to send, the part of the worker decides that sits on committees."""
        del view
        return ()

    def act(self) -> None:
        """Ask whoever is to be asked now."""
        now, asking = self._clock.monotonic_seconds(), self._handing.asking
        for each in self._wanted:
            if now >= self._again_at.get(each, now):
                asking.start(each, each)

    def close(self, deadline_seconds: float) -> None:
        """Show nothing any more, and wait for answers."""
        if self._handing.board is not None:
            self._handing.board.show({})
        self._handing.asking.stop(deadline_seconds)


def _only(kept: Mapping[Missing, Kept], wanted: Collection[Missing]) -> dict[Missing, Kept]:
    return {each: kept[each] for each in wanted if each in kept}
