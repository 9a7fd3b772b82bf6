"""Keepers: shares, draws, leaving, parameters, and who may do what."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.availability_chain import fast_contracts
from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import Evm, Reverted, rejects
from tests.contracts.life_chain import DEPLOYER, DOUBLES, FUNDS
from tests.contracts.shelves import CHALLENGER, REGISTRANT, Shelf, changed
from tests.protocol.availability.contents import true_content
from tests.protocol.availability.world import KEEPERS, RULES, SIGNERS
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.contracts import items, keepers
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.ids import KeeperId
from truestep.protocol.availability.keepers import draw
from truestep.protocol.availability.rules import check_rules
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.refusals import Refused

STRANGER = Address("0x" + "77" * 20)


@pytest.fixture
def shelf() -> Shelf:
    """A fresh chain with four keepers of four shares."""
    return Shelf()


# --- parameters -----------------------------------------------------------------------------------


def _edges(name: str) -> list[int]:
    """Values about the bounds of a parameter, given the others."""
    value = getattr(RULES, name)
    marks = [0, 60, 2_500, 5_000, 604_800, 2**50, 2**88, 10**12, value, 8 * value, value // 8]
    return sorted({edge for mark in marks for edge in (mark - 1, mark, mark + 1) if 0 <= edge < 2**256})


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_contract_takes_the_parameters_that_the_model_takes(data: st.DataObject) -> None:
    names = [field.name for field in fields(Rules)]
    chosen = data.draw(st.lists(st.sampled_from(names), max_size=3, unique=True))
    rules = replace(RULES, **{name: data.draw(st.sampled_from(_edges(name))) for name in chosen})
    evm = Evm()
    try:
        check_rules(rules)
    except Refused as refused:
        with rejects(refused.reason):
            evm.deploy("Keepers", astuple(rules))
    else:
        assert evm.deploy("Keepers", astuple(rules)).call("rules") == astuple(rules)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("gas_price_cap_wei", 2**50, Reject.PARAMETER_GAS_PRICE),
        ("blob_gas_price_cap_wei", 2**50, Reject.PARAMETER_GAS_PRICE),
        ("element_bond_wei", 10**12 - 1, Reject.PARAMETER_BOND),
        ("blob_bond_wei", 10**12, Reject.PARAMETER_BOND),
        ("tree_bond_wei", 10**13, Reject.PARAMETER_BOND),
        ("registrant_bond_wei", 10**15, Reject.PARAMETER_BOND),
        ("share_wei", 2**88 + 1, Reject.PARAMETER_BOND),
        ("answer_seconds", 59, Reject.PARAMETER_ANSWER),
        ("answer_seconds", 7 * 86_400 + 1, Reject.PARAMETER_ANSWER),
        ("acknowledge_seconds", 59, Reject.PARAMETER_ACKNOWLEDGE),
        ("winner_share_bps", 2_499, Reject.PARAMETER_SHARE),
        ("winner_share_bps", 5_001, Reject.PARAMETER_SHARE),
    ],
)
def test_parameters_have_bounds(name: str, value: int, reason: Reject) -> None:
    with pytest.raises(Refused) as caught:
        check_rules(replace(RULES, **{name: value}))
    assert caught.value.reason == reason


# --- how the contracts find each other ------------------------------------------------------------


def test_contracts_are_connected_once_by_their_deployer() -> None:
    evm = Evm()
    evm.chain.set_balance(KEEPERS[0], FUNDS)
    kept = evm.deploy("Keepers", astuple(RULES), sender=DEPLOYER)
    listed = evm.deploy("Items", kept.address, sender=DEPLOYER)
    asked, bound = (evm.deploy(name, listed.address, sender=DEPLOYER) for name in ("Challenges", "Bindings"))
    foreign = evm.deploy("Items", evm.deploy("Keepers", astuple(RULES)).address, sender=DEPLOYER)
    with rejects(Reject.NOT_CONNECTED):
        kept.transact("enrol", 1, "", sender=KEEPERS[0], value=RULES.share_wei)
    with rejects(Reject.NOT_DEPLOYER):
        kept.transact("connect", listed.address, sender=STRANGER)
    with rejects(Reject.NO_CONTRACT):
        kept.transact("connect", STRANGER, sender=DEPLOYER)
    with rejects(Reject.WIRING):
        kept.transact("connect", foreign.address, sender=DEPLOYER)
    kept.transact("connect", listed.address, sender=DEPLOYER)
    with rejects(Reject.ALREADY_CONNECTED):
        kept.transact("connect", listed.address, sender=DEPLOYER)
    with rejects(Reject.NOT_CONNECTED):
        listed.transact("register", [], [], 2, 0, 0, "", sender=KEEPERS[0])
    with rejects(Reject.NOT_DEPLOYER):
        listed.transact("connect", asked.address, bound.address, sender=STRANGER)
    with rejects(Reject.NO_CONTRACT):
        listed.transact("connect", asked.address, STRANGER, sender=DEPLOYER)
    with rejects(Reject.WIRING):
        listed.transact(
            "connect", asked.address, evm.deploy("Bindings", foreign.address).address, sender=DEPLOYER
        )
    listed.transact("connect", asked.address, bound.address, sender=DEPLOYER)
    with rejects(Reject.ALREADY_CONNECTED):
        listed.transact("connect", asked.address, bound.address, sender=DEPLOYER)


def test_nobody_else_locks_slashes_empties_or_strikes(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content())
    record = astuple(shelf.record(item_id))
    kept, listed = shelf.chain.contracts["Keepers"], shelf.chain.contracts["Items"]
    for function, arguments in (("lock", (1,)), ("unlock", (1,)), ("slash", (1, item_id, STRANGER))):
        with rejects(Reject.NOT_ITEMS):
            kept.transact(function, *arguments, sender=DEPLOYER)
    with rejects(Reject.NOT_CHALLENGES):
        listed.transact("vacate", item_id, record, 0, STRANGER, sender=DEPLOYER)
    with rejects(Reject.NOT_BINDINGS):
        listed.transact("strike", item_id, record, STRANGER, sender=DEPLOYER)


# --- shares ---------------------------------------------------------------------------------------


def test_a_keeper_cannot_leave_during_its_duty(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    account = shelf.keeper_of(item_id, 0)
    number = shelf.state.numbers[account]
    all_shares = keepers.WithdrawShares(shares=4, receiver=account)
    shelf.refused(Reject.SHARES_IN_USE, account, all_shares)
    own = [place for place, entry in enumerate(shelf.state.entries) if entry == number]
    shelf.send(account, keepers.Retire(keeper=number, positions=tuple(reversed(own))))
    shelf.refused(Reject.SHARES_IN_USE, account, all_shares)
    shelf.send(account, changed(all_shares, shares=3))
    shelf.refused(Reject.SHARES_IN_USE, account, changed(all_shares, shares=1))
    shelf.refused(Reject.SHARES_IN_USE, account, changed(all_shares, shares=2**256 - 1))
    shelf.pass_time(31 * 86_400)
    shelf.send(STRANGER, items.CloseItem(item_id=item_id, record=shelf.record(item_id)))
    shelf.send(account, changed(all_shares, shares=1))


def test_a_keeper_that_left_is_still_slashed(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    account = shelf.keeper_of(item_id, 0)
    number = shelf.state.numbers[account]
    own = [place for place, entry in enumerate(shelf.state.entries) if entry == number]
    shelf.send(account, keepers.Retire(keeper=number, positions=tuple(reversed(own))))
    shelf.send(account, keepers.WithdrawShares(shares=3, receiver=account))
    shelf.let_down(item_id, 0)
    assert shelf.stake_wei(account) == 0


def test_one_share_backs_one_seat(shelf: Shelf) -> None:
    """A keeper without a free share is neither drawn nor seated."""
    account = KEEPERS[4]
    shelf.enrol(account, 1)
    number = shelf.state.numbers[account]
    content = true_content()
    first = shelf.register(content, 5)
    shelf.assign(first)
    second = shelf.register(content, 5)
    shelf.assign(second)
    places = [[seat.keeper for seat in shelf.item(each).seats].index(number) for each in (first, second)]
    shelf.send(STRANGER, shelf.acknowledgement(first, places[0]))
    shelf.refused(Reject.SHARE_NOT_FREE, STRANGER, shelf.acknowledgement(second, places[1]))
    third = shelf.register(content, 5)
    shelf.assign(third)
    assert number not in [seat.keeper for seat in shelf.item(third).seats]


def test_anybody_retires_the_entries_of_slashed_shares(shelf: Shelf) -> None:
    item_id = shelf.kept(true_content(), 4)
    account = shelf.keeper_of(item_id, 0)
    number = shelf.state.numbers[account]
    own = [place for place, entry in enumerate(shelf.state.entries) if entry == number]
    call = keepers.Retire(keeper=number, positions=own[-1:])  # type: ignore[arg-type]
    shelf.refused(Reject.NOT_THIS_KEEPER, STRANGER, changed(call, positions=tuple(own[-1:])))
    shelf.let_down(item_id, 0)
    shelf.refused(Reject.SHARES_IN_USE, account, keepers.WithdrawShares(shares=1, receiver=account))
    shelf.refused(Reject.NOT_THIS_KEEPER, STRANGER, changed(call, positions=tuple(reversed(own[-2:]))))
    shelf.send(STRANGER, changed(call, positions=tuple(own[-1:])))
    keeper = shelf.state.keepers[number]
    assert keeper.listed == keeper.shares == 3


def test_many_shares_are_entered_in_steps(shelf: Shelf) -> None:
    account = KEEPERS[0]
    too_many = keepers.Enrol(shares=4_097, url="")
    shelf.refused(Reject.SHARES_LIMIT, account, too_many, 4_097 * RULES.share_wei)
    shelf.enrol(account, 4_096)
    shelf.enrol(account, 37)
    assert shelf.state.keepers[shelf.state.numbers[account]].listed == 4_137
    shelf.chain.check_views(shelf.state)
    entry = shelf.chain.contracts["Keepers"]
    found = [entry.call("entry", place) for place in range(len(shelf.state.entries))]
    assert found == list(shelf.state.entries)


def test_draws_follow_shares(shelf: Shelf) -> None:
    """Over many seeds: twelve shares are drawn as often as three times four."""
    shelf.enrol(KEEPERS[0], 8)
    counts: Counter[KeeperId] = Counter()
    for number in range(3_000):
        counts.update(draw(shelf.state, keccak256(encode(number)), 1, frozenset()))
    first, *others = (counts[KeeperId(number)] for number in range(1, 5))
    assert abs(first - 1_500) < 150
    assert all(abs(count - 500) < 100 for count in others)


def test_receipts_are_the_signers(shelf: Shelf) -> None:
    """The old key is worth nothing from then on."""
    content = true_content()
    item_id = shelf.register(content)
    shelf.assign(item_id)
    account = shelf.keeper_of(item_id, 0)
    old = shelf.acknowledgement(item_id, 0)
    shelf.send(account, keepers.SetSigner(signer=SIGNERS[0]))
    shelf.refused(Reject.RECEIPT_SIGNATURE, STRANGER, old)
    shelf.send(STRANGER, shelf.acknowledgement(item_id, 0))
    shelf.refused(Reject.NOT_KEEPER, STRANGER, keepers.SetSigner(signer=SIGNERS[0]))


# --- coins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Keepers", "Items", "Challenges", "Bindings"])
def test_whoever_is_paid_cannot_call_in_between(shelf: Shelf, name: str) -> None:
    """A receiver that calls again while it is paid is refused what would succeed a moment later."""
    item_id = shelf.kept(true_content(), 4)
    shelf.let_down(item_id, 0)  # Keepers and Challenges owe the challenger
    asked = shelf.ask(item_id, 1)
    demand_id = shelf.demand(item_id, true_content(), 2)
    gift = shelf.gift(demand_id, true_content())
    calls: dict[str, tuple[Address, object]] = {
        "Keepers": (CHALLENGER, keepers.Enrol(shares=0, url="")),
        "Items": (REGISTRANT, items.Assign(item_id=item_id, record=shelf.record(item_id))),
        "Challenges": (CHALLENGER, shelf.answer(true_content(), asked)),
        "Bindings": (CHALLENGER, gift),
    }
    owed_to, call = calls[name]
    contract = shelf.chain.contracts[name]
    if name == "Items":
        shelf.pass_time()
        collect = items.Collect(item_id=item_id, record=shelf.record(item_id), index=1)
        shelf.send(STRANGER, collect)
        owed_to = shelf.keeper_of(item_id, 1)
    if name == "Bindings":
        shelf.send(STRANGER, gift)
        owed_to = shelf.keeper_of(item_id, 2)
        choice = shelf.choice(demand_id, true_content(), 70)
        shelf.send(CHALLENGER, choice)
        call = shelf.gift(demand_id, true_content())
    receiver = deploy_compiled(shelf.chain.evm, compile_folder(DOUBLES)["Receiver"], sender=DEPLOYER)
    if name == "Keepers":
        shelf.chain.evm.chain.set_balance(receiver.address, FUNDS)
        call = keepers.WithdrawTo(receiver=checksummed(receiver.address))
    payload = fast_contracts()[name].payload(call)
    receiver.transact("aim", contract.address, payload, sender=DEPLOYER)
    before_wei = contract.evm.chain.get_balance(receiver.address)
    owed_wei = contract.call("credits", owed_to)
    contract.transact("withdraw_to", receiver.address, sender=owed_to)
    assert receiver.call("was_refused")
    assert contract.evm.chain.get_balance(receiver.address) - before_wei == owed_wei > 0
    assert contract.call("credits", owed_to) == 0
    if name != "Keepers":
        assert contract.evm.send(STRANGER, contract.address, payload)


def test_coins_cannot_be_sent_past_the_calls(shelf: Shelf) -> None:
    for contract in shelf.chain.contracts.values():
        with pytest.raises(Reverted):
            shelf.chain.evm.send(KEEPERS[0], contract.address, b"", 1)
