"""Entries have one way to be written, and everything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.logs.entries import (
    AuditEntry,
    ClaimEntry,
    DeletedEntry,
    Entry,
    LogOpened,
    OtherEntry,
    entry_bytes,
    parse_entry,
)

OPENED = LogOpened(
    chain_id=31_337,
    jobs=Address("0x" + "aA" * 20),
    operator=Address("0x" + "bB" * 20),
    account=Address("0x" + "bB" * 20),
    batch_count=7,
    software="truestep 0.1.0",
    logged_at=1_700_000_000,
)
CLAIM = ClaimEntry(
    batch_id=2**80,
    leaf_index=3,
    job_id=JobId(9),
    shard_index=1,
    image_root=Bytes32(b"i" * 32),
    entry=0x1000,
    max_cycles=2**40,
    input_root=Bytes32(b"n" * 32),
    input_size=5,
    seed=Bytes32(bytes(32)),
    shard_count=2,
    status=1,
    code=2,
    cycle=3,
    output_size=4,
    output_root=Bytes32(b"o" * 32),
    left_root=Bytes32(b"l" * 32),
    state_hash=Bytes32(b"s" * 32),
    machine=1,
    logged_at=1_700_000_001,
)


AUDIT = AuditEntry(batch_id=9, leaf_index=1, seat=1, digest=Bytes32(b"d" * 32), logged_at=1_700_000_002)
DELETED = DeletedEntry(
    what="output", root=Bytes32(b"o" * 32), size=4, reason="its task is over", logged_at=1_700_000_003
)


@pytest.mark.parametrize("entry", [OPENED, CLAIM, AUDIT, DELETED, replace(OPENED, software='T\u00fcr "\\')])
def test_reading_is_the_inverse_of_writing(entry: Entry) -> None:
    assert parse_entry(entry_bytes(entry)) == entry


def test_a_claim_says_the_leaf_of_the_chain() -> None:
    leaf = CLAIM.leaf
    assert (leaf.status, leaf.code, leaf.cycle, leaf.output_size) == (1, 2, 3, 4)


def test_later_kinds_are_known_as_such() -> None:
    assert parse_entry(b'{"kind":"later","version":1,"x":2}') == OtherEntry(kind="later", version=1)
    later = entry_bytes(CLAIM).replace(b'"version":1', b'"version":2')
    assert parse_entry(later) == OtherEntry(kind="claim", version=2)


def changed(**fields: object) -> bytes:
    said = json.loads(entry_bytes(CLAIM)) | fields
    return json.dumps(said, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"7", b"null", b"\xff", b"[" * 4000, b'{"kind":"claim"}', b'{"kind":7,"version":1}',
        b'{"kind":"claim","version":true}', b'{"kind":"claim","version":1}', b'{"kind":"CLAIM","version":1}',
        entry_bytes(CLAIM) + b" ", entry_bytes(CLAIM).replace(b":", b": ", 1),
        entry_bytes(CLAIM)[:-1] + b',"more":1}',
        changed(cycle=-1), changed(cycle=1.0), changed(cycle=2**64), changed(cycle="3"), changed(code=True),
        changed(left_root="0x12"), changed(left_root="0x" + "AA" * 32), changed(seed=None),
        changed(job_id=2**256),
        entry_bytes(OPENED).replace(b"0xaA", b"0xzz"), entry_bytes(OPENED).replace(b"truestep", b"t" * 300),
    ],
)  # fmt: skip
def test_everything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        parse_entry(content)
    assert caught.value.reason is Reject.LOG_ENTRY
