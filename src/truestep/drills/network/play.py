"""A drill of the network from start to end."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from truestep.base.errors import Unavailable
from truestep.base.ids import TaskId
from truestep.commitments.merkle import root_of_bytes
from truestep.drills.network.daemons import DaemonProcess
from truestep.drills.network.people import (
    Requester,
    daemons,
    enter_all,
    liar_names,
    lying,
    requester_names,
)
from truestep.drills.network.place import CHALLENGER, START_STEPS, Place
from truestep.drills.network.plan import Plan
from truestep.drills.network.tally import Tally
from truestep.drills.network.verdict import Figures, judged
from truestep.drills.purses import Purse
from truestep.drills.stage import NotSo
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL

LOOK_SECONDS = 0.5
READY_SECONDS = 300.0
"""In which all daemons must have started, one after the other on one core."""
IDLE_SECONDS = 600.0
"""Without any event, and with nothing to wait for, a drill has come to no end."""
SETTLE_SECONDS = 10.0
"""After the end, for what is on its way: withdrawals, outputs."""
READY = "watching"
"""What a daemon says when it has started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screenplay:
    """How a drill is told: what happens, and how far it is."""

    say: Callable[[str], None]
    progress: Callable[[int, str], None]


def perform(plan: Plan, folder: Path, anvil: Path, told: Screenplay) -> Figures:
    """Carry out a drill and judge it. What its daemons have said stays in `folder`.

    Raises `NotSo` if it came to no end, `Unavailable` if it could not be started.
    """
    with ExitStack() as stack:
        place = stack.enter_context(closing(Place(folder, anvil, _starting(told))))
        run = Run(place, plan, told, stack)
        run.start()
        run.play()
        return run.judge()


def _starting(told: Screenplay) -> Callable[[int, str], None]:
    def progress(done: int, words: str) -> None:
        if done in (0, START_STEPS):
            told.say(words)

    return progress


class Run:
    """One drill under way."""

    def __init__(self, place: Place, plan: Plan, told: Screenplay, stack: ExitStack) -> None:
        self._place, self._plan, self._told, self._stack = place, plan, told, stack
        self._tally = Tally(plan)
        self._daemons: list[DaemonProcess] = []
        self._requesters: list[Requester] = []
        self._agreed: set[TaskId] = set()
        """Tasks whose claims the challenger has found true."""
        self._published: set[TaskId] = set()
        self._before: dict[str, Purse] = {}
        self._next_block = self._first_block = 0
        self._began = self._changed = 0.0
        self._all_claimed_seconds = 0.0

    def start(self) -> None:
        """Everybody enters, with coins and stake, and the clock of the chain begins to run."""
        place, plan = self._place, self._plan
        enter_all(place, plan)
        self._before = place.purses()
        self._first_block = self._next_block = place.web3.eth.block_number + 1
        self._requesters = [Requester(place, plan, name) for name in requester_names(plan)]
        self._requesters[0].register()
        place.go()
        self._daemons = daemons(place, plan)
        for daemon in self._daemons:
            self._stack.callback(daemon.stop)
            daemon.start()
        for name in liar_names(plan):
            self._stack.enter_context(lying(place, plan, name))
        self._until_ready()

    def _until_ready(self) -> None:
        waiting, give_up_at = {daemon.name for daemon in self._daemons}, time.monotonic() + READY_SECONDS
        while waiting:
            for daemon in self._daemons:
                if any(line.get("kind") == READY for line in daemon.new_lines()):
                    waiting.discard(daemon.name)
            if time.monotonic() > give_up_at:
                raise NotSo(f"{', '.join(sorted(waiting))} did not start in {READY_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)

    def play(self) -> None:
        """Let the requesters post, and wait until all is final."""
        self._began = self._changed = time.monotonic()
        for requester in self._requesters:
            requester.start()
        while not self._tally.is_over():
            if not self._look() and not self._may_skip() and time.monotonic() > self._changed + IDLE_SECONDS:
                raise NotSo(f"nothing has happened for {IDLE_SECONDS:.0f} s: {self._tally.counts.words}")
            time.sleep(LOOK_SECONDS)

    def _look(self) -> bool:
        """Take in what has happened. Whether anything has."""
        self._watch()
        try:
            head = self._place.reader.head().number
            events = self._place.reader.events(self._next_block, head) if head >= self._next_block else ()
        except Unavailable:  # a busy node
            return False
        self._next_block = max(self._next_block, head + 1)
        self._tally.take_in(events)
        self._publish()
        counts = self._tally.counts
        self._told.progress(counts.final, counts.words)
        if events:
            self._changed = time.monotonic()
        if not self._all_claimed_seconds and self._tally.is_all_claimed():
            self._all_claimed_seconds = time.monotonic() - self._began
        return bool(events)

    def _watch(self) -> None:
        for requester in self._requesters:
            if requester.trouble:
                raise NotSo(f"a requester could not post: {requester.trouble}")
        for daemon in self._daemons:
            daemon.watch()
            if daemon.name == CHALLENGER:
                lines = daemon.new_lines()
                self._agreed |= {line["task_id"] for line in lines if line.get("kind") == "agreed"}

    def _publish(self) -> None:
        """Let everybody have the input of a job as soon as the liar has taken the shard to lie about."""
        for task_id in self._tally.lied_about():
            if task_id in self._tally.takers and task_id not in self._published:
                content = self._tally.job_of(task_id).content
                self._place.blobs.put(content)
                root = root_of_bytes(content, RANGE_LEVEL, hash_many_pairs)
                self._place.blobs.put_input(root, content)
                self._published.add(task_id)

    # --- the chain's time -----------------------------------------------------------------------------

    def _may_skip(self) -> bool:
        """Let the windows end if that is all that is waited for. Whether they did.

        No task is open, no false claim stands and no game is open, the challenger has found every standing
        claim to be true, and has shown what it committed to.
        """
        tally = self._tally
        if not tally.is_all_claimed() or tally.open_games or tally.false_standing():
            return False
        if not set(tally.standing) <= self._agreed or not self._has_shown():
            return False
        seconds = max(tally.due.values(), default=0) + 1 - self._place.now()
        if seconds <= 0:
            return False
        self._told.say(f"all that is left is to wait {seconds:,} s for the windows to end: time is moved on")
        self._place.skip(seconds)
        return True

    def _has_shown(self) -> bool:
        """Whether the challenger has shown its commitment of each game that it won (S7.5)."""
        unrewarded = self._tally.unrewarded()
        return len(self._place.reader.facts().shown) >= len(unrewarded)

    # --- the end --------------------------------------------------------------------------------------

    def judge(self) -> Figures:
        """End the daemons and look at what the chain says."""
        seconds = time.monotonic() - self._began
        time.sleep(SETTLE_SECONDS)
        for daemon in self._daemons:
            daemon.stop()
        return judged(
            self._place,
            self._plan,
            self._tally,
            before=self._before,
            first_block=self._first_block,
            restarts=sum(daemon.restarts for daemon in self._daemons),
            seconds=seconds,
            claimed_seconds=self._all_claimed_seconds,
        )
