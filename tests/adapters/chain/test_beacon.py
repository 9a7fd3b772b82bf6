"""Blobs from consensus nodes that answer, lie, fail, or are none."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from tests.adapters.keepers.items import KZG, item_of
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.published import KEPT_SECONDS, PublishedBlobs
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.protocol.availability.ids import ItemId

ITEM = item_of(b"published " * 100)
BLOB = b"".join(ITEM.extended[0].cells[:64])
HASH = ITEM.manifest.versioned_hashes[0]
OTHER = f"0x{bytes(len(BLOB)).hex()}"
ROOT = "0x" + "ab" * 32


@contextmanager
def node(
    body: bytes, status: int = 200, *, moved: Mapping[str, bytes] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """A server that gives one answer, or others for some blocks; its URL and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            block = self.path.rpartition("/")[2].partition("?")[0]
            found = (moved or {}).get(block, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def answer(*blobs: str) -> bytes:
    return json.dumps({"execution_optimistic": False, "finalized": True, "data": list(blobs)}).encode()


def test_a_blob_is_found_among_others_of_its_block() -> None:
    with node(answer(OTHER, f"0x{BLOB.hex()}")) as (url, asked):
        assert BeaconBlobs([f"{url}/"], KZG).blob(HASH, ROOT) == BLOB
        assert asked == [f"/eth/v1/beacon/blobs/{ROOT}?versioned_hashes=0x{HASH.hex()}"]
        assert BeaconBlobs([url], KZG).blob(HASH, "17") == BLOB


@pytest.mark.parametrize(
    "body",
    [
        answer(),
        answer(OTHER),
        answer("0x", "zz", f"0x{'zz' * len(BLOB)}", f"0x{'ff' * len(BLOB)}"),
        answer(*["0x"] * 129),
        b'{"data": 5}',
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_what_is_not_the_blob_is_asked_of_the_next_node(body: bytes) -> None:
    with node(body) as (url, _), node(b"", 404) as (absent, _), node(answer(f"0x{BLOB.hex()}")) as (right, _):
        assert BeaconBlobs([url, absent, right], KZG).blob(HASH, ROOT) == BLOB
        with pytest.raises(Unavailable, match="cannot get blob"):
            BeaconBlobs([url, absent], KZG).blob(HASH, ROOT)


def test_a_node_that_lies_is_not_one_that_has_nothing() -> None:
    with node(answer(OTHER)) as (liar, _), node(answer()) as (empty, _):
        with pytest.raises(Unavailable, match=f"{liar} does not have it, but sent other bytes; name another"):
            BeaconBlobs([liar], KZG).blob(HASH, ROOT)
        with pytest.raises(Unavailable, match=f"{empty} does not have it; name another --beacon"):
            BeaconBlobs([empty], KZG).blob(HASH, ROOT)


class Blocks:
    """Knows where blobs were published, and learns that the chain was reorganised."""

    def __init__(self) -> None:
        self.asked = 0
        self.moves_to = ""

    def published(self, item_id: ItemId, blob: int) -> tuple[Bytes32, str]:
        del item_id, blob
        return HASH, self.moves_to if self.asked else "17"

    def facts(self) -> None:
        self.asked += 1


def test_a_blob_that_a_reorganisation_moved_is_found_in_its_new_block(tmp_path: Path) -> None:
    blocks = Blocks()
    with node(answer(), moved={"18": answer(f"0x{BLOB.hex()}")}) as (url, asked):
        published = PublishedBlobs(cast(Any, blocks), BeaconBlobs([url], KZG), tmp_path)
        blocks.moves_to = "17"
        with pytest.raises(Unavailable, match="does not have it"):
            published(ItemId(1), 0)
        blocks.asked, blocks.moves_to = 0, "18"
        assert published(ItemId(1), 0) == BLOB
        assert [path.split("/")[-1].partition("?")[0] for path in asked] == ["17", "17", "18"]


def test_blobs_that_were_read_long_ago_are_removed(tmp_path: Path) -> None:
    old, new = (tmp_path / "kzg" / name for name in ("old", "new"))
    old.parent.mkdir()
    for path, age_seconds in ((old, KEPT_SECONDS + 100), (new, KEPT_SECONDS - 100)):
        path.write_bytes(b"blob")
        read_at = time.time() - age_seconds
        os.utime(path, (read_at, read_at))
    with node(answer(f"0x{BLOB.hex()}")) as (url, _):
        assert PublishedBlobs(cast(Any, Blocks()), BeaconBlobs([url], KZG), tmp_path)(ItemId(1), 0) == BLOB
    assert not old.exists() and new.exists() and len(list(old.parent.iterdir())) == 2


def test_without_a_node_it_is_said_what_to_do() -> None:
    with pytest.raises(Unavailable, match="name one with --beacon"):
        BeaconBlobs([], KZG).blob(HASH, ROOT)
    with pytest.raises(ValueError, match="root or number"):
        BeaconBlobs([], KZG).blob(Bytes32(HASH), "../head")
