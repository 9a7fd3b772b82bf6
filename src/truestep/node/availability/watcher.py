"""The watcher's daemon: looks at keepers for everybody, and challenges those that do not keep."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from truestep.base.errors import Unavailable
from truestep.node.availability.answer_desk import AnswerDesk
from truestep.node.availability.watch_desk import WatchDesk
from truestep.node.chain.outbox import Outbox
from truestep.node.keeping.chronicle import Chronicle
from truestep.node.loop.loop import Loop
from truestep.node.loop.pulse import Pulse
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor
from truestep.ports.keeping import Funds
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store
from truestep.ports.watching import WatchChain
from truestep.roles.availability.sights import Action, SendData, View, WatchPolicy
from truestep.roles.availability.watching import decide

FUNDS_SECONDS = 15.0
"""Interval at which the account's coins are asked for."""
FORGET_SECONDS = 10.0
"""Interval at which what is over is dropped."""
STOP_SECONDS = 10.0
"""Time to stop: a fetch asks four times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherWorld:
    """Everything outside that a watcher needs: `executor` performs a `WatchBench`, `sends` a `Courier`.

    `secret` has 32 random bytes, the same ones after every start. `answering` performs an `AnswerBench`; None
    if no blobs of transactions can be read.
    """

    chain: WatchChain
    store: Store
    executor: Executor
    sends: Executor
    clock: Clock
    reporter: Reporter
    secret: bytes
    answering: Executor | None = None


def watcher_node(world: WatcherWorld, policy: WatchPolicy) -> Loop[View, Action]:
    """A watcher for the chain's account."""
    agent = WatcherAgent(world, replace(policy, salt=world.secret))
    return Loop(agent, world.clock, world.reporter)


class WatcherAgent:
    """A `truestep.node.loop.loop.Site`."""

    def __init__(self, world: WatcherWorld, policy: WatchPolicy) -> None:
        self._world = world
        self._policy = policy
        self._chronicle = Chronicle(world.chain, world.store)
        self._desk = WatchDesk(world.executor, world.store, world.clock, world.reporter)
        self._answers = (
            AnswerDesk(world.chain, world.answering, world.clock, world.reporter)
            if world.answering is not None
            else None
        )
        self._outbox = Outbox(world.chain, world.sends, world.clock, world.reporter)
        self._pulse = Pulse(world.clock)
        self._funds = Funds(wallet_wei=0, credits={})
        self._funds_at: float | None = None
        self._forgot_at: float | None = None
        self._is_past_known = False

    def collect(self) -> bool:
        """Take in what ended in the background."""
        has_sent = self._outbox.collect()
        if has_sent:
            self._funds_at = None
        has_answered = self._answers is not None and self._answers.collect()
        return self._desk.collect() or has_sent or has_answered

    def look(self) -> None:
        """Read the chain up to its newest block."""
        head = self._world.chain.head()
        self._outbox.refresh(is_new_head=self._pulse.see(head))
        for alarm in self._world.chain.alarms():
            self._world.reporter.report("alarm", alarm)
        self._is_past_known = False
        self._chronicle.follow(head)
        self._ask_funds()
        self._is_past_known = True

    def decide(self) -> tuple[View, Sequence[Action]]:
        """What is seen, and what the role wants done: nothing before the past is known."""
        head = self._pulse.head
        if head is None:
            raise Unavailable("no block was seen yet; the next look goes on")
        desk, facts = self._desk, self._chronicle.facts
        view = View(
            now=self._pulse.now(head),
            account=self._world.chain.account,
            facts=facts,
            rules=self._world.chain.rules(),
            wallet_wei=self._funds.wallet_wei,
            credits=self._funds.credits,
            in_flight=self._outbox.in_flight,
            looked_at=desk.looked_at,
            suspicions=desk.suspicions,
            served_at=desk.served_at,
            surveys=desk.surveys,
            checked=desk.checked,
            moves=desk.moves,
            mismatches=desk.mismatches,
        )
        if not self._is_past_known:
            return view, ()
        return view, [*self._answered(view), *decide(view, self._policy)]

    def _answered(self, view: View) -> list[SendData]:
        """Answers for items in blobs, which a clock runs for."""
        if self._answers is None:
            return []
        answers = self._answers.decide(view.now, view.account, view.facts, view.rules.answer_seconds)
        return [each for each in answers if each.intent not in view.in_flight]

    def act(self, actions: Sequence[Action]) -> None:
        """Have it done."""
        self._outbox.send_all([action for action in actions if isinstance(action, SendData)])
        head, facts = self._pulse.head, self._chronicle.facts
        if head is None:
            return
        for action in actions:
            self._desk.act(action, facts, self._pulse.now(head))
        if self._answers is not None and self._is_past_known:
            self._answers.act()
        now = self._world.clock.monotonic_seconds()
        if self._is_past_known and (self._forgot_at is None or now - self._forgot_at >= FORGET_SECONDS):
            self._forgot_at = now
            self._desk.forget(facts)

    def poll_seconds(self) -> float:
        """By how often blocks come."""
        return self._pulse.poll_seconds()

    def close(self) -> None:
        """Ask background work to end."""
        self._desk.stop(STOP_SECONDS)
        if self._answers is not None:
            self._answers.close(STOP_SECONDS)
        self._world.sends.stop(STOP_SECONDS)
        self.collect()

    def _ask_funds(self) -> None:
        now = self._world.clock.monotonic_seconds()
        if self._funds_at is None or now - self._funds_at >= FUNDS_SECONDS:
            self._funds = self._world.chain.funds()
            self._funds_at = now
