"""Streams into blobs and back, against the machine's own roots; what a keeper refuses."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.availability.items import HashingKzg, made
from truestep.availability.blobs import blob_of
from truestep.availability.checking import ItemCheck, decode
from truestep.availability.encoding import Encoder, RangeSource, TreeSource, program_tree, range_tree
from truestep.availability.manifest import Manifest
from truestep.availability.parts import Layout, Part
from truestep.base.errors import Bug, Reject, Rejected
from truestep.commitments.kzg import BLOB_SIZE_BYTES
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.program import Program, Segment

CONTENTS = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda size, seed: random.Random(seed).randbytes(size), st.integers(0, 400_000), st.integers()),
)


def encoded(trees: Iterable[TreeSource]) -> tuple[list[bytes], Manifest]:
    encoder = Encoder(HashingKzg(), hash_many_pairs, makes_cells=False)
    blobs = [blob.blob for blob in encoder.blobs(trees)]
    return blobs, encoder.manifest()


def decoded(layout: Layout, blobs: Iterable[bytes]) -> list[bytes]:
    contents = [bytearray() for _ in layout.parts]
    for index, piece in decode(layout, blobs):
        contents[index] += piece
    return [bytes(content) for content in contents]


def checked(manifest: Manifest, blobs: Iterable[bytes]) -> None:
    check = ItemCheck(manifest, HashingKzg(), hash_many_pairs)
    for blob in blobs:
        check.add(blob)
    check.finish()


def in_pieces(content: bytes, seed: int) -> list[bytes]:
    cuts = sorted(random.Random(seed).choices(range(len(content) + 1), k=5))
    return [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]


@given(st.lists(CONTENTS, min_size=1, max_size=4, unique_by=lambda each: each.rstrip(b"\0")), st.integers())
@settings(max_examples=12)
def test_inputs_and_outputs_go_into_blobs_and_back(contents: list[bytes], seed: int) -> None:
    blobs, manifest = encoded(range_tree(in_pieces(content, seed)) for content in contents)
    assert [part.root for part in manifest.parts] == [
        root_of_bytes(content, 24, hash_many_pairs) for content in contents
    ]
    for content, found in zip(contents, decoded(manifest.layout, blobs), strict=True):
        assert found == content.ljust(max(32, -(-len(content) // 32) * 32), b"\0")
    checked(manifest, blobs)


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=0, max_size=200)), max_size=6),
    st.sampled_from([0, 0x1000, 0x2000_0000 - 777]),
)
@settings(max_examples=30)
def test_programs_have_the_root_that_the_machine_computes(
    shapes: list[tuple[int, bytes]], start: int
) -> None:
    segments, address = [], start
    for gap, content in shapes:
        address += gap
        segments.append(Segment(address=address, content=content, is_executable=False))
        address += len(content)
    program = Program(entry=0, segments=tuple(segments))
    blobs, manifest = encoded([program_tree((each.address, each.content) for each in segments)])
    assert {part.root for part in manifest.parts} == {program.root()}
    checked(manifest, blobs)
    image = {}
    for part, content in zip(manifest.parts, decoded(manifest.layout, blobs), strict=True):
        image.update(enumerate(content, 32 * part.first_leaf))
    for each in segments:
        assert bytes(image[each.address + i] for i in range(len(each.content))) == each.content
    assert sum(map(bool, image.values())) == sum(bool(byte) for each in segments for byte in each.content)


def test_segments_out_of_order_are_refused() -> None:
    for segments in ([(64, b"ab"), (65, b"c")], [(4096, b"ab"), (0, b"c")]):
        with pytest.raises(ValueError, match="apart and in order"):
            program_tree(segments)


def test_an_encoder_makes_one_item_and_its_manifest_last() -> None:
    encoder = Encoder(HashingKzg(), makes_cells=False)
    blobs = encoder.blobs([range_tree([b"a"])])
    with pytest.raises(Bug, match="before all blobs"):
        encoder.manifest()
    assert [blob.extended for blob in blobs] == [None]
    with pytest.raises(Bug, match="one item"):
        next(encoder.blobs([range_tree([b"a"])]))


def test_an_item_that_is_too_large_is_refused_while_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = (bytes(1 << 20) for _ in range(400))
    encoder = Encoder(HashingKzg(), lambda nodes: bytes(len(nodes) // 2), makes_cells=False)
    sources = [TreeSource(depth=27, ranges=[RangeSource(first_leaf=0, pieces=zeros)])]
    monkeypatch.setattr("truestep.availability.encoding.BLOB_LIMIT", 100)
    with pytest.raises(Rejected, match="at most 100 blobs") as caught:
        for blob in encoder.blobs(sources):
            assert blob.index < 100
    assert caught.value.reason == Reject.ITEM_LAYOUT


def test_a_keeper_refuses_what_is_not_the_item_and_names_it() -> None:
    """Every corruption of an item of two blobs and three parts, under commitments that fit the bytes."""
    item = made()
    blobs = [blob.blob for blob in item.blobs]

    def manifest_of(changed: list[bytes], parts: tuple[Part, ...] = item.manifest.parts) -> Manifest:
        return Manifest(parts=parts, commitments=tuple(map(HashingKzg().commit, changed)))

    def with_byte(blob: int, place: int, value: int) -> list[bytes]:
        changed = [bytearray(each) for each in blobs]
        changed[blob][place] ^= value
        return [bytes(each) for each in changed]

    checked(manifest_of(blobs), blobs)
    first, code, rest = item.manifest.parts
    other_root = Part(
        root=code.root, depth=first.depth, first_leaf=first.first_leaf, leaf_count=first.leaf_count
    )
    cases = [
        (manifest_of(blobs), with_byte(1, 1, 1), Reject.BLOB_OTHER, "blob 1 with commitment"),
        (manifest_of(blobs), blobs[::-1], Reject.BLOB_OTHER, "blob 0 with commitment"),
        (manifest_of(blobs), blobs[:1], Reject.ITEM_LAYOUT, "expected 2 blobs, got 1"),
        (manifest_of(blobs), [*blobs, bytes(BLOB_SIZE_BYTES)], Reject.ITEM_LAYOUT, "got more"),
        (manifest_of(blobs), [blobs[0], blobs[1][1:]], Reject.KZG_INPUT, "blob 1 to have"),
        *(
            (manifest_of(changed), changed, reason, words)
            for changed, reason, words in (
                (with_byte(0, 64, 1), Reject.ELEMENT_TOO_LARGE, "element 2 of blob 0"),
                (with_byte(0, 1, 1), Reject.PART_OTHER, "part 0 to have root"),
                (with_byte(1, BLOB_SIZE_BYTES - 1, 1), Reject.ITEM_PADDING, "in blob 1"),
                (with_byte(1, 33 * 32 + 31, 1), Reject.ITEM_PADDING, "in blob 1"),
            )
        ),
        (manifest_of(blobs, (other_root, code, rest)), blobs, Reject.PART_OTHER, "part 0 to have root"),
        (
            manifest_of(
                blobs, (first, Part(root=code.root, depth=code.depth, first_leaf=4, leaf_count=2), rest)
            ),
            blobs,
            Reject.PART_OTHER,
            "part 2 to have root",
        ),
    ]
    for manifest, changed, reason, words in cases:
        with pytest.raises(Rejected, match=words) as caught:
            checked(manifest, changed)
        assert caught.value.reason == reason


def test_another_source_may_give_the_blob_that_one_got_wrong() -> None:
    item = made()
    blobs = [blob.blob for blob in item.blobs]
    hashing = HashingKzg()
    manifest = Manifest(parts=item.manifest.parts, commitments=tuple(map(hashing.commit, blobs)))
    check = ItemCheck(manifest, hashing, hash_many_pairs)
    for blob, wrong in zip(blobs, reversed(blobs), strict=True):
        for _ in range(2):
            with pytest.raises(Rejected) as caught:
                check.add(wrong)
            assert caught.value.reason == Reject.BLOB_OTHER
        check.add(blob)
    check.finish()


def test_zeros_behind_parts_are_demanded_when_parts_are_read() -> None:
    layout = Layout(parts=made().manifest.parts)
    blobs = [made().blob(0), blob_of(b"\1" * 126_976)]
    with pytest.raises(Rejected, match="zeros behind a part in blob 1"):
        decoded(layout, blobs)
