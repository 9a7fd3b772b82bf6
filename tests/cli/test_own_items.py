"""`truestep items`: who keeps what until when, what more time costs, and what closing deletes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import Invoke
from tests.client.kept_network import RULES
from tests.roles.test_keeper import RECORD
from truestep.adapters.chain import availability, deployment
from truestep.availability.parts import Part
from truestep.base.ids import Address, Bytes32
from truestep.cli.commands import items as command
from truestep.client import items, stakes
from truestep.client.items import SeatKeeper
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts, KnownItem, KnownKeeper, KnownSeat
from truestep.protocol.availability.ids import ItemId, KeeperId

OWNER, KEEPER = Address("0x" + "a1" * 20), Address("0x" + "b2" * 20)
NOW, DAY = 1_800_000_000, 86_400
PARTS = tuple(
    Part(root=Bytes32(bytes([number]) * 32), depth=depth, first_leaf=0, leaf_count=1)
    for number, depth in ((1, 26), (2, 24), (3, 24))
)
RECORD_OF = replace(
    RECORD, registrant=OWNER, since=NOW - DAY, until=NOW + 9 * DAY, fee_wei=10**16, seat_count=2, blob_count=1
)
ITEM = KnownItem(
    item_id=ItemId(7),
    record=RECORD_OF,
    parts=PARTS,
    url="http://store",
    state=ItemState.KEPT,
    was_kept=True,
    seats={
        0: KnownSeat(keeper=KeeperId(1), drawn_at=NOW - DAY, acknowledged_at=NOW - DAY),
        1: KnownSeat(keeper=KeeperId(2), drawn_at=NOW - DAY),
    },
)
KEEPERS = {KeeperId(1): KnownKeeper(account=KEEPER, url="http://one", signer=KEEPER)}


def network(
    found: list[KnownItem], folder: Path, monkeypatch: pytest.MonkeyPatch, now: int = NOW
) -> tuple[object, ...]:
    facts = Facts(items={each.item_id: each for each in found}, keepers=KEEPERS, item_count=8)
    chain = SimpleNamespace(
        account=OWNER,
        facts=lambda: SimpleNamespace(data=facts),
        head=lambda: SimpleNamespace(time_seconds=now),
    )
    monkeypatch.setattr(deployment, "read_deployment", lambda _: SimpleNamespace(kept_by=RULES))
    monkeypatch.setattr(availability, "availability_of", lambda _: None)
    monkeypatch.setattr(command, "connect_sender", lambda *_: chain)
    monkeypatch.setattr(items, "close_item", lambda *_: None)
    monkeypatch.setattr(stakes, "withdraw", lambda _: SimpleNamespace(for_data_wei=4 * 10**16))
    keystore = ("--keystore", folder / "none.json")
    return ("--rpc", "http://127.0.0.1:9", "--deployment", folder / "deployment.json", *keystore)


def test_it_says_who_keeps_an_item_and_what_more_costs(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = network([ITEM], tmp_path, monkeypatch)
    shown = truestep("items", *options).stdout
    for words in (
        "item 7: kept; until 2027-01-24 08:00 UTC",
        "holds 1 program and 2 inputs or outputs, in 1 blob",
        "1 of 2 keepers answer for it:",
        f"{KEEPER} at http://one",
        "fees 0.02 ETH (of which 0.001 ETH earned)",
        "30 days more: a second bond, and 0.000513 ETH of fees; truestep extend 7",
    ):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 80
    [fields] = truestep("items", 7, *options, "--json").fields()["items"]
    assert fields["kept_by"] == [{"seat": 0, "keeper": KEEPER, "url": "http://one", "since": NOW - DAY}]
    assert (fields["earned_wei"], fields["over"]) == (10**15, False)


def test_what_is_kept_cannot_be_closed_and_why(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = network([ITEM], tmp_path, monkeypatch)
    finished = truestep("items", 7, "--close", *options)
    assert finished.exit_code == 1
    assert (
        "item 7 cannot be closed yet: its keepers are to keep it until 2027-01-24 08:00 UTC"
        in finished.stderr
    )
    finished = truestep("items", 8, *options)
    assert finished.exit_code == 1 and f"{OWNER} has no open item 8" in finished.stderr
    finished = truestep("items", 99, *options)
    assert finished.exit_code == 1
    assert "this network has no item 99: the last one is item 8" in finished.stderr
    assert "nothing is over" in truestep("items", "--close", *options).stdout


def test_what_is_closed_is_deleted_by_its_keepers(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unkept = replace(ITEM, item_id=ItemId(8), state=ItemState.REGISTERED, was_kept=False, seats={})
    options = network([ITEM, unkept], tmp_path, monkeypatch, now=NOW + 10 * DAY)
    assert "--close takes the bonds of those that are over" in truestep("items", *options).stdout
    shown = truestep("items", "--close", *options).stdout
    assert "then `truestep deletions 7` collects their receipts" in shown
    assert "closed item 8, which no keeper has" in shown
    assert "0.04 ETH of bonds and fees sent to the account" in shown
    shown = truestep("items", 8, *network([unkept], tmp_path, monkeypatch)).stdout
    assert "none of 2 keepers has signed" in shown


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "jobs may depend on it until then"),
        ({"state": ItemState.STRUCK}, "it was struck"),
        (
            {"state": ItemState.REGISTERED, "was_kept": False, "record": replace(RECORD_OF, since=NOW)},
            "to sign",
        ),
        ({"state": ItemState.REGISTERED, "was_kept": False}, ""),
        ({"state": ItemState.LOST}, ""),
    ],
)
def test_when_an_item_can_be_closed(changes: dict[str, object], why: str) -> None:
    item = replace(ITEM, **changes)
    facts = Facts(items={item.item_id: item}, keepers=KEEPERS)
    own = items._own_item(facts, item, NOW, RULES)
    assert (own.is_over, why in own.why_open) == (not why, True)
    contested = items._own_item(replace(facts, contests={item.item_id: 1}), item, NOW, RULES)
    assert not contested.is_over and contested.why_open
    assert own.keepers == (SeatKeeper(seat=0, account=KEEPER, url="http://one", since=NOW - DAY),)
