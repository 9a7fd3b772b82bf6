"""Deletion receipts: whose they are, about what, and that no change passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from web3 import Account

from truestep.adapters.keepers.deletion import (
    DeletionFolder,
    DeletionReceipt,
    check_deletion,
    parse_deletion,
    sign_deletion,
)
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.ids import ItemId
from truestep.roles.keeper import KeptFor

KEEPER, OTHER = Account.from_key(b"\1" * 32), Account.from_key(b"\2" * 32)
ITEMS = Address(OTHER.address)
ITEM, NAME, DELETED_AT = ItemId(7), Bytes32(b"d" * 32), 1005
CELLS = (0, 1, 5, 127)
REASON = KeptFor(item_id=ITEM, index=3, since=400, until=1000)


def signed() -> DeletionReceipt:
    return sign_deletion(KEEPER, 31337, ITEMS, ITEM, NAME, CELLS, DELETED_AT)


def test_a_receipt_is_its_signer_s() -> None:
    receipt = signed()
    assert parse_deletion(receipt.to_json()) == receipt
    assert (receipt.holder, receipt.cells) == (KEEPER.address, CELLS)
    check_deletion(receipt)


def test_it_is_signed_as_wallets_sign() -> None:
    """The same statement as typed data (EIP-712), made by another implementation."""
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Deletion": [
                    {"name": "itemId", "type": "uint256"},
                    {"name": "itemName", "type": "bytes32"},
                    {"name": "cells", "type": "uint256"},
                    {"name": "deletedAt", "type": "uint256"},
                ],
            },
            "primaryType": "Deletion",
            "domain": {
                "name": "truestep availability",
                "version": "1",
                "chainId": 31337,
                "verifyingContract": ITEMS,
            },
            "message": {
                "itemId": ITEM,
                "itemName": NAME,
                "cells": 2**0 + 2**1 + 2**5 + 2**127,
                "deletedAt": DELETED_AT,
            },
        }
    )
    assert signed().signature == KEEPER.sign_message(message).signature.hex()


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"items": KEEPER.address},
        {"item_id": 8},
        {"item_name": "e" * 64},
        {"cells": [0, 1, 5]},
        {"deleted_at": DELETED_AT + 1},
        {"holder": OTHER.address},
        {"signature": "00" * 65},
        {"signature": "ff" * 65},
        {"signature": "11" * 64 + "1b"},
    ],
)
def test_a_changed_receipt_is_noticed(change: dict[str, Any]) -> None:
    fields = json.loads(signed().to_json()) | change
    with pytest.raises(Rejected) as caught:
        check_deletion(parse_deletion(json.dumps(fields)))
    assert caught.value.reason == Reject.DELETION_OTHER


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"format": "truestep receipt"},
        {"extra": 1},
        {"deleted_at": -1},
        {"deleted_at": 2**60},
        {"deleted_at": "7"},
        {"signature": "00"},
        {"item_name": "DD" * 32},
        {"item_id": 0},
        {"cells": []},
        {"cells": [1, 0]},
        {"cells": [1, 1]},
        {"cells": [128]},
    ],
)
def test_what_is_no_receipt_is_refused(change: dict[str, Any]) -> None:
    fields = json.loads(signed().to_json()) | change
    with pytest.raises(Rejected) as caught:
        parse_deletion(json.dumps(fields))
    assert caught.value.reason == Reject.DELETION_MALFORMED


def test_written_again_it_replaces_the_one_before(tmp_path: Path) -> None:
    folder = DeletionFolder(tmp_path / "deletions", KEEPER, 31337, ITEMS)
    paths = {folder.write(NAME, REASON, CELLS, DELETED_AT + again) for again in range(2)}
    assert [str(path) for path in (tmp_path / "deletions").iterdir()] == list(paths)
    found = parse_deletion(Path(paths.pop()).read_bytes())
    check_deletion(found)
    assert found.deleted_at == DELETED_AT + 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "deletions").write_text("")
    with pytest.raises(Unavailable, match="cannot write"):
        DeletionFolder(tmp_path / "deletions", KEEPER, 31337, ITEMS).write(NAME, REASON, CELLS, DELETED_AT)
