from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from truestep.adapters.cells.records import (
    ENTRY_SIZE_BYTES,
    RECORD_SIZE_BYTES,
    entry_of,
    record_range,
    stored_run,
)
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELLS_PER_BLOB
from truestep.ports.cells import RunKey

ENTRIES = [bytes([index]) * ENTRY_SIZE_BYTES for index in range(64)]


@given(
    first_cell=st.integers(0, 127), index=st.integers(0, 63), flip=st.integers(0, 8 * RECORD_SIZE_BYTES - 1)
)
def test_a_record_is_found_and_one_wrong_bit_is_seen(first_cell: int, index: int, flip: int) -> None:
    run = RunKey(item=Bytes32(bytes(32)), blob=7, first_cell=first_cell)
    stored, cell = stored_run(run, ENTRIES), (first_cell + index) % CELLS_PER_BLOB
    place = record_range(run, cell)
    record = stored[place.start : place.stop]
    assert entry_of(run, cell, record) == ENTRIES[index]
    rotten = bytearray(record)
    rotten[flip // 8] ^= 1 << flip % 8
    assert entry_of(run, cell, bytes(rotten)) is None
    assert entry_of(run, cell, record[: flip // 8]) is None
    assert entry_of(run, (cell + 1) % CELLS_PER_BLOB, record) is None
    assert entry_of(replace(run, blob=8), cell, record) is None
