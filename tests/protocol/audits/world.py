"""The life cycle under the policy *audited*, with a pool and rounds that are as the test says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import get_args

from tests.protocol.settlement.world import KEEPER, OPERATORS, TWO_WINDOWS, Outcome, Step, World, account
from truestep.base.ids import Address, Bytes32
from truestep.protocol.audits.audits import apply_audits
from truestep.protocol.audits.contracts import audits as contract
from truestep.protocol.audits.contracts.audits import Rules, Stage
from truestep.protocol.audits.policy import audits_policy
from truestep.protocol.audits.rules import check_rules
from truestep.protocol.audits.state import Audits, Links
from truestep.protocol.audits.statements import NO_HASH
from truestep.protocol.audits.turn import penalty_wei
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.ids import NATIVE, NOBODY
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn

AUDITS_POLICY = TWO_WINDOWS
"""Its number: the usual schedules choose it now and then."""
AUDITS, SORTITION = account("98"), account("97")
AUDITORS = (*OPERATORS, KEEPER, account("24"), account("25"))
EXIT_SECONDS = 10 * 86_400
RULES = Rules(
    pool=0,
    rate_bps=5_000,
    trap_bps=4_000,
    fee_wei=10**12,
    cycle_fee_wei=6 * 10**12,
    penalty_factor=5,
    answer_seconds=60,
    draw_seconds=900,
    load=2,
)
PLEDGE_WEI = 4 * 10**13
"""Enough for three cheap audits that fail, and for no dear one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginRound:
    """Not a call: from now on this seed draws what happened up to that second."""

    since: int
    seed: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge:
    """Not a call of Audits: somebody has more coins in the pool."""

    operator: Address
    amount_wei: int


AuditsStep = Step | BeginRound | Pledge


def _first(pool: int, seed: Bytes32, members: tuple[Address, ...]) -> Address | None:
    del pool
    return members[int.from_bytes(seed, "big") % len(members)] if members else None


@dataclass(slots=True)
class AuditsWorld(World):
    """Also what Audits keeps, and whom it asks."""

    audits: Audits = field(default_factory=lambda: Audits(rules=RULES))
    address: Address = AUDITS
    sortition: Address = SORTITION
    pledges: dict[Address, int] = field(default_factory=dict)
    sealed_since: int = 0
    round_seed: Bytes32 = NO_HASH
    chooses: Callable[[int, Bytes32, tuple[Address, ...]], Address | None] = _first

    def __post_init__(self) -> None:
        check_rules(self.audits.rules)
        policies = {**POLICIES, AUDITS_POLICY: audits_policy(lambda: self.audits, self.links)}
        self.state = replace(self.state, deployment=replace(self.state.deployment, policies=policies))

    @property
    def links(self) -> Links:
        """What Audits asks."""
        return Links(
            audits=self.address,
            sortition=self.sortition,
            round_seed=lambda since, _: self.round_seed if since <= self.sealed_since else None,
            select=lambda pool, seed, excluded: self.chooses(
                pool, seed, tuple(each for each in self.pledges if each not in excluded)
            ),
            pledge_of=lambda _, operator: self.pledges.get(operator, 0),
            seizable=lambda operator: self.pledges.get(operator, 0),
            exit_seconds=EXIT_SECONDS,
        )

    def play(self, step: AuditsStep) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        match step:
            case BeginRound():
                self.sealed_since, self.round_seed = step.since, step.seed
            case Pledge():
                self.pledges[step.operator] = self.pledges.get(step.operator, 0) + step.amount_wei
                self.balances[NATIVE, self.sortition] += step.amount_wei
            case Message(call=call) if isinstance(call, get_args(contract.Call)):
                return self._play_audits(step)
            case _:
                return World.play(self, step)
        return Outcome()

    def _play_audits(self, message: Message) -> Outcome:
        before = self.state
        turn = Turn(state=before, message=message, held=self.open_games)
        try:
            self.audits, self.state, effects, seized = apply_audits(self.audits, turn, self.links)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for operator, amount_wei in seized.items():
            self.pledges[operator] -= amount_wei
        for effect in effects:
            self.note(before, effect)
        return Outcome(effects=effects)

    # --- what is promised, said without the model -------------------------------------------------

    def note(self, before: LifeCycle, effect: object) -> None:
        """Nothing is final whose audit has not ended."""
        World.note(self, before, effect)
        if isinstance(effect, jobs.Finalized):
            batch = before.batches[effect.batch_id]
            if batch.policy == AUDITS_POLICY:
                final = ~(effect.held | batch.struck) & (1 << batch.leaf_count) - 1
                kept = self.audits.batches.get(effect.batch_id)
                assert not final & (kept.pending if kept is not None else final)

    def check_money(self) -> None:
        """Audits has what it owes, what jobs paid ahead, and what it burned; Sortition what is pledged."""
        World.check_money(self)
        kept = self.audits
        owed_wei = sum(kept.credits.values()) + kept.burned_wei
        owed_wei += sum(fund.left_wei for fund in kept.funds.values())
        owed_wei += sum(kept.funds[audit.job_id].fee_wei for audit in kept.audits.values())
        assert self.balances[NATIVE, self.address] == owed_wei
        assert self.balances[NATIVE, self.sortition] == sum(self.pledges.values())
        assert self.balances[NATIVE, self.state.deployment.assurances] == 0

    def check_all(self) -> None:
        """Nobody has more audits than it may have, or more to lose than is counted; windows stay bounded."""
        World.check_all(self)
        loads: Counter[Address] = Counter()
        penalties: Counter[Address] = Counter()
        for audit in self.audits.audits.values():
            first = NOBODY if audit.stage is Stage.VACANT else audit.auditor
            for auditor in (first, audit.second):
                loads[auditor] += 1
                penalties[auditor] += penalty_wei(self.audits, audit.job_id)
        for auditor, load in self.audits.loads.items():
            assert load.count == loads[auditor] <= self.audits.rules.load
            assert load.penalties_wei == penalties[auditor]
        for batch_id, kept in self.audits.batches.items():
            until = self.state.batches[batch_id].until
            assert kept.seed is None or kept.open_until <= until + 20 * 86_400
