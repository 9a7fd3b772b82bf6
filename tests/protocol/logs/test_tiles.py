"""Tiles and bundles (C2SP tlog-tiles)."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truestep.base.errors import Reject, Rejected
from truestep.protocol.logs.tiles import (
    ENTRY_LIMIT_BYTES,
    TILE_WIDTH,
    Tile,
    TiledTree,
    bundle_of,
    node_above,
    nodes_of,
    parse_bundle,
    parse_path,
    tiles_of,
)
from truestep.protocol.logs.tree import consistency_proof, consistency_roots, leaf_hash, peaks_at, peaks_of


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0), "tile/0/000"),
        (Tile(level=0, index=273, width=112), "tile/0/273.p/112"),
        (Tile(level=3, index=1234067), "tile/3/x001/x234/067"),
        (Tile(level=None, index=999, width=1), "tile/entries/999.p/1"),
        (Tile(level=None, index=1000), "tile/entries/x001/000"),
    ],
)
def test_paths(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0/0", "tile/0/x000/001", "tile/00/000", "tile/8/000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/../000", "tile/0/000/", "/tile/0/000", "tile/0/1000",
        "tile/0/\u0660\u0660\u0660", "tile/entries/000\n", "checkpoint", "key", "../key",
    ],
)  # fmt: skip
def test_other_paths_name_nothing(path: str) -> None:
    assert parse_path(path) is None


def test_the_tiles_of_the_specification() -> None:
    assert [tile.path for tile in tiles_of(70_000)] == [
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1",
    ]  # fmt: skip
    assert [tile.path for tile in tiles_of(256)] == ["tile/1/000.p/1"]
    assert list(tiles_of(0)) == []


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_bundles_are_read_as_written(entries: list[bytes]) -> None:
    content = bundle_of(entries)
    assert parse_bundle(content, len(entries)) == entries
    for wrong in (content + b"\0", content[:-1] or b"\1"):
        with pytest.raises(Rejected) as caught:
            parse_bundle(wrong, len(entries))
        assert caught.value.reason is Reject.LOG_TILE


def test_entries_have_a_size() -> None:
    with pytest.raises(Rejected):
        parse_bundle(bundle_of([bytes(ENTRY_LIMIT_BYTES + 1)]), 1)


def test_a_tile_of_another_length_is_refused() -> None:
    for length in (0, 31, 32, 63, 65, 96):
        with pytest.raises(Rejected):
            nodes_of(bytes(length), Tile(level=0, index=0, width=2))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_trees_are_read_out_of_tiles(size: int) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    levels = defaultdict[int, list[bytes]](list)
    levels[0] += leaves
    while len(levels[len(levels) - 1]) >= TILE_WIDTH:
        below = levels[len(levels) - 1]
        whole = range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH)
        levels[len(levels)] = [node_above(below[at : at + TILE_WIDTH]) for at in whole]

    def read_tile(tile: Tile) -> bytes:
        assert tile.level is not None
        start = tile.index * TILE_WIDTH
        return b"".join(levels[tile.level][start : start + tile.width])

    tree = TiledTree(read_tile, size)
    assert peaks_at(tree.node, size) == peaks_of(leaves)
    if size > 3:
        path = consistency_proof(tree.node, size - 3, size)
        assert consistency_roots(size - 3, size, path) == (peaks_of(leaves[:-3]).root, peaks_of(leaves).root)
