"""Pledges, and the weights that follow them: what Sortition does (docs/assignment.md D3, D4)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.protocol.assignment import pools
from truestep.protocol.assignment.contracts import sortition as contract
from truestep.protocol.assignment.contracts.sortition import Collect, Join, Leave, Penalise, Refresh
from truestep.protocol.assignment.phases import Phase, Phases
from truestep.protocol.assignment.pools import SEATS_LIMIT, Pool
from truestep.protocol.assignment.rules import UNIT_WEI, weight_of
from truestep.protocol.settlement import effects, operators
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.ids import NATIVE, Role
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.operators import PLEDGE
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.standing import Fact
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry

POOL_LIMIT = 256
SLOT_LIMIT = 4**7
WEIGHT_LIMIT = 2**64 - 1

Effect = effects.Effect | contract.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An operator that has pledged."""

    pool: int = 0
    slot: int = 0
    weight: int = 0
    pledge_wei: int = 0
    left_at: int = 0
    """When it left; 0 while it is in the pool."""
    policy_count: int = 0
    """How many policies there were then."""

    @property
    def is_in_pool(self) -> bool:
        """Whether it can be drawn, if it weighs anything."""
        return self.left_at == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sortition:
    """All that Sortition keeps."""

    members: Mapping[Address, Member] = field(default_factory=dict[Address, Member])
    pools: Mapping[int, Pool] = field(default_factory=dict[int, Pool])

    def pool(self, number: int) -> Pool:
        """A pool; an unknown one is empty."""
        return self.pools.get(number, Pool())


@dataclass(frozen=True, slots=True, kw_only=True)
class SortitionLinks:
    """Where Sortition is, and its rules."""

    address: Address
    phases: Phases
    least_pledge_wei: int
    exit_seconds: int

    def weight(self, pledge_wei: int) -> int:
        """Of a pledge."""
        return weight_of(pledge_wei, self.least_pledge_wei)


@dataclass(slots=True, kw_only=True)
class SortitionTurn:
    """One call while it is applied. `life` is the turn of the protocol's contracts, and has their effects."""

    state: Sortition
    life: Turn
    links: SortitionLinks
    events: list[contract.Event] = field(default_factory=list[contract.Event])

    @property
    def is_committing(self) -> bool:
        """Whether weights may change."""
        return self.links.phases.phase_at(self.life.message.now) is Phase.COMMIT

    def put_member(self, operator: Address, member: Member) -> None:
        """Keep a member."""
        self.state = replace(self.state, members=with_entry(self.state.members, operator, member))

    def put_pool(self, number: int, pool: Pool) -> None:
        """Keep a pool."""
        self.state = replace(self.state, pools=with_entry(self.state.pools, number, pool))

    def reweigh(self, operator: Address, member: Member) -> Member:
        """Let a member's weight follow its pledge."""
        weight = self.links.weight(member.pledge_wei)
        self.put_pool(member.pool, pools.reweighed(self.state.pool(member.pool), member.slot, weight))
        changed = replace(member, weight=weight)
        self.put_member(operator, changed)
        return changed


def join(turn: SortitionTurn, call: Join) -> None:
    """Pledge free stake (D3.1)."""
    _require_role(turn, call.operator)
    require(turn.is_committing, Reject.COMMIT_OVER)
    require(call.pool < POOL_LIMIT, Reject.POOL_UNKNOWN)
    require(call.pledge_wei % UNIT_WEI == 0, Reject.PLEDGE_UNIT)
    known = turn.state.members.get(call.operator)
    is_elsewhere = known is not None and known.is_in_pool and known.pool != call.pool
    require(not is_elsewhere, Reject.POOL_OTHER)
    operators.lock(turn.life, call.operator, PLEDGE, call.pledge_wei)
    pledge_wei = call.pledge_wei + (known.pledge_wei if known is not None else 0)
    weight = turn.links.weight(pledge_wei)
    require(weight != 0, Reject.PLEDGE_SMALL)
    pool = turn.state.pool(call.pool)
    if known is not None and known.is_in_pool:
        slot = known.slot
    else:
        require(bool(pool.empty) or len(pool.slots) < SLOT_LIMIT, Reject.POOL_FULL)
        pool, slot = pools.entered(pool, call.operator)
    require(pool.total - pool.weights[slot] + weight <= WEIGHT_LIMIT, Reject.POOL_HEAVY)
    turn.put_pool(call.pool, pool)
    member = turn.reweigh(call.operator, Member(pool=call.pool, slot=slot, pledge_wei=pledge_wei))
    turn.events.append(
        contract.Joined(
            operator=call.operator, pool=call.pool, slot=slot, weight=member.weight, pledge_wei=pledge_wei
        )
    )


def leave(turn: SortitionTurn, call: Leave) -> None:
    """Be drawn no longer (D3.3)."""
    _require_role(turn, call.operator)
    require(turn.is_committing, Reject.COMMIT_OVER)
    member = _member(turn, call.operator)
    turn.put_pool(member.pool, pools.left(turn.state.pool(member.pool), member.slot))
    now, policy_count = turn.life.message.now, max(turn.life.state.deployment.policies)
    gone = Member(pledge_wei=member.pledge_wei, left_at=now, policy_count=policy_count)
    turn.put_member(call.operator, gone)
    turn.events.append(contract.Left(operator=call.operator, pool=member.pool, pledge_wei=member.pledge_wei))


def collect(turn: SortitionTurn, call: Collect) -> None:
    """Free the pledge of an operator that left (D3.3)."""
    member = turn.state.members.get(call.operator)
    if member is None or member.is_in_pool:
        raise Refused(Reject.NOT_LEAVING)
    require(turn.life.message.now > member.left_at + turn.links.exit_seconds, Reject.EXIT_RUNNING)
    others = {who: each for who, each in turn.state.members.items() if who != call.operator}
    turn.state = replace(turn.state, members=others)
    operators.unlock(turn.life, call.operator, PLEDGE, member.pledge_wei)
    turn.events.append(contract.Collected(operator=call.operator, pledge_wei=member.pledge_wei))


def refresh(turn: SortitionTurn, call: Refresh) -> None:
    """Let a member's weight follow its pledge (D3.4)."""
    require(turn.is_committing, Reject.COMMIT_OVER)
    member = _member(turn, call.operator)
    require(turn.links.weight(member.pledge_wei) != member.weight, Reject.WEIGHT_RIGHT)
    changed = turn.reweigh(call.operator, member)
    turn.events.append(contract.Refreshed(operator=call.operator, weight=changed.weight))


def penalise(turn: SortitionTurn, call: Penalise) -> None:
    """Take of a pledge as much as is there, for the policy that calls (D3.4)."""
    sender = turn.life.message.sender
    policy = policy_number(turn.life.state, sender)
    require(policy > OPTIMISTIC, Reject.NOT_POLICY)
    member = turn.state.members.get(call.operator)
    amount_wei = penalty_within(member, policy, call.amount_wei)
    if member is None or amount_wei == 0:
        return
    member = replace(member, pledge_wei=member.pledge_wei - amount_wei)
    if member.is_in_pool and turn.is_committing:
        member = turn.reweigh(call.operator, member)
    turn.put_member(call.operator, member)
    turn.events.append(
        contract.Penalised(
            operator=call.operator,
            policy=policy,
            amount_wei=amount_wei,
            weight=member.weight,
            pledge_wei=member.pledge_wei,
        )
    )
    operators.seize(turn.life, call.operator, PLEDGE, amount_wei, turn.links.address)
    operators.note(turn.life, call.operator, Fact.LATE)
    require(turn.life.message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    turn.life.transfer(NATIVE, turn.links.address, sender, amount_wei)


def penalty_within(member: Member | None, policy: int, amount_wei: int) -> int:
    """What a policy takes of a pledge: nothing of one that was leaving before the policy came (D3.4)."""
    if member is None or (not member.is_in_pool and policy > member.policy_count):
        return 0
    return min(amount_wei, member.pledge_wei)


def policy_number(state: LifeCycle, contract_address: Address) -> int:
    """The first number of a contract that is a policy; 0 of another."""
    found = [
        number
        for number, policy in state.deployment.policies.items()
        if number > OPTIMISTIC and policy.contract == contract_address
    ]
    return min(found, default=0)


def pledge_of(state: Sortition, pool: int, operator: Address) -> int:
    """What a member of this pool has pledged; nothing of anybody else."""
    member = state.members.get(operator)
    if member is None or not member.is_in_pool or member.pool != pool:
        return 0
    return member.pledge_wei


def select(
    state: Sortition,
    links: SortitionLinks,
    now: int,
    *,
    pool: int,
    seed: Bytes32,
    count: int,
    excluded: Iterable[Address] = (),
) -> tuple[Address, ...]:
    """Members of a pool, drawn in a draw phase (D4.3)."""
    require(links.phases.phase_at(now) is Phase.DRAW, Reject.DRAW_TIME)
    require(pool < POOL_LIMIT, Reject.POOL_UNKNOWN)
    require(count <= SEATS_LIMIT, Reject.SEATS_LIMIT)
    return pools.select(state.pool(pool), seed, count, excluded)


def _member(turn: SortitionTurn, operator: Address) -> Member:
    member = turn.state.members.get(operator)
    if member is None or not member.is_in_pool:
        raise Refused(Reject.NOT_MEMBER)
    return member


def _require_role(turn: SortitionTurn, operator: Address) -> None:
    allowed = operators.has_role(turn.life.state, operator, turn.life.message.sender, Role.TAKE)
    require(allowed, Reject.NO_ROLE)


HANDLERS: Mapping[type, Callable[[SortitionTurn, Any], None]] = {
    Join: join,
    Leave: leave,
    Collect: collect,
    Refresh: refresh,
    Penalise: penalise,
}


def apply_sortition(
    state: Sortition, life: Turn, links: SortitionLinks
) -> tuple[Sortition, LifeCycle, tuple[Effect, ...]]:
    """The states after a call of Sortition, the message of `life`; raises Refused if nothing changes."""
    require(life.message.value_wei == 0, Reject.WRONG_VALUE)
    turn = SortitionTurn(state=state, life=life, links=links)
    HANDLERS[type(life.message.call)](turn, life.message.call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events)
