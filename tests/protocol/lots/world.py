"""The life cycle under the policy *drawn*, with a pool and seeds that the test knows (docs/drawn.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import get_args

from tests.protocol.settlement.world import (
    KEEPER,
    OPERATORS,
    TWO_WINDOWS,
    Outcome,
    Step,
    World,
    account,
)
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.protocol.lots.contracts import lots as contract
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.lots.lots import apply_lots
from truestep.protocol.lots.policy import drawn_policy
from truestep.protocol.lots.state import Links, Lots
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NATIVE, batch_of_claim, leaf_of_claim, unpack_item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.state import LifeCycle, Turn

DRAWN_POLICY = TWO_WINDOWS
"""Its number."""
LOTS, SORTITION = account("97"), account("9a")
POOL = (*OPERATORS, KEEPER)
"""Who is drawn: somebody, or the next one who is not left out."""
PLEDGE_WEI = 5_000
"""Of each of them, at the beginning."""
DRAW_SECONDS = 10
"""After so many seconds there is a seed that nobody knew before."""
EXIT_SECONDS = 18_100
RULES = Rules(pool=7, lot_tasks=3, turn_seconds=60, open_seconds=3_600, late_wei=100)


def selected(seed: bytes, excluded: tuple[Address, ...]) -> Address | None:
    """The draw of this pool, as its double does it."""
    start = int.from_bytes(seed, "big") % len(POOL)
    order = (POOL[(start + index) % len(POOL)] for index in range(len(POOL)))
    return next((member for member in order if member not in excluded), None)


def seed_of(since: int, now: int) -> Bytes32 | Reject:
    """The seed of the round that draws what happened then, as its double says."""
    return keccak256(encode(since)) if now > since + DRAW_SECONDS else Reject.DRAW_EARLY


@dataclass(slots=True)
class LotsWorld(World):
    """Also what Lots keeps, and what it is told."""

    lots: Lots = field(default_factory=Lots)
    address: Address = LOTS
    sortition: Address = SORTITION
    pledges: Counter[Address] = field(default_factory=lambda: Counter(dict.fromkeys(POOL, PLEDGE_WEI)))
    now: int = 0
    busy_until: dict[tuple[JobId, int, Address], int] = field(default_factory=dict)
    """When a shard that an operator had taken became free again."""
    turns: dict[tuple[JobId, int], int] = field(default_factory=dict)
    """When the last turn of a lot began."""
    free: dict[tuple[JobId, int], set[int]] = field(default_factory=dict)
    """Its shards that were free then."""

    def __post_init__(self) -> None:
        policies = {**POLICIES, DRAWN_POLICY: drawn_policy(lambda: self.lots, self.links)}
        self.state = replace(self.state, deployment=replace(self.state.deployment, policies=policies))

    @property
    def links(self) -> Links:
        """What Lots asks."""
        return Links(
            lots=self.address,
            sortition=self.sortition,
            rules=RULES,
            seed=seed_of,
            select=lambda pool, seed, excluded: selected(seed, excluded),
            pledge_of=lambda member: self.pledges[member],
            penalise=lambda member, amount_wei: min(amount_wei, self.pledges[member]),
        )

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        if isinstance(step, Message):
            self.now = step.now
            if isinstance(step.call, get_args(contract.Call)):
                return self._play_lots(step)
        return World.play(self, step)

    def _play_lots(self, message: Message) -> Outcome:
        before = self.state
        turn = Turn(state=before, message=message, held=self.open_games)
        try:
            self.lots, self.state, effects = apply_lots(self.lots, turn, self.links)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            if isinstance(effect, contract.Drawn):
                self._note_drawn(effect)
            if isinstance(effect, contract.Ended):
                self._note_ended(effect)
            self.note(before, effect)
        return Outcome(effects=effects)

    # --- what is promised, said without the model -------------------------------------------------

    def _note_ended(self, event: contract.Ended) -> None:
        """Whoever pays could have taken each of those shards all through its turn."""
        self.pledges[event.holder] -= event.penalty_wei
        began = self.turns[event.job_id, event.lot]
        assert self.now > began + RULES.turn_seconds
        late = self.free[event.job_id, event.lot] & self._free_of(event.job_id, event.lot)
        assert event.late_tasks == len(late)
        assert event.penalty_wei <= RULES.late_wei * len(late)
        assert event.penalty_wei == RULES.late_wei * len(late) or not self.pledges[event.holder]
        others = {
            until
            for (job_id, shard, operator), until in self.busy_until.items()
            if job_id == event.job_id and shard in late and operator != event.holder
        }
        assert all(until <= began for until in others)

    def _note_drawn(self, event: contract.Drawn) -> None:
        """Whoever is drawn can pay for all tasks of the lot."""
        self.turns[event.job_id, event.lot] = self.now
        self.free[event.job_id, event.lot] = self._free_of(event.job_id, event.lot)
        lot_tasks = self.lots.offers[event.job_id].lot_tasks
        assert self.pledges[event.holder] >= lot_tasks * RULES.late_wei

    def _free_of(self, job_id: JobId, lot: int) -> set[int]:
        job = self.state.jobs[job_id]
        shards = self.lots.offers[job_id].shards_of(lot, job.work.shard_count)
        return {shard for shard in shards if not job.busy >> shard & 1}

    def note(self, before: LifeCycle, effect: object) -> None:
        """Nobody takes a lot in another's turn; when shards become free again."""
        World.note(self, before, effect)
        match effect:
            case jobs.Taken(operator=operator, items=items):
                for item in map(unpack_item, items):
                    if before.jobs[item.job_id].terms.policy == DRAWN_POLICY:
                        self._note_taken(item.job_id, operator, item.shards)
            case jobs.Expired(batch_id=batch_id) | jobs.Released(batch_id=batch_id):
                batch = before.batches[batch_id]
                for item in map(unpack_item, batch.items):
                    for shard in item.shards:
                        self.busy_until[item.job_id, shard, batch.operator] = self.now
            case jobs.Struck(claim_id=claim_id, operator=operator):
                batch = before.batches[batch_of_claim(claim_id)]
                leaf = leaf_of_claim(claim_id)
                for item in map(unpack_item, batch.items):
                    if item.has_leaf(leaf):
                        shard = item.first_shard + leaf - item.offset
                        self.busy_until[item.job_id, shard, operator] = self.now
            case _:
                pass

    def _note_taken(self, job_id: JobId, operator: Address, shards: range) -> None:
        assert (job_id, operator) not in self.lots.failed
        offered = self.lots.offers[job_id]
        for lot in {offered.lot_of(shard) for shard in shards}:
            kept = self.lots.lots.get((job_id, lot))
            if kept is not None and kept.holder != NATIVE:
                assert kept.holder == operator
                assert self.now <= self.turns[job_id, lot] + RULES.turn_seconds

    def check_money(self) -> None:
        """Lots has what it owes and what it burned; nobody's pledge is overdrawn."""
        World.check_money(self)
        owed_wei = sum(self.lots.credits.values()) + self.lots.burned_wei
        assert self.balances[NATIVE, self.address] == owed_wei
        assert min(self.pledges.values()) >= 0
