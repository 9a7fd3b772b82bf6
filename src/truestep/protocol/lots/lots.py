"""How jobs are cut, drawn and given up: what Lots does, as functions of values (docs/drawn.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.protocol.lots.contracts import lots as contract
from truestep.protocol.lots.contracts.lots import Decline, Draw, EndTurn, Offer, WithdrawTo
from truestep.protocol.lots.policy import UNDRAWN, is_turn_over, waits_since
from truestep.protocol.lots.rules import DECLINES_LIMIT, EXCLUDED_LIMIT, LOT_LIMIT, TELLER_BPS
from truestep.protocol.lots.state import Links, Lot, LotKey, Lots, Offered
from truestep.protocol.settlement import effects, policies
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Role
from truestep.protocol.settlement.jobs import SHARD_LIMIT, job_digest
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.operators import has_role
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import Job
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry

Effect = effects.Effect | contract.Event


@dataclass(slots=True, kw_only=True)
class LotsTurn:
    """One call while it is applied. `life` is the turn of the protocol's contracts, and has their effects."""

    state: Lots
    life: Turn
    links: Links
    events: list[contract.Event] = field(default_factory=list[contract.Event])

    @property
    def sender(self) -> Address:
        """Who calls."""
        return self.life.message.sender

    @property
    def now(self) -> int:
        """The block's second."""
        return self.life.message.now

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def put(self, key: LotKey, lot: Lot) -> None:
        """Keep a lot."""
        self.change(lots=with_entry(self.state.lots, key, lot))


def offer(turn: LotsTurn, call: Offer) -> None:
    """Cut a job into lots, so that they can be drawn (T2.1)."""
    digest = _digest_of(turn, call)
    is_usual = call.lot_tasks == turn.links.rules.lot_tasks
    require(turn.sender == call.terms.requester or is_usual, Reject.NOT_REQUESTER)
    require(0 < call.lot_tasks <= LOT_LIMIT, Reject.LOT_BOUNDS)
    offered = Offered(lot_tasks=call.lot_tasks, at=turn.now)
    turn.change(offers=with_entry(turn.state.offers, call.job_id, offered))
    turn.events.append(contract.Offered(job_id=call.job_id, sender=turn.sender, lot_tasks=call.lot_tasks))
    supply = assurances.Supply(job_id=call.job_id, job_digest=digest)
    message = Message(sender=turn.links.lots, now=turn.now, call=supply)
    inner = Turn(state=turn.life.state, message=message, held=turn.life.held, effects=turn.life.effects)
    policies.supply(inner, supply)
    turn.life.state = inner.state
    # Nobody can take a reducer that is not fed, and whoever is drawn for it would be late.
    require(turn.life.state.jobs[call.job_id].is_fed, Reject.JOB_WAITS)


def _digest_of(turn: LotsTurn, call: Offer) -> Bytes32:
    """The digest of a job, which must have this work and these terms."""
    deployment, job = turn.life.state.deployment, turn.life.state.jobs.get(call.job_id)
    digest = job_digest(deployment.chain_id, deployment.jobs, call.job_id, call.work, call.terms)
    require(job is not None and digest == job.digest, Reject.JOB_OTHER)
    return digest


def draw(turn: LotsTurn, call: Draw) -> None:
    """Draw who may take lots, each named by a shard of it that is free (T2.2)."""
    offered, job = _offered(turn, call.job_id)
    require(turn.now < job.deadline, Reject.DEADLINE_OVER)
    is_idle = True
    for shard in call.shards:
        key = _key_of(call.job_id, offered, shard)
        lot = turn.state.lots.get(key, UNDRAWN)
        if _is_busy(job, shard) or lot.holder != NOBODY or lot.is_open:
            continue  # nobody can spoil a call by drawing one of its lots
        is_idle = False
        since = waits_since(offered, lot)
        found = turn.links.seed(since, turn.now)
        if isinstance(found, Reject):
            raise Refused(found)
        seed = seed_of(found, turn.links.lots, job.digest, key[1])
        holder = _select(turn, call.job_id, seed, offered.lot_tasks * turn.links.rules.late_wei)
        if holder is None:
            turn.put(key, Lot(is_open=True))
            turn.events.append(contract.Opened(job_id=call.job_id, lot=key[1]))
            continue
        due = all_of(offered, job, key[1])
        if lot != UNDRAWN or turn.now > since + turn.links.rules.open_seconds:
            due = free_of(offered, job, key[1], due)
        turn.put(key, Lot(holder=holder, since=turn.now, due=due, declines=lot.declines))
        turn.events.append(contract.Drawn(job_id=call.job_id, holder=holder, lot=key[1], due=due))
    require(not is_idle, Reject.LOT_NOT_WAITING)


def seed_of(round_seed: Bytes32, lots: Address, job_digest: Bytes32, lot: int) -> Bytes32:
    """The seed of a lot (assignment D2.5)."""
    return keccak256(encode(round_seed, lots, keccak256(encode(job_digest, lot))))


def all_of(offered: Offered, job: Job, lot: int) -> int:
    """A bit for each shard of a lot, from its first one on."""
    return (1 << len(offered.shards_of(lot, job.work.shard_count))) - 1


def free_of(offered: Offered, job: Job, lot: int, shards: int) -> int:
    """Those of these shards of a lot, a bit each, that are not busy."""
    return shards & ~(job.busy >> lot * offered.lot_tasks)


def _select(turn: LotsTurn, job_id: JobId, seed: Bytes32, pledge_wei: int) -> Address | None:
    """Somebody who has not failed the job and has pledged so much; nobody if sixteen were drawn in vain."""
    excluded: tuple[Address, ...] = ()
    while len(excluded) < EXCLUDED_LIMIT:
        member = turn.links.select(turn.links.rules.pool, seed, excluded)
        if member is None:
            return None
        has_failed = (job_id, member) in turn.state.failed
        if not has_failed and turn.links.pledge_of(member) >= pledge_wei:
            return member
        excluded = (*excluded, member)
    return None


def decline(turn: LotsTurn, call: Decline) -> None:
    """Give up lots, each named by a shard of it that is free, for others to be drawn (T3.2)."""
    require(has_role(turn.life.state, call.operator, turn.sender, Role.TAKE), Reject.NO_ROLE)
    known = turn.life.state.jobs.get(call.job_id)
    require(call.job_digest == (known.digest if known is not None else bytes(32)), Reject.JOB_OTHER)
    offered, job = _offered(turn, call.job_id)
    is_idle = True
    for shard in call.shards:
        key = _key_of(call.job_id, offered, shard)
        lot = turn.state.lots.get(key, UNDRAWN)
        require(lot.holder == call.operator, Reject.TURN_OTHER)
        require(not is_turn_over(turn.links.rules, lot, turn.now), Reject.TURN_OVER)
        # So a lot that waits has a free shard: nobody lets one wait, and open, behind claims that stand.
        if _is_busy(job, shard):
            continue  # no requester can spoil a call by cancelling one of its shards
        is_idle = False
        turn.put(key, Lot(since=turn.now, declines=lot.declines + 1))
        turn.events.append(contract.Declined(job_id=call.job_id, holder=call.operator, lot=key[1]))
        if lot.declines + 1 == DECLINES_LIMIT:
            turn.put(key, Lot(is_open=True))
            turn.events.append(contract.Opened(job_id=call.job_id, lot=key[1]))
    require(not is_idle, Reject.TASK_NOT_OPEN)


def end_turn(turn: LotsTurn, call: EndTurn) -> None:
    """Let a lot be drawn again of which a shard is free when its turn is over (T3.3)."""
    offered, job = _offered(turn, call.job_id)
    require(turn.now < job.deadline, Reject.DEADLINE_OVER)
    key = _key_of(call.job_id, offered, call.shard)
    lot = turn.state.lots.get(key, UNDRAWN)
    require(lot.holder != NOBODY, Reject.TURN_OVER)
    require(is_turn_over(turn.links.rules, lot, turn.now), Reject.TURN_RUNS)
    require(not _is_busy(job, call.shard), Reject.TASK_NOT_OPEN)
    turn.put(key, Lot(since=turn.now, declines=lot.declines))
    late_tasks = free_of(offered, job, key[1], lot.due).bit_count()
    penalty_wei = _charge(turn, call.job_id, lot.holder, late_tasks) if late_tasks else 0
    turn.events.append(
        contract.Ended(
            job_id=call.job_id,
            holder=lot.holder,
            lot=key[1],
            late_tasks=late_tasks,
            penalty_wei=penalty_wei,
        )
    )


def _charge(turn: LotsTurn, job_id: JobId, holder: Address, late_tasks: int) -> int:
    """Take a part of a pledge: a tenth for whoever has it taken, the rest is burned (T3.3)."""
    turn.change(failed=turn.state.failed | {(job_id, holder)})
    penalty_wei = turn.links.penalise(holder, late_tasks * turn.links.rules.late_wei)
    turn.life.transfer(NATIVE, turn.links.sortition, turn.links.lots, penalty_wei)
    teller_wei = penalty_wei * TELLER_BPS // BPS
    if teller_wei:
        owed_wei = turn.state.credits.get(turn.sender, 0) + teller_wei
        turn.change(credits=with_entry(turn.state.credits, turn.sender, owed_wei))
    turn.change(burned_wei=turn.state.burned_wei + penalty_wei - teller_wei)
    return penalty_wei


def withdraw_to(turn: LotsTurn, call: WithdrawTo) -> None:
    """Send all that the caller is owed."""
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    amount_wei = turn.state.credits.get(turn.sender, 0)
    require(amount_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    turn.change(credits=with_entry(turn.state.credits, turn.sender, 0))
    turn.events.append(contract.Withdrawn(account=turn.sender, receiver=call.receiver, amount_wei=amount_wei))
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.lots, call.receiver, amount_wei)


def _offered(turn: LotsTurn, job_id: JobId) -> tuple[Offered, Job]:
    """How a job is cut, and the job."""
    offered = turn.state.offers.get(job_id)
    if offered is None:
        raise Refused(Reject.JOB_NOT_OFFERED)
    return offered, turn.life.state.jobs[job_id]


def _key_of(job_id: JobId, offered: Offered, shard: int) -> LotKey:
    require(shard <= SHARD_LIMIT, Reject.SHARD_RANGE)
    return job_id, offered.lot_of(shard)


def _is_busy(job: Job, shard: int) -> bool:
    require(shard < job.work.shard_count, Reject.SHARD_RANGE)
    return job.busy >> shard & 1 == 1


HANDLERS: Mapping[type, Callable[[LotsTurn, Any], None]] = {
    Offer: offer,
    Draw: draw,
    Decline: decline,
    EndTurn: end_turn,
    WithdrawTo: withdraw_to,
}


def apply_lots(state: Lots, life: Turn, links: Links) -> tuple[Lots, Any, tuple[Effect, ...]]:
    """The states after a call of Lots, the message of `life`; raises Refused if nothing changes."""
    require(life.message.value_wei == 0, Reject.WRONG_VALUE)
    turn = LotsTurn(state=state, life=life, links=links)
    HANDLERS[type(life.message.call)](turn, life.message.call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events)
