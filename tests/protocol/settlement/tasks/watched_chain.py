"""A chain whose every call is also made as nodes make it, and whose every event is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.players import SALT, Players
from tests.protocol.settlement.tasks.wanted import Opening, wanted
from tests.protocol.settlement.tasks.watch import Watch
from tests.protocol.settlement.world import START_TIME
from truestep.base.ids import Address
from truestep.protocol import calls
from truestep.protocol.settlement.contracts import disputes
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.tasks.calls import prepared_call

NEEDS_RESULTS = (calls.WriteOut, calls.FeedJob, calls.CallBack, calls.PostJob, calls.CloseJob)
"""What cannot be done any more about jobs that are over for a node."""


class Chain(Protocol):
    """What executes calls and gives events."""

    def send(self, message: Message) -> list[Logged]:
        """Execute a call."""
        ...


@dataclass(slots=True)
class WatchedChain:
    """Between players and a chain. `checks` are made after each call, with the time."""

    chain: Chain
    model: ModelChain
    watch: Watch
    checks: Sequence[Callable[[Watch, ModelChain, int], None]] = ()
    forgets: bool = False
    """Whether the node keeps no results of others."""
    players: Players = field(init=False)
    tally: Counter[str] = field(default_factory=Counter)

    def send(self, message: Message) -> list[Logged]:
        """Execute a call that `prepared_call` makes, too, of what a node wants."""
        call = wanted(self.watch.facts, message, self._opening(message))
        if call is not None and not (self.forgets and isinstance(call, NEEDS_RESULTS)):
            caller = Caller(account=message.sender, now=message.now)
            answer = prepared_call(self.watch.facts, caller, call)
            assert answer == Ready(call=message.call, value_wei=message.value_wei), call
        self.tally[type(call).__name__] += 1
        logs = self.chain.send(message)
        self.watch.read(logs)
        self.watch.check(self.model)
        for check in self.checks:
            check(self.watch, self.model, message.now)
        return logs

    def _opening(self, message: Message) -> Opening | None:
        call = message.call
        if not isinstance(call, disputes.Open):
            return None
        return self.players.committed[call.claim_id, message.sender], SALT


def watched_players(
    chain: Chain,
    model: ModelChain,
    seed: int,
    *checks: Callable[[Watch, ModelChain, int], None],
    idleness: float = 0.0,
    keeps: frozenset[Address] | None = None,
) -> tuple[Players, WatchedChain]:
    """Players of a chain that is watched."""
    logs = model.genesis(START_TIME)
    watch = Watch(facts=Facts(deployment=model.deployment, keeps=keeps))
    watch.read(logs)
    watched = WatchedChain(chain=chain, model=model, watch=watch, checks=checks, forgets=keeps is not None)
    facts = fold(Facts(deployment=model.deployment), logs)
    players = Players(label=f"seed {seed}", rng=Random(seed), chain=watched, facts=facts, logs=logs)
    players.idleness = idleness
    watched.players = players
    return players, watched
