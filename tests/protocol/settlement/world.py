"""The life cycle with its surroundings: who there is, what everybody owns, and which games are open."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol.settlement.apply import apply
from truestep.protocol.settlement.assurances import POLICIES, Policy, Question, Taking, Verdict
from truestep.protocol.settlement.batches import shares
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.disputes import GameMessage
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.ids import NATIVE, LeafId, claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchStage, Job
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.standing import FRESH_SHARE_BPS, Admission, Phase
from truestep.protocol.settlement.state import Deployment, LifeCycle

START_TIME = 1_700_000_000


def account(digits: str) -> Address:
    """An address of one repeated pair of digits, which needs no checksum."""
    return Address("0x" + digits * 20)


REQUESTERS = (account("11"), account("12"))
OPERATORS = (account("21"), account("22"), account("23"))
DELEGATES = (account("31"), account("32"))
KEEPER = account("41")
PEOPLE = (*REQUESTERS, *OPERATORS, *DELEGATES, KEEPER)

HOUR_SECONDS = 3_600
CONSUMER_GAS = 50_000
"""What the consumer needs."""


def two_windows(question: Question) -> Verdict:
    """A policy for tests: due an hour after the window; half an odd batch's leaves wait for another hour."""
    due_at = question.until + HOUR_SECONDS
    is_waiting = question.batch_id % 2 == 1 and question.now <= due_at + HOUR_SECONDS
    return Verdict(is_due=question.now > due_at, held=2**256 // 3 if is_waiting else 0)


def open_longer(batch_id: BatchId, until: int) -> int:
    """Until when a game may be opened under that policy: for an odd batch till it is due."""
    return until + HOUR_SECONDS * (batch_id % 2)


def takes_odd(taking: Taking) -> bool:
    """Who may take under that policy: for every fourth job, who depends on the operator."""
    return (int(taking.operator, 16) // 2**152 + (taking.items[0] >> 64)) % 4 != 0


TWO_WINDOWS = 2


def policies_of(contract: Address) -> dict[int, Policy]:
    """Policies by number, the second one with its contract there: its jobs wait for their data."""
    second = Policy(
        verdict=two_windows,
        open_until=open_longer,
        must_wait=True,
        is_proven=lambda claim_id: claim_id % 2 == 1,
        ends_game=lambda game_id: (game_id >> 40) % 2 == 1 and game_id % 2 == 1,
        may_take=takes_odd,
        contract=contract,
    )
    return {**POLICIES, TWO_WINDOWS: second}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The contracts around: tokens, a receiver that refuses coins, consumers."""

    tokens: tuple[Address, ...]
    refuser: Address
    consumer: Address


SURROUNDINGS = Surroundings(
    tokens=(account("71"), account("72")), refuser=account("81"), consumer=account("82")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Not a call: games on these leaves of a batch are open now, and no others."""

    batch_id: BatchId
    mask: int


Step = Message | GameMessage | Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a step."""

    refusal: Reject | None = None
    effects: tuple[object, ...] = ()
    """Of the life cycle, and of a policy's contract."""


ADMISSION = Admission(fresh_share_bps=FRESH_SHARE_BPS, gate_wei=2 * 10**15)
PHASE = Phase.STAKE_GATED
"""The first."""
DEPLOYMENT = Deployment(
    chain_id=1,
    operators=account("91"),
    jobs=account("92"),
    disputes=account("93"),
    assurances=account("96"),
    owner=account("94"),
    guardian=account("95"),
    guardian_until=START_TIME + 200 * 86_400,
    policies=policies_of(account("97")),
)
PARAMETERS = Parameters(
    operator_bond_wei=10**15,
    challenger_bond_wei=10**13,
    window_seconds=240,
    cycles_per_second=10**6,
    clock_seconds=30,
    rescue_seconds=10,
    reveal_seconds=30,
    arity=8,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**6,
)


def gated(state: LifeCycle) -> LifeCycle:
    """The state in a network that asks something of its operators (operators O3, O4)."""
    return replace(state, deployment=replace(state.deployment, admission=ADMISSION), phase=PHASE)


def free_shards(job: Job) -> int:
    """A bit for each shard that can be taken or cancelled."""
    return ~job.busy & (1 << job.work.shard_count) - 1


@dataclass(slots=True)
class World:
    """The state, and what the test knows of it by its effects alone."""

    state: LifeCycle = field(
        default_factory=lambda: LifeCycle(deployment=DEPLOYMENT, parameters=(PARAMETERS,))
    )
    around: Surroundings = SURROUNDINGS
    held: dict[BatchId, int] = field(default_factory=dict)
    leaves: dict[BatchId, tuple[Bytes32, ...]] = field(default_factory=dict)
    balances: Counter[tuple[Address, Address]] = field(default_factory=Counter)
    """Of (asset, account), since the beginning; strangers may go below zero."""
    escrow: Counter[Address] = field(default_factory=Counter)
    """Rewards of shards that are neither paid nor refunded, by asset."""
    final_tasks: dict[TaskId, LeafId] = field(default_factory=dict)

    def play(self, step: Step) -> Outcome:
        """Apply a step; a refused one changes nothing."""
        if isinstance(step, Hold):
            self.held[step.batch_id] = step.mask
            return Outcome()
        assert isinstance(step, Message), "this world has no games"
        before = self.state
        try:
            self.state, effects = apply(before, step, self.open_games)
        except Refused as refused:
            return Outcome(refusal=refused.reason)
        for effect in effects:
            self.note(before, effect)
        return Outcome(effects=effects)

    def open_games(self, batch_id: BatchId) -> int:
        """Disputes' answer."""
        return self.held.get(batch_id, 0)

    def note(self, before: LifeCycle, effect: object) -> None:
        """Remember what an effect says."""
        match effect:
            case Transfer(asset=asset, sender=sender, receiver=receiver, amount=amount):
                self.balances[asset, sender] -= amount
                self.balances[asset, receiver] += amount
            case jobs.Posted(terms=terms, reward=reward, work=work):
                self.escrow[terms.asset] += reward * work.shard_count
            case jobs.ToppedUp(job_id=job_id, reward=reward):
                job = before.jobs[job_id]
                self.escrow[job.terms.asset] += (reward - job.reward) * job.work.shard_count
            case jobs.Cancelled(job_id=job_id, refund=refund):
                self.escrow[before.jobs[job_id].terms.asset] -= refund
            case jobs.Claimed(batch_id=batch_id, leaves=leaves):
                self.leaves[batch_id] = leaves
            case jobs.Finalized(batch_id=batch_id, reward=reward, held=held):
                batch = before.batches[batch_id]
                self._note_final(before, batch_id, ~(held | batch.struck), reward)
            case jobs.LeafFinalized(claim_id=claim_id, reward=reward):
                self._note_final(before, BatchId(claim_id >> 8), 1 << (claim_id & 255), reward)
            case _:
                pass

    def _note_final(self, before: LifeCycle, batch_id: BatchId, mask: int, reward: int) -> None:
        """No task is final twice, and each earns what its job offers."""
        batch = before.batches[batch_id]
        found = shares(before, batch, mask)
        assert sum(share.reward for share in found) == reward
        self.escrow[batch.terms.asset] -= reward
        indices = [index for index in range(batch.leaf_count) if mask >> index & 1]
        for index, share in zip(indices, found, strict=True):
            assert share.task_id not in self.final_tasks, f"task {share.task_id} is final twice"
            self.final_tasks[share.task_id] = claim_of(batch_id, index)

    # --- what must hold after each step -----------------------------------------------------------

    def check_money(self) -> None:
        """Each contract holds in each asset just what it owes and what was burned there (S9.2)."""
        deployment = self.state.deployment
        owed = Counter(self.escrow)
        for (asset, _), amount in self.state.credits.items():
            assert amount >= 0
            owed[asset] += amount
        for asset in (NATIVE, *self.around.tokens):
            assert self.balances[asset, deployment.jobs] == owed[asset]
        stakes = sum(stake.stake_wei for stake in self.state.stakes.values())
        assert self.balances[NATIVE, deployment.operators] == stakes + self.state.burned_wei

    def check_all(self) -> None:
        """What follows from the whole state: escrow, bonds, busy shards."""
        self.check_money()
        locked: Counter[Address] = Counter()
        standing: Counter[int] = Counter()
        for batch_id, batch in self.state.batches.items():
            if batch.stage is BatchStage.OVER:
                continue
            is_final = batch.stage is BatchStage.FINAL
            for share in shares(self.state, batch, ~batch.struck):
                standing[share.task_id] += 1
            bonded = batch.held if is_final else ~batch.struck
            locked[batch.operator] += sum(s.bond_wei for s in shares(self.state, batch, bonded))
            assert not batch.held & batch.struck, f"batch {batch_id}"
        assert all(count == 1 for count in standing.values())
        for operator, stake in self.state.stakes.items():
            assert 0 <= stake.locked_wei <= stake.stake_wei
            assert stake.locked_wei == locked[operator]
        escrow: Counter[Address] = Counter()
        for job_id, job in self.state.jobs.items():
            assert not job.standing & job.refunded
            for shard in range(job.work.shard_count):
                is_standing = bool(job.standing >> shard & 1)
                task_id = job_id << 32 | shard
                assert is_standing == (task_id in standing)
                is_open = not job.refunded >> shard & 1 and task_id not in self.final_tasks
                escrow[job.terms.asset] += job.reward * is_open
        assert +escrow == +self.escrow
