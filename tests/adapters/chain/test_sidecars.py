"""Blob transactions are byte for byte what eth-account makes."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions import base

from truestep.adapters.chain.sidecars import SentBlob, with_blobs
from truestep.adapters.trusted_setup import open_kzg, trusted_setup
from truestep.commitments.kzg import BLOB_SIZE_BYTES, versioned_hash

TERMS: dict[str, Any] = {
    "type": 3,
    "chainId": 1,
    "nonce": 2,
    "gas": 100_000,
    "maxFeePerGas": 3,
    "maxPriorityFeePerGas": 1,
    "maxFeePerBlobGas": 5,
    "to": "0x" + "22" * 20,
    "value": 0,
    "data": b"call",
}


def test_the_bytes_are_those_of_eth_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "load_trusted_setup", lambda *_: trusted_setup())
    account, kzg = Account.from_key(b"k" * 32), open_kzg()
    blobs = [bytes(BLOB_SIZE_BYTES), b"\0a" * (BLOB_SIZE_BYTES // 2)]
    sent = [
        SentBlob(blob=blob, commitment=kzg.commit(blob), cell_proofs=kzg.extend(blob).proofs)
        for blob in blobs
    ]
    hashes = [versioned_hash(each.commitment) for each in sent]
    signed = account.sign_transaction({**TERMS, "blobVersionedHashes": hashes})
    expected = account.sign_transaction(TERMS, blobs=blobs)
    assert with_blobs(bytes(signed.raw_transaction), sent) == bytes(expected.raw_transaction)


def test_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="type 3, got one that begins with 02"):
        with_blobs(b"\x02", [])
