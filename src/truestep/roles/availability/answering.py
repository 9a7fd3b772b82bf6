"""Who answers for items in blobs: whoever can read them, because it is paid (docs/availability.md A4.6)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from truestep.base.ids import Address, Bytes32
from truestep.base.units import coins
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.contracts.bindings import Demand, Give
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import DemandId, item_of_demand, part_of_demand
from truestep.roles.availability.sights import Move, SendData, TellData

GIVE_GAS = 150_000
"""What an answer takes, and more (docs/availability-gas.md)."""
SPREAD_LIMIT_SECONDS = 1_800
"""Nodes take turns, at most so far apart: whoever comes later sees the answer and pays nothing."""
CLOCK_SECONDS = 3
"""The time is a guess between blocks, and in the first half of its time an answer pays the registrant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """What the decisions depend on. Times in seconds, as the chain counts them."""

    now: int
    account: Address
    facts: Facts
    answer_seconds: int
    gas_price_wei: int | None = None
    """What a unit of gas costs now; None if that is not known yet."""
    answers: Mapping[Move, tuple[Bytes32, ...]] = field(default_factory=dict[Move, tuple[Bytes32, ...]])
    """The nodes that answer demands; none if an item's blobs hold another tree than it says."""
    has_lost: bool = False
    """Whether another node was faster lately, in the same block: then this one leaves others more time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindAnswer:
    """Read an item's blobs, and compute the nodes that answer a demand."""

    item: KnownItem
    move: Move
    demand: Demand

    @property
    def part_index(self) -> int:
        """Which part of the item is doubted."""
        return part_of_demand(self.move[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPrice:
    """Find out what gas costs."""


AnswerAction = SendData | FindAnswer | AskPrice | TellData


def is_in_blobs(item: KnownItem) -> bool:
    """Whether an item's blobs are in a transaction: no keeper answers for it."""
    return not item.record.seat_count and item.record.blob_count > 0


def decide(view: AnswerView) -> list[AnswerAction]:
    """What to do now, the earliest end first."""
    open_demands = [each for each in view.facts.demands.items() if _is_to_answer(view, *each)]
    if not open_demands:
        return []
    actions: list[AnswerAction] = [AskPrice()]
    for demand_id, demand in sorted(open_demands, key=lambda each: each[1].moved_at):
        actions += _answer(view, view.facts.items[item_of_demand(demand_id)], demand_id, demand)
    return actions


def _is_to_answer(view: AnswerView, demand_id: DemandId, demand: Demand) -> bool:
    """Whether a demand is open that no keeper answers."""
    item = view.facts.items.get(item_of_demand(demand_id))
    if item is None or not item.is_open or not is_in_blobs(item):
        return False
    is_in_time = view.now <= demand.moved_at + view.answer_seconds
    return is_in_time and not demand.is_answered and part_of_demand(demand_id) < len(item.parts)


def _answer(view: AnswerView, item: KnownItem, demand_id: DemandId, demand: Demand) -> Iterator[AnswerAction]:
    move, end = (demand_id, demand.moved_at), demand.moved_at + view.answer_seconds
    nodes = view.answers.get(move)
    if nodes is None:
        yield TellData(
            kind="item_doubted",
            message=f"somebody doubts item {item.item_id}, which is in blobs of a transaction: this node"
            f" answers if that pays, until second {end} of the chain",
        )
        yield FindAnswer(item=item, move=move, demand=demand)
    elif not nodes:
        message = f"item {item.item_id} does not hold what it says, so nothing is answered for it"
        yield TellData(kind="item_false", message=message)
    elif view.now >= _turn(view, demand_id, demand):
        yield from _given(view, item, demand_id, demand, nodes)


def _turn(view: AnswerView, demand_id: DemandId, demand: Demand) -> int:
    """When this node may answer: the registrant at once, others in the half of the time that pays them."""
    if demand.keeper == view.account:
        return 0
    half = view.answer_seconds // 2
    spread = max(min(half // 4, SPREAD_LIMIT_SECONDS), 1)
    digest = keccak256(f"{view.account}/{demand_id}/{demand.moved_at}".lower().encode())
    turn = int.from_bytes(digest[:4], "big") % spread
    return demand.moved_at + half + CLOCK_SECONDS + turn + (spread if view.has_lost else 0)


def _given(
    view: AnswerView, item: KnownItem, demand_id: DemandId, demand: Demand, nodes: tuple[Bytes32, ...]
) -> Iterator[AnswerAction]:
    if view.gas_price_wei is None:
        return
    cost_wei = GIVE_GAS * view.gas_price_wei
    paid_wei = demand.answer_wei
    if item.record.registrant == view.account:
        paid_wei += item.record.bond_wei  # which is lost without an answer
    if cost_wei > paid_wei:
        yield TellData(
            kind="answer_unpaid",
            message=f"an answer for item {item.item_id} pays {coins(demand.answer_wei)} and would cost more"
            f" gas now: it waits for cheaper gas until second {demand.moved_at + view.answer_seconds} of the"
            " chain; if nobody has answered by then, the item is struck",
        )
        return
    yield SendData(
        intent=f"give/{demand_id}/{demand.moved_at}",
        call=Paid(call=Give(demand_id=demand_id, demand=demand, nodes=nodes)),
        message=f"answers who doubts item {item.item_id}: the nodes below level {demand.level}, for"
        f" {coins(demand.answer_wei)}",
    )
