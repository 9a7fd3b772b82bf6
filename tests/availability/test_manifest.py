"""Manifests as files: strict both ways; and the tree over versioned hashes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.availability.items import made
from truestep.availability.manifest import Manifest, hash_path, hashes_root, parse_manifest
from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import versioned_hash
from truestep.commitments.merkle import climb, root_of_bytes

PARTS = st.builds(
    lambda root, depth, count: Part(root=Bytes32(root), depth=depth, first_leaf=0, leaf_count=count),
    st.binary(min_size=32, max_size=32),
    st.integers(14, 27),
    st.integers(1, 2**14),
)


@given(st.lists(PARTS, min_size=1, max_size=3, unique_by=lambda each: each.root), st.integers(0, 255))
def test_a_manifest_is_what_its_file_says(parts: list[Part], byte: int) -> None:
    blob_count = -(-sum(part.unit_count for part in parts) // 128)
    commitments = tuple(bytes([number, byte]) * 24 for number in range(blob_count))
    manifest = Manifest(parts=tuple(parts), commitments=commitments)
    assert parse_manifest(manifest.to_json()) == manifest
    assert parse_manifest(manifest.to_json().encode()) == manifest
    assert manifest.parts_hash == parts_hash(parts)
    assert manifest.versioned_hashes == tuple(map(versioned_hash, commitments))
    assert manifest.hashes_root == hashes_root(manifest.versioned_hashes)


@given(st.lists(st.binary(min_size=32, max_size=32).map(Bytes32), min_size=1, max_size=40))
def test_every_hash_is_under_the_root(hashes: list[Bytes32]) -> None:
    root = hashes_root(hashes)
    assert root == root_of_bytes(b"".join(hashes), (len(hashes) - 1).bit_length())
    for blob, each in enumerate(hashes):
        assert climb(each, blob, hash_path(hashes, blob)) == root
    with pytest.raises(ValueError, match="expected a blob below"):
        hash_path(hashes, len(hashes))


def changed(**fields: Any) -> str:
    return json.dumps({**json.loads(made().manifest.to_json()), **fields})


def with_part(**fields: Any) -> str:
    parts = json.loads(made().manifest.to_json())["parts"]
    return changed(parts=[{**parts[0], **fields}, *parts[1:]])


COMMITMENTS = [commitment.hex() for commitment in made().manifest.commitments]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 100_000,
        '{"a":' * 100_000,
        b"\xff\xfe\0",
        " " * ((1 << 20) + 1),
        changed(format="truestep receipt"),
        changed(version=2),
        changed(version=True),
        changed(version=1.0),
        changed(extra=1),
        changed(parts={}),
        changed(parts=[[]]),
        changed(commitments=None),
        changed(commitments=COMMITMENTS[:1]),
        changed(commitments=[COMMITMENTS[0], COMMITMENTS[1].upper()]),
        changed(commitments=[COMMITMENTS[0], COMMITMENTS[1] + "\n"]),
        changed(commitments=[COMMITMENTS[0], COMMITMENTS[1][2:]]),
        changed(commitments=[COMMITMENTS[0], 5]),
        changed(commitments=["00"] * 4353),
        with_part(depth=24.0),
        with_part(depth=True),
        with_part(depth="24"),
        with_part(depth=-1),
        with_part(extra=1),
        with_part(root=None),
        made().manifest.to_json().replace('"version": 1', '"version": 1, "version": 1'),
        made().manifest.to_json().replace('"depth": 24', '"depth": 24, "depth": 24', 1),
        made().manifest.to_json().replace('"version": 1', '"version": ' + "1" * 5000),
        made().manifest.to_json().replace('"version": 1', '"version": NaN'),
    ],
)
def test_other_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(Rejected) as caught:
        parse_manifest(text)
    assert caught.value.reason == Reject.ITEM_MANIFEST


def test_parts_are_checked_too() -> None:
    with pytest.raises(Rejected) as caught:
        parse_manifest(with_part(depth=28))
    assert caught.value.reason == Reject.ITEM_LAYOUT
