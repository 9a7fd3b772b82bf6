"""The embedded chain takes blob transactions, and only with the blobs that they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import Web3RPCError
from web3.types import RPCEndpoint

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.embedded_blobs import BLOBS_KEPT, TakenBlobs
from truestep.adapters.chain.sidecars import SentBlob, with_blobs
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Unavailable
from truestep.base.ids import Address
from truestep.commitments.kzg import BLOB_SIZE_BYTES, versioned_hash
from truestep.devnet.rpc import DevnetRpc
from truestep.devnet.server import serving

ACCOUNT = Account.from_key(b"k" * 32)


@pytest.fixture(scope="module")
def devnet() -> EmbeddedDevnet:
    devnet = EmbeddedDevnet()
    devnet.fund(Address(ACCOUNT.address), 10**18)
    return devnet


@pytest.fixture(scope="module")
def blobs() -> list[SentBlob]:
    kzg = open_kzg()
    return [
        SentBlob(blob=blob, commitment=kzg.commit(blob), cell_proofs=kzg.extend(blob).proofs)
        for blob in (bytes(BLOB_SIZE_BYTES), bytes(range(128)) * (BLOB_SIZE_BYTES // 128))
    ]


def _signed(web3: Web3, blobs: list[SentBlob]) -> bytes:
    terms: dict[str, Any] = {
        "type": 3,
        "chainId": web3.eth.chain_id,
        "nonce": web3.eth.get_transaction_count(ACCOUNT.address),
        "gas": 100_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
        "maxFeePerBlobGas": 5,
        "to": ACCOUNT.address,
        "value": 0,
        "blobVersionedHashes": [versioned_hash(each.commitment) for each in blobs],
    }
    return bytes(ACCOUNT.sign_transaction(terms).raw_transaction)


def test_a_blob_transaction_is_mined_and_its_blobs_are_paid_for(
    devnet: EmbeddedDevnet, blobs: list[SentBlob]
) -> None:
    web3: Any = Web3(devnet.node)
    before_wei = web3.eth.get_balance(ACCOUNT.address)
    sent = web3.eth.send_raw_transaction(with_blobs(_signed(web3, blobs), blobs))
    receipt, told = web3.eth.get_transaction_receipt(sent), web3.eth.get_transaction(sent)
    assert (receipt["status"], receipt["type"], receipt["blobGasUsed"]) == (1, 3, 2 * 131_072)
    assert [bytes(each) for each in told["blobVersionedHashes"]] == [
        versioned_hash(each.commitment) for each in blobs
    ]
    paid_wei = (
        receipt["gasUsed"] * receipt["effectiveGasPrice"] + receipt["blobGasUsed"] * receipt["blobGasPrice"]
    )
    assert before_wei - web3.eth.get_balance(ACCOUNT.address) == paid_wei


def test_a_devnet_gives_blobs_as_a_consensus_node_does(
    devnet: EmbeddedDevnet, blobs: list[SentBlob], tmp_path: Path
) -> None:
    web3, rpc, kzg = Web3(devnet.node), DevnetRpc(devnet), open_kzg()
    sent = web3.eth.send_raw_transaction(with_blobs(_signed(web3, blobs), blobs))
    block = web3.eth.get_transaction_receipt(sent)["blockNumber"]
    with serving(rpc, DirectoryBlobs(tmp_path), 0) as url:
        node = BeaconBlobs([url], kzg)
        for each in blobs:
            assert node.blob(versioned_hash(each.commitment), f"{block}") == each.blob
        for block_id in ("0", f"0x{'ab' * 32}"):
            with pytest.raises(Unavailable, match="cannot get blob"):
                node.blob(versioned_hash(blobs[0].commitment), block_id)
        assert rpc.answer(b'{"method": "eth_blobBaseFee", "id": 1}').endswith(b'"result": "0x1"}')


def test_a_devnet_forgets_the_oldest_blobs() -> None:
    taken = TakenBlobs()
    for number in range(BLOBS_KEPT + 2):
        taken.add(number, [bytes([number % 256])], [number.to_bytes(32, "big")])
    assert [taken.of_block(number) for number in (0, 1, 2)] == [[], [], [b"\2"]]
    assert taken.of_block(BLOBS_KEPT + 1, [b"another"]) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda blobs: blobs[::-1], "commitments of the hashes"),
        (lambda blobs: blobs[:1], "one blob and commitment for each hash"),
        (lambda blobs: [replace(blobs[0], blob=blobs[1].blob), blobs[1]], "not what its commitment"),
        (lambda blobs: [replace(blobs[0], blob=b"\xff" * BLOB_SIZE_BYTES), blobs[1]], "field elements"),
        (
            lambda blobs: [replace(blobs[0], cell_proofs=blobs[1].cell_proofs), blobs[1]],
            "not what its commitment",
        ),
    ],
)
def test_other_blobs_than_the_named_ones_are_refused(
    devnet: EmbeddedDevnet,
    blobs: list[SentBlob],
    change: Callable[[list[SentBlob]], list[SentBlob]],
    says: str,
) -> None:
    web3 = Web3(devnet.node)
    with pytest.raises(Web3RPCError, match=says):
        web3.eth.send_raw_transaction(with_blobs(_signed(web3, blobs), change(blobs)))


def test_an_estimate_sees_the_hashes(devnet: EmbeddedDevnet, blobs: list[SentBlob]) -> None:
    """Code that reverts unless the transaction has a second blob, run as the code of a new contract."""
    hashes = [versioned_hash(each.commitment).hex() for each in blobs]
    code = bytes.fromhex("600149600a57600080fd5b00")  # blobhash(1) or revert
    rpc = DevnetRpc(devnet)
    for named, is_fine in ((hashes, True), (hashes[:1], False), ([], False)):
        request = {"from": ACCOUNT.address, "data": f"0x{code.hex()}"}
        if named:
            request["blobVersionedHashes"] = [f"0x{each}" for each in named]
        asked = {"id": 1, "method": "eth_estimateGas", "params": [request]}
        for answer in (
            json.loads(rpc.answer(json.dumps(asked).encode())),
            devnet.node.make_request(RPCEndpoint("eth_estimateGas"), [request]),
        ):
            assert ("result" in answer) == is_fine, answer


def test_junk_is_refused(devnet: EmbeddedDevnet, blobs: list[SentBlob]) -> None:
    web3 = Web3(devnet.node)
    for junk in (b"\x03", b"\x03junk", _signed(web3, blobs), b"\x03\xc0"):
        with pytest.raises(Web3RPCError, match="expected a signed blob transaction"):
            web3.eth.send_raw_transaction(junk)
