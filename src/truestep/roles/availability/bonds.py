"""Bonds of challenges and demands: what they cost now, and whether one can afford them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from truestep.base.units import coins
from truestep.protocol.availability.challenges import bond_factor, challenge_bond_wei
from truestep.protocol.availability.ids import (
    ItemId,
    item_of_demand,
    unpack_challenge,
)
from truestep.roles.availability.sights import Action, SendData, TellData, View, WatchPolicy

SPARE = 2
"""Challenges of others that may come before one's own: what is too much is credited."""
CHALLENGE, DEMAND = "challenge", "demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A send with a bond."""

    send: SendData
    bond_wei: int


def challenge_wei(view: View, item_id: ItemId, kind: int, more: int = 0) -> int:
    """What a challenge of an item costs now, or after so many more."""
    opened = sum(unpack_challenge(each).item_id == item_id for each in view.facts.challenges)
    coming = sum(
        unpack_challenge(each).item_id == item_id and each not in view.facts.challenges
        for each in _ids(view, CHALLENGE)
    )
    return challenge_bond_wei(view.rules, kind, opened + coming + more + SPARE)


def demand_wei(view: View, item_id: ItemId) -> int:
    """What a demand for a tree of an item costs now."""
    opened = sum(item_of_demand(each) == item_id for each in view.facts.demands)
    return view.rules.tree_bond_wei * bond_factor(opened + SPARE)


def open_wei(view: View) -> int:
    """All bonds of this account that are open or on their way."""
    facts = view.facts
    known_wei = sum(
        each.bond_wei for each in facts.challenges.values() if each.challenger == view.account
    ) + sum(each.left_wei for each in facts.demands.values() if each.challenger == view.account)
    coming_wei = 0
    for each in _ids(view, CHALLENGE):
        place = unpack_challenge(each)
        if each not in facts.challenges:
            coming_wei += challenge_wei(view, place.item_id, place.kind)
    coming_wei += sum(
        demand_wei(view, item_of_demand(each)) for each in _ids(view, DEMAND) if each not in facts.demands
    )
    return known_wei + coming_wei + view.locked_wei


def granted(view: View, policy: WatchPolicy, wishes: Iterable[Wish]) -> Iterator[Action]:
    """The wishes, in their order, as far as wallet and limit go; says what was left out."""
    left_wei = policy.bonds_limit_wei - open_wei(view)
    wallet_wei = view.wallet_wei - policy.gas_reserve_wei
    for wish in wishes:
        if wish.send.intent in view.in_flight:
            continue
        if wish.bond_wei > left_wei:
            message = f"the limit of bonds does not allow it now: {wish.send.message}; --max-bonds raises it"
            yield TellData(kind="bonds_at_limit", message=message)
        elif wish.bond_wei > wallet_wei:
            yield TellData(
                kind="wallet_short",
                message=f"{view.account} has {coins(view.wallet_wei)}, too little for a bond of"
                f" {coins(wish.bond_wei)} and the gas of what is open: {wish.send.message}; send it more",
            )
        else:
            left_wei, wallet_wei = left_wei - wish.bond_wei, wallet_wei - wish.bond_wei
            yield wish.send


def _ids(view: View, kind: str) -> list[int]:
    """The ids in the intents of a kind that are under way."""
    found = [intent.split("/") for intent in view.in_flight]
    return [int(parts[1]) for parts in found if parts[0] == kind and len(parts) > 1 and parts[1].isdecimal()]
