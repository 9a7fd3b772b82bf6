"""The layout against the plainest one: bytes that are written one after the other."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from truestep.availability.blobs import blob_of, payload_of
from truestep.availability.parts import BLOB_PAYLOAD_BYTES, Layout, Part, parts_hash
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256


def part(leaf_count: int = 1, first_leaf: int = 0, root: int = 1, depth: int = 24) -> Part:
    return Part(
        root=Bytes32(root.to_bytes(32, "big")), depth=depth, first_leaf=first_leaf, leaf_count=leaf_count
    )


@given(st.lists(st.tuples(st.integers(1, 8000), st.integers(0, 9)), min_size=1, max_size=5), st.data())
def test_a_leaf_lies_where_its_bytes_are(shapes: list[tuple[int, int]], data: st.DataObject) -> None:
    parts = tuple(part(count, first, root) for root, (count, first) in enumerate(shapes))
    layout = Layout(parts=parts)
    payload, marked = bytearray(), {}
    for index, each in enumerate(parts):
        leaf = data.draw(st.integers(each.first_leaf, each.end_leaf - 1))
        marked[index, leaf] = start = len(payload) + 32 * (leaf - each.first_leaf)
        payload += bytes(-(-each.size_bytes // 992) * 992)
        payload[start : start + 32] = bytes(range(1, 33))
    assert layout.unit_count == len(payload) // 992
    assert layout.blob_count == -(-len(payload) // BLOB_PAYLOAD_BYTES)
    blobs = [
        blob_of(bytes(payload[i : i + BLOB_PAYLOAD_BYTES]))
        for i in range(0, len(payload), BLOB_PAYLOAD_BYTES)
    ]
    for index, leaf in marked:
        pieces = layout.pieces_of_leaf(index, leaf)
        read = b""
        for piece in pieces:
            assert piece.leaf_start == len(read)
            element = blobs[piece.blob][32 * piece.element : 32 * piece.element + 32]
            read += element[1 + piece.element_start : 1 + piece.element_start + piece.size_bytes]
        assert read == bytes(range(1, 33))
        assert pieces[0].blob == pieces[1].blob
        assert pieces[0].element + 1 == pieces[1].element


@given(st.binary(max_size=BLOB_PAYLOAD_BYTES))
def test_a_payload_goes_into_a_blob_and_back(payload: bytes) -> None:
    assert payload_of(blob_of(payload), 0) == payload.ljust(BLOB_PAYLOAD_BYTES, b"\0")


def test_a_payload_that_is_too_large_and_a_blob_that_holds_more_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 126976"):
        blob_of(bytes(BLOB_PAYLOAD_BYTES + 1))
    blob = bytearray(blob_of(b""))
    blob[32 * 77] = 1
    with pytest.raises(Rejected, match="element 77 of blob 5") as caught:
        payload_of(bytes(blob), 5)
    assert caught.value.reason == Reject.ELEMENT_TOO_LARGE
    with pytest.raises(Rejected, match="blob 5 to have 131072 bytes"):
        payload_of(bytes(blob[1:]), 5)


@given(
    st.lists(
        st.builds(part, st.integers(1, 100), st.integers(0, 100), st.integers(0, 2**256 - 1), st.just(26)),
        min_size=1,
        max_size=4,
    )
)
def test_parts_are_hashed_as_contracts_do(parts: list[Part]) -> None:
    rows = [(each.root, each.depth, each.first_leaf, each.leaf_count) for each in parts]
    assert parts_hash(parts) == keccak256(encode(["(bytes32,uint256,uint256,uint256)[]"], [rows]))


@pytest.mark.parametrize(
    "fields",
    [
        {"leaf_count": 0},
        {"leaf_count": -1},
        {"first_leaf": -1},
        {"depth": 28},
        {"depth": -1},
        {"depth": 0, "leaf_count": 2},
        {"first_leaf": 2**24},
        {"first_leaf": 2**24 - 1, "leaf_count": 2},
    ],
)
def test_parts_that_no_tree_has_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(Rejected) as caught:
        part(**fields)
    assert caught.value.reason == Reject.ITEM_LAYOUT
    with pytest.raises(Rejected, match="root of 32 bytes"):
        Part(root=Bytes32(b""), depth=1, first_leaf=0, leaf_count=1)


def test_layouts_that_no_item_has_are_refused() -> None:
    whole = part(2**24)
    assert Layout(parts=(whole,)).blob_count == 4229
    Layout(parts=(part(5), part(5, first_leaf=5), part(1, root=2)))
    Layout(parts=(part(5), part(5, depth=26)))
    Layout(parts=tuple(part(root=root) for root in range(256)))
    for parts in (
        (),
        tuple(part(root=root) for root in range(257)),
        (whole, part(2**20, root=2)),
        (part(5), part(5, first_leaf=4)),
        (part(5), part(5)),
        (part(5, first_leaf=5), part(5)),
        (part(5), part(5, root=2), part(5, first_leaf=5)),
    ):
        with pytest.raises(Rejected) as caught:
            Layout(parts=parts)
        assert caught.value.reason == Reject.ITEM_LAYOUT
    with pytest.raises(ValueError, match="expected a leaf from 4 to 5"):
        Layout(parts=(part(2, first_leaf=4),)).pieces_of_leaf(0, 6)
