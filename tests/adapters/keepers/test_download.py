"""Fetching an item into a file: in pieces, through kills, and only if it is what its roots say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.keepers.items import KZG, Item, item_of, keepers
from truestep.adapters.keepers import download as module
from truestep.adapters.keepers.client import KeeperClient
from truestep.adapters.keepers.download import (
    PayloadFile,
    blobs_of,
    check_roots,
    download,
    part_places,
    unfinished_path,
    whole_trees,
)
from truestep.availability.encoding import Encoder, RangeSource, TreeSource, range_tree
from truestep.availability.manifest import Manifest
from truestep.availability.parts import BLOB_PAYLOAD_BYTES
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.engine.hashing import hash_many_pairs

NAME = Bytes32(b"n" * 32)


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


def into(file: PayloadFile, item: Item, urls: Sequence[str], blobs: Sequence[int]) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []

    async def run() -> None:
        clients = [KeeperClient(url) for url in urls]
        try:
            await download(
                item.manifest,
                KZG,
                clients,
                file,
                blobs,
                on_blame=lambda _: None,
                on_blob=lambda done, wanted: told.append((done, wanted)),
            )
        finally:
            for client in clients:
                await client.close()

    asyncio.run(run())
    return told


def test_a_fetch_goes_on_where_it_was_stopped(tmp_path: Path, item: Item) -> None:
    path = unfinished_path(tmp_path / "folder" / "input.bin", item.manifest)
    with keepers(tmp_path, item, 2) as servers:
        urls = [server.url for server in servers]
        with PayloadFile(path, item.name) as file:
            assert into(file, item, urls, [1]) == [(0, 1), (1, 1)]
        with PayloadFile(path, item.name) as file:
            assert file.done == {1}
            assert into(file, item, urls, [0, 1]) == [(1, 2), (2, 2)]
            check_roots(item.manifest, file, [0])
            assert b"".join(file.read(0, len(item.payload))) == item.payload
            file.delete()
        assert list(path.parent.iterdir()) == []


def test_what_did_not_survive_is_fetched_again(tmp_path: Path) -> None:
    path, rng = tmp_path / "payload", random.Random(1)
    payloads = {blob: rng.randbytes(BLOB_PAYLOAD_BYTES) for blob in (0, 3, 4_351)}
    with PayloadFile(path, NAME) as file:
        for blob, payload in payloads.items():
            file.write(blob, payload)
    with path.open("r+b") as raw:  # a page that never reached the disk
        raw.seek(3 * BLOB_PAYLOAD_BYTES + 500)
        raw.write(bytes(4_096))
    with path.with_name("payload.list").open("ab") as rows:  # a row that was cut
        rows.write(b"\0\5half a ro")
    for _ in range(2):
        with PayloadFile(path, NAME) as file:
            assert file.done == {0, 4_351}
            assert b"".join(file.read(4_351 * BLOB_PAYLOAD_BYTES, BLOB_PAYLOAD_BYTES)) == payloads[4_351]
    with PayloadFile(path, NAME) as file:
        file.write(3, payloads[3])
    with PayloadFile(path, NAME) as file:
        assert file.done == set(payloads)
    with PayloadFile(path, Bytes32(b"o" * 32)) as file:  # of another item
        assert file.done == set()


def test_a_blob_counts_only_when_it_is_on_the_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYNCED_BLOBS", 2)
    path = tmp_path / "payload"
    file = PayloadFile(path, NAME)
    for blob in range(3):
        file.write(blob, bytes([blob]) * BLOB_PAYLOAD_BYTES)
    assert PayloadFile(path, NAME).done == {0, 1}  # as after a kill
    file.__exit__()
    assert PayloadFile(path, NAME).done == {0, 1, 2}


def test_a_full_disk_is_said_in_words(tmp_path: Path, item: Item) -> None:
    with pytest.raises(Unavailable, match="check disk space and permissions"):
        PayloadFile(tmp_path / ("n" * 300), NAME)
    with PayloadFile(tmp_path / "payload", NAME) as file, pytest.raises(Unavailable, match="shorter"):
        list(file.read(0, 1))


def several_parts() -> tuple[Manifest, list[bytes], list[bytes]]:
    """Two ranges of one tree and an input; the bytes of the parts, and the payload of the blobs."""
    rng = random.Random(2)
    contents = [rng.randbytes(90_000 // 32 * 32), rng.randbytes(64_000), rng.randbytes(32 * 1_000)]
    ranges = [
        RangeSource(first_leaf=5, pieces=[contents[0]]),
        RangeSource(first_leaf=90_000, pieces=[contents[1]]),
    ]
    encoder = Encoder(KZG, hash_many_pairs, makes_cells=False)
    trees = [TreeSource(depth=26, ranges=tuple(ranges)), range_tree([contents[2]])]
    blobs = [module.payload_of(each.blob, each.index) for each in encoder.blobs(trees)]
    return encoder.manifest(), contents, blobs


def test_parts_are_found_and_checked_tree_by_tree(tmp_path: Path) -> None:
    manifest, contents, payloads = several_parts()
    assert (len(manifest.parts), len(payloads)) == (3, 2)
    assert [whole_trees(manifest, [index]) for index in range(3)] == [[0, 1], [0, 1], [2]]
    assert [blobs_of(manifest, [index]) for index in range(3)] == [[0], [0, 1], [1]]
    with PayloadFile(tmp_path / "payload", NAME) as file:
        for blob, payload in enumerate(payloads):
            file.write(blob, payload)
        for place, content in zip(part_places(manifest), contents, strict=True):
            assert b"".join(file.read(place.start, place.part.size_bytes)) == content
        check_roots(manifest, file, [0, 1, 2])
        lies = [replace(part, root=Bytes32(b"\1" * 32)) for part in manifest.parts[:2]]
        lie = Manifest(parts=(*lies, manifest.parts[2]), commitments=manifest.commitments)
        check_roots(lie, file, [2])
        with pytest.raises(Rejected, match="its registrant lied, and the item can be struck") as refusal:
            check_roots(lie, file, [0, 1])
        assert refusal.value.reason is Reject.PART_OTHER
