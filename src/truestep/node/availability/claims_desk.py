"""A challenger's desk for claims whose data it cannot get: surveys, challenges, holds, ends of claims."""

from dataclasses import replace

from truestep.node.availability.watch_desk import WatchDesk
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import Facts as DataFacts
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles import views
from truestep.roles.actions import Send
from truestep.roles.availability import holding, sights, watching
from truestep.roles.availability.sights import SendData, WatchPolicy

FORGET_SECONDS = 10.0
"""Interval at which what is over is dropped."""


class ClaimsDesk:
    """A `truestep.node.availability.desk.Desk` for items on which claims depend that cannot be checked."""

    def __init__(self, chain: Chain, desk: WatchDesk, policy: WatchPolicy, clock: Clock) -> None:
        """`policy`: what its challenges and holds may risk; it looks at no other items."""
        self._chain = chain
        self._desk = desk
        self._policy = replace(policy, watches_all=False)
        self._clock = clock
        self._now = 0
        self._facts = DataFacts()
        self._work: list[sights.Action] = []
        self._forgot_at: float | None = None

    def collect(self) -> bool:
        """Take in what ended in the background."""
        return self._desk.collect()

    def decide(self, view: views.View) -> list[Send]:
        """What to send about claims under the policy *kept*; the rest is for `act`."""
        self._work, facts = [], self._chain.facts()
        if facts.keeping is None:
            return []
        self._facts, self._now = facts.data, view.now
        self._forget(facts)
        claims = holding.unchecked(view, facts)
        seen = self._seen(view, facts, facts.keeping.rules, claims)
        found: list[sights.Action] = list(holding.fails(view, facts))
        found += watching.decide(seen, self._policy, holding.holds(view, facts, claims))
        self._work = [each for each in found if not isinstance(each, SendData)]
        return [_sent(each) for each in found if isinstance(each, SendData)]

    def act(self) -> None:
        """Begin what the last `decide` wants done, and say what it wants said."""
        for action in self._work:
            self._desk.act(action, self._facts, self._now)

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end."""
        self._desk.stop(deadline_seconds)

    def _seen(
        self, view: views.View, facts: Facts, rules: Rules, claims: list[holding.Unchecked]
    ) -> sights.View:
        desk = self._desk
        return sights.View(
            now=view.now,
            account=view.account,
            facts=facts.data,
            rules=rules,
            wallet_wei=view.wallet_wei,
            in_flight=view.in_flight,
            looked_at=desk.looked_at,
            suspicions=desk.suspicions,
            served_at=desk.served_at,
            surveys=desk.surveys,
            checked=desk.checked,
            moves=desk.moves,
            mismatches=desk.mismatches,
            needs=holding.needs(facts, claims),
            locked_wei=holding.held_wei(facts, view.account, view.in_flight),
        )

    def _forget(self, facts: Facts) -> None:
        now = self._clock.monotonic_seconds()
        if self._forgot_at is None or now - self._forgot_at >= FORGET_SECONDS:
            self._forgot_at = now
            self._desk.forget(facts.data)


def _sent(send: SendData) -> Send:
    """As the outbox of a task agent takes it: its chain adds the coins."""
    return Send(intent=send.intent, call=send.call.call, message=send.message)
