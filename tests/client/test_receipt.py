"""Receipts: what they hold, and that no change to one goes unnoticed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Network, Settle
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Reject, Rejected
from truestep.client import receipt_proofs
from truestep.client.receipt import (
    RECEIPT_LIMIT_BYTES,
    ProofPart,
    Receipt,
    from_inlined,
    inlined,
    parse_receipt,
    read_receipt,
)
from truestep.client.verification import (
    check_by_execution,
    check_chain,
    check_contents,
    open_rerun,
)
from truestep.composition.engines import EngineName, open_engine
from truestep.protocol.settlement.facts.leaves import leaf_of_state

Fields = dict[str, Any]


@pytest.fixture(scope="session")
def receipt(settle: Settle) -> Receipt:
    return settle(b"some text", 2).receipt()


def _failures(receipt: Receipt, network: Network) -> list[str]:
    replay = open_rerun(receipt, None, None, None)
    engine = open_engine(EngineName.REFERENCE)
    checks = [
        *check_contents(receipt),
        *check_chain(receipt, network.client.chain),
        *check_by_execution(receipt, replay, engine),
    ]
    details = [check.detail for check in checks if not check.passed]
    assert all(detail and "('" not in detail for detail in details), "they are for people to read"
    return [check.name for check in checks if not check.passed]


def test_a_receipt_is_true(receipt: Receipt, network: Network) -> None:
    assert _failures(receipt, network) == []
    assert [shard.output_bytes() for shard in receipt.shards] == [b"SOME TEXT"] * 2
    assert from_inlined(receipt.input.content or "") == b"some text"
    assert from_inlined(receipt.program.elf or "") == network.elf
    assert {batch.operator for batch in receipt.batches} == {network.operator.account}
    assert receipt.deployment == network.deployment


def test_text_and_receipt_are_each_others_inverse(receipt: Receipt, tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    receipt.write(path)
    assert read_receipt(path) == receipt
    assert parse_receipt(receipt.to_json()) == receipt


def _set(*path: str | int, value: Any) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        inner: Any = fields
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("shards", 0, "output", value=b"OTHER TXT".hex()),
        _set("shards", 0, "output", value=""),
        _set("shards", 1, "output_root", value="00" * 32),
        _set("shards", 1, "left_root", value="00" * 32),
        _set("shards", 1, "cycle", value=7),
        _set("shards", 1, "code", value=1),
        _set("shards", 1, "accepted", value=False),
        _set("shards", 1, "status", value=2),
        _set("shards", 1, "shard_index", value=0),
        _set("shards", 1, "leaf_index", value=0),
        _set("shards", 1, "leaf_index", value=2),
        _set("shards", 1, "batch_id", value=10**6),
        _set("shards", 1, "leaf_path", value=[]),
        _set("shards", 1, "leaf_path", 0, value="22" * 32),
        _set("batches", 0, "operator", value="0x" + "22" * 20),
        _set("batches", 0, "claims_root", value="22" * 32),
        _set("batches", 0, "tasks_root", value="22" * 32),
        _set("batches", 0, "reward", value=1),
        _set("batches", 0, "items", value=[]),
        _set("batches", 0, "items", 0, "packed", value=1),
        _set("batches", value=[]),
        _set("shards", 1, "final_block", value=1),
        _set("shards", 1, "final_block", value=2**60),
        _set("shards", 1, "final_transaction", value="22" * 32),
        _set("shards", 1, "inner_root", value="22" * 32),
        _set("deployment", "parameters", "arity", value=2),
        _set("rules", "operator_bond_wei", value=1),
        _set("terms", "bond_multiple", value=2),
        _set("terms", "consumer", value="0x" + "22" * 20),
        _set("shards", value=[]),
        _set("shard_count", value=3),
        _set("seed", value="11" * 32),
        _set("reward", value=5),
        _set("terms", "requester", value="0x" + "22" * 20),
        _set("program", "max_cycles", value=5),
    ],
)
def test_a_changed_receipt_is_noticed(
    receipt: Receipt, network: Network, change: Callable[[Fields], None]
) -> None:
    fields = json.loads(receipt.to_json())
    change(fields)
    assert _failures(parse_receipt(json.dumps(fields)), network) != []


def test_proofs_of_many_shards_are_checked_in_linear_time(
    receipt: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks for its neighbours in the batch, which one proof may have proven with it."""
    count, calls = 256, list[object]()
    monkeypatch.setattr(
        receipt_proofs, "leaf_of_state", lambda claimed: calls.append(claimed) or leaf_of_state(claimed)
    )
    first = receipt.shards[0]
    shards = [first.model_copy(update={"shard_index": index, "leaf_index": index}) for index in range(count)]
    part = ProofPart(
        **dict.fromkeys(("key_digest", "program_hash", "statement", "proven_transaction"), "00" * 32),
        **dict.fromkeys(("entry", "bits", "proven_block", "shard_index"), 1),
        system="unknown",
        version=None,
        verifier="0x" + "11" * 20,
        selector="aabbccdd",
        seal=None,
    )
    proofs = [part.model_copy(update={"shard_index": index}) for index in range(count)]
    many = receipt.model_copy(update={"shard_count": count, "shards": tuple(shards), "proofs": tuple(proofs)})
    assert len(list(receipt_proofs.check_proofs(many))) == 1 + 3 * count
    assert len(calls) <= 2 * count


@pytest.mark.parametrize(
    ("name", "value"), [("chain_id", -1), ("chain_id", 2**256), ("block_number", -1), ("block_number", 2**64)]
)
def test_numbers_that_no_chain_has_are_refused(receipt: Receipt, name: str, value: int) -> None:
    fields = json.loads(receipt.to_json())
    fields["deployment"][name] = value
    with pytest.raises(Rejected, match=rf"deployment\.{name}"):
        parse_receipt(json.dumps(fields))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_set("program", "elf", value="AAAA"), Reject.RECEIPT_MALFORMED),
        (_set("program", "elf", value="no base64!"), Reject.RECEIPT_MALFORMED),
        (_set("program", "elf", value=inlined(b"not an ELF file")), Reject.ELF_NOT_ELF),
        (_set("program", "elf_sha256", value="33" * 32), Reject.PROGRAM_MISMATCH),
        (_set("program", "image_root", value="33" * 32), Reject.PROGRAM_MISMATCH),
        (_set("input", "content", value=inlined(b"other text")), Reject.INPUT_MISMATCH),
        (_set("input", "size", value=3), Reject.INPUT_MISMATCH),
        (_set("input", "content", value=None), Reject.BLOB_URI),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    receipt: Receipt, change: Callable[[Fields], None], reason: Reject
) -> None:
    fields = json.loads(receipt.to_json())
    change(fields)
    with pytest.raises(Rejected) as refused:
        open_rerun(parse_receipt(json.dumps(fields)), None, None, None)
    assert refused.value.reason is reason


def test_large_parts_come_from_blobs_or_files(receipt: Receipt, network: Network, tmp_path: Path) -> None:
    fields = json.loads(receipt.to_json())
    fields["program"]["elf"] = fields["input"]["content"] = None
    bare = parse_receipt(json.dumps(fields))
    whole = open_rerun(receipt, None, None, None)
    assert open_rerun(bare, network.client.blobs, None, None) == whole
    assert open_rerun(bare, DirectoryBlobs(tmp_path), network.elf, b"some text") == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "truestep receipt", "version": 3}',
        '{"format": "truestep receipt", "version": 1}',
        "\x00\xff",
        '{"format": "truestep receipt", "version": 2, "shards": [{}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_receipt(text)
    assert refused.value.reason is Reject.RECEIPT_MALFORMED


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shards", 0, "cycle"), -1),
        (("shards", 0, "cycle"), 2**64),
        (("shards", 0, "cycle"), "7"),
        (("shards", 0, "output"), "abc"),
        (("shards", 0, "output_root"), "ab"),
        (("shards", 0, "status"), 3),
        (("seed",), "zz" * 32),
        (("extra",), 1),
    ],
)
def test_a_field_out_of_its_range_is_refused(
    receipt: Receipt, path: tuple[str | int, ...], value: object
) -> None:
    fields = json.loads(receipt.to_json())
    _set(*path, value=value)(fields)
    with pytest.raises(Rejected) as refused:
        parse_receipt(json.dumps(fields))
    assert refused.value.reason is Reject.RECEIPT_MALFORMED


def test_an_oversized_file_is_refused_unread(tmp_path: Path) -> None:
    huge = tmp_path / "receipt.json"
    with huge.open("wb") as file:
        file.truncate(RECEIPT_LIMIT_BYTES + 1)
    with pytest.raises(Rejected) as refused:
        read_receipt(huge)
    assert refused.value.reason is Reject.RECEIPT_MALFORMED


def test_a_bomb_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        from_inlined(inlined(bytes(1000))[:-8])  # pyright: ignore[reportOptionalSubscript] - it is small
    assert refused.value.reason is Reject.RECEIPT_MALFORMED
