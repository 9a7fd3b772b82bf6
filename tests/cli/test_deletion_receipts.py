"""`truestep verify` of a deletion receipt: what it says of a right one, a changed one, and another file."""

from __future__ import annotations

import json
from pathlib import Path

from web3 import Account

from tests.cli.conftest import Invoke
from truestep.adapters.keepers.deletion import sign_deletion
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.ids import ItemId

KEEPER = Account.from_key(b"\1" * 32)


def test_a_deletion_receipt_is_verified(truestep: Invoke, tmp_path: Path) -> None:
    path, cells = tmp_path / "deletion.json", (0, 1, 2, 96, *range(120, 128))
    receipt = sign_deletion(
        KEEPER, 31337, Address(KEEPER.address), ItemId(7), Bytes32(b"n" * 32), cells, 1_800_000_000
    )
    path.write_text(receipt.to_json())
    shown = truestep("verify", path)
    assert shown.exit_code == 0
    words = " ".join((shown.stdout + shown.stderr).split())
    for said in (
        KEEPER.address,
        "0 to 2, 96, 120 to 127",
        "item 7",
        "2027-01-15 08:00:00",
        "chain was not asked",
    ):
        assert said in words
    fields = truestep("verify", path, "--json").fields()
    assert (fields["verified"], fields["chain_checked"], fields["item_id"]) == (True, False, 7)

    path.write_text(json.dumps(json.loads(receipt.to_json()) | {"item_id": 8}))
    refused = truestep("verify", path)
    assert refused.exit_code == 1
    assert "verified:" not in refused.stdout
    assert "deletion receipt says something else" in refused.stderr

    path.write_text(
        receipt.to_json().replace('"version": 1', '"version": 2').replace('"version":1', '"version":2')
    )
    other = truestep("verify", path)
    assert other.exit_code == 1
    assert "version" in other.stderr
