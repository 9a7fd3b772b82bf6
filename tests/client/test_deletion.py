"""Deletion receipts: whose they are, about what, and that no change passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from web3 import Account

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.client.deletion import DeletionReceipt, check_deletion, parse_deletion, sign_deletion

KEEPER, OTHER = Account.from_key(b"\1" * 32), Account.from_key(b"\2" * 32)
ITEMS = Address(OTHER.address)
DIGEST, UNTIL = Bytes32(b"d" * 32), 1000
HOLDER = Address(KEEPER.address)


def signed() -> DeletionReceipt:
    return sign_deletion(KEEPER, 31337, ITEMS, DIGEST, UNTIL + 5)


def test_a_receipt_is_its_signer_s() -> None:
    receipt = signed()
    assert parse_deletion(receipt.to_json()) == receipt
    check_deletion(receipt, HOLDER, DIGEST, UNTIL)
    for holder, digest, until in (
        (Address(OTHER.address), DIGEST, UNTIL),
        (HOLDER, Bytes32(b"e" * 32), UNTIL),
        (HOLDER, DIGEST, UNTIL + 5),
    ):
        with pytest.raises(Rejected) as caught:
            check_deletion(receipt, holder, digest, until)
        assert caught.value.reason == Reject.DELETION_OTHER


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
                    {"name": "itemDigest", "type": "bytes32"},
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
            "message": {"itemDigest": DIGEST, "deletedAt": UNTIL + 5},
        }
    )
    assert signed().signature == KEEPER.sign_message(message).signature.hex()


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"items": HOLDER},
        {"deleted_at": UNTIL + 6},
        {"signature": "00" * 65},
        {"signature": "ff" * 65},
        {"signature": "11" * 64 + "1b"},
    ],
)
def test_a_changed_receipt_is_noticed(change: dict[str, Any]) -> None:
    fields = json.loads(signed().to_json()) | change
    with pytest.raises(Rejected) as caught:
        check_deletion(parse_deletion(json.dumps(fields)), HOLDER, DIGEST, UNTIL)
    assert caught.value.reason == Reject.DELETION_OTHER


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"format": "truestep receipt"},
        {"extra": 1},
        {"deleted_at": -1},
        {"deleted_at": "7"},
        {"signature": "00"},
        {"item_digest": "DD" * 32},
    ],
)
def test_what_is_no_receipt_is_refused(change: dict[str, Any]) -> None:
    fields = json.loads(signed().to_json()) | change
    with pytest.raises(Rejected) as caught:
        parse_deletion(json.dumps(fields))
    assert caught.value.reason == Reject.DELETION_MALFORMED
