"""`truestep sample` and `truestep fetch` with keepers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.adapters.keepers.items import Item, item_of, keepers
from tests.adapters.keepers.test_keeper_blobs import facts_of
from tests.cli.conftest import Invoke
from tests.roles.test_keeper import RECORD
from truestep.adapters.chain import availability, beacon, deployment, payloads
from truestep.adapters.keepers import standing
from truestep.availability.parts import Part
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.network import DEVNET_CHAINS
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import ItemId

DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory, item: Item) -> Iterator[list[str]]:
    with keepers(tmp_path_factory.mktemp("keepers"), item, 4) as servers:
        yield [server.url for server in servers]


@pytest.fixture
def manifest(tmp_path: Path, item: Item) -> Path:
    path = tmp_path / "input.item"
    path.write_text(item.manifest.to_json())
    return path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "FAILED_WAIT_SECONDS", (0.01, 0.02, 0.04))


def options(urls: list[str]) -> list[str]:
    return [word for url in urls for word in ("--keeper", url)]


def test_a_sample_says_how_sure_one_can_be(
    truestep: Invoke, urls: list[str], manifest: Path, item: Item
) -> None:
    finished = truestep("sample", manifest, *options(urls), "--json")
    fields = finished.fields()
    assert finished.exit_code == 0
    assert (fields["available"], fields["samples"], fields["confidence"]) == (True, 40, 1 - 2**-20)
    assert sum(each["given"] for each in fields["keepers"].values()) == 40
    words = truestep("sample", item.name.hex(), *options(urls), "--samples", 8)
    assert "this would have shown it with probability 1 - 2^-8" in words.stdout


def test_a_sample_that_cannot_be_had_is_a_failure(truestep: Invoke, urls: list[str], manifest: Path) -> None:
    finished = truestep("sample", manifest, *options(urls[:1]), "--json")
    fields = finished.fields()
    assert (finished.exit_code, fields["available"], fields["confidence"]) == (1, False, 0.0)
    assert all(int(place.partition(".")[2]) >= 64 for place in fields["missing"])
    words = truestep("sample", manifest, *options([DEAD]))
    assert words.exit_code == 1 and "40 of 40 samples could not be had" in words.stdout


def test_keepers_that_do_not_answer_are_named(
    truestep: Invoke,
    urls: list[str],
    manifest: Path,
    item: Item,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finished = truestep("sample", manifest, *options([*urls, DEAD]), "--json")
    keepers = finished.fields()["keepers"]
    assert finished.exit_code == 0 and set(keepers) == {*urls, DEAD}
    assert f"{DEAD} failed" in keepers[DEAD]["trouble"] and not keepers[urls[0]]["trouble"]
    words = " ".join(truestep("sample", manifest, *options([urls[0], DEAD])).stdout.split())
    assert f"{DEAD} failed: All connection attempts failed; it was asked for no cell" in words
    assert "name all of its keepers with --keeper" in words
    facts = facts_of(item, [urls[0], DEAD, "not a url"])
    known = replace(facts.items[ItemId(1)], url="http://127.0.0.1:9/items")
    _, network = on_chain(known, facts, tmp_path, monkeypatch)
    finished = truestep("sample", 1, *network)
    words = " ".join(finished.stdout.split())
    assert finished.exit_code == 1 and f"{DEAD} failed" in words and "/items" not in words
    assert "all the keepers that the chain names" in words and "--keeper" not in words
    assert "got 'not a url'" in " ".join(finished.stderr.split())
    finished = truestep("sample", item.name.hex(), *options([DEAD]))
    assert finished.exit_code == 3 and f"{DEAD} failed" in " ".join(finished.stderr.split())
    finished = truestep("fetch", manifest, *options([DEAD]), "-o", tmp_path / "none")
    assert finished.exit_code == 3 and f"{DEAD} failed" in " ".join(finished.stderr.split())


def test_an_item_is_fetched_from_any_half(
    truestep: Invoke, urls: list[str], manifest: Path, item: Item, tmp_path: Path
) -> None:
    target = tmp_path / "fetched" / "input.bin"
    size = len(item.payload)
    finished = truestep(
        "fetch", manifest, *options([DEAD, *urls[2:]]), "-o", target, "--size", size, "--json"
    )
    assert finished.fields() == {
        "item": item.name.hex(), "parts": [0], "files": [str(target)], "holds": ["input or output"],
        "size": size, "wrong": [],
    }  # fmt: skip
    assert target.read_bytes() == item.payload
    assert list(target.parent.iterdir()) == [target]
    words = truestep("fetch", item.name.hex(), *options(urls), "-o", target, "--part", 0)
    assert f"{len(target.read_bytes()):,} bytes in {target}" in words.stdout
    assert target.read_bytes().rstrip(b"\0") == item.payload


def test_what_cannot_be_fetched_is_said(
    truestep: Invoke, urls: list[str], manifest: Path, item: Item, tmp_path: Path
) -> None:
    target = tmp_path / "x"
    finished = truestep("fetch", manifest, "--keeper", DEAD, "-o", target)
    assert finished.exit_code == 3 and "expected 64 right cells of blob" in finished.stderr
    finished = truestep("fetch", "0" * 64, *options(urls), "-o", target)
    assert finished.exit_code == 3 and "is at none of the URLs that were asked (4)" in finished.stderr
    finished = truestep("fetch", tmp_path / "none.item", *options(urls), "-o", target)
    assert finished.exit_code == 1 and "check the path" in finished.stderr
    finished = truestep("fetch", manifest, *options(urls), "-o", target, "--part", 1)
    assert finished.exit_code == 2 and "expected a part below 1" in finished.stderr
    finished = truestep("fetch", manifest, *options(urls), "-o", target, "--size", "1GiB")
    assert finished.exit_code == 1 and "bytes of the part" in finished.stderr
    finished = truestep("sample", manifest, "--keeper", "ftp://x")
    assert finished.exit_code == 2 and "an http or https URL without" in finished.stderr
    assert not target.exists()


def test_a_number_needs_a_network_and_other_names_need_keepers(
    truestep: Invoke, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRUESTEP_RPC", "TRUESTEP_DEPLOYMENT", "TRUESTEP_NETWORK", "TRUESTEP_KEEPERS"):
        monkeypatch.delenv(name, raising=False)
    finished = truestep("sample", 12)
    assert finished.exit_code == 2 and "expected a node, to find an item by its number" in finished.stderr
    finished = truestep("sample", 12, "--rpc", "http://127.0.0.1:9")
    assert finished.exit_code == 2 and "expected the network to use" in finished.stderr
    finished = truestep("sample", manifest)
    assert finished.exit_code == 2 and "expected the URL of a keeper" in finished.stderr
    for wrong in ("abc", "ab" * 31):
        finished = truestep("fetch", wrong, "-o", manifest.parent / "out")
        assert finished.exit_code == 2 and "expected the number of an item" in finished.stderr


def test_a_wrong_consensus_node_is_found_before_it_is_needed(truestep: Invoke, tmp_path: Path) -> None:
    daemon = ("watch", "--rpc", "http://127.0.0.1:9", "--keystore", tmp_path / "k", "--state-dir", tmp_path)
    for wrong in ("here", "ftp://here", "http://", "http://here?key=1"):
        for words in (daemon, ("fetch", 1, "-o", tmp_path / "out")):
            finished = truestep(*words, "--beacon", "http://127.0.0.1:9/key", "--beacon", wrong)
            assert finished.exit_code == 2 and "--beacon: expected the http" in finished.stderr


def on_chain(
    known: KnownItem, facts: Facts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[SimpleNamespace, tuple[object, ...]]:
    """A devnet with one item, and the options that name it."""
    facts = replace(facts, items={known.item_id: known})
    chain = SimpleNamespace(chain_id=DEVNET_CHAINS[-1])
    reader = SimpleNamespace(facts=lambda: facts, published=lambda item_id, blob: (item_id, str(blob)))
    monkeypatch.setattr(availability, "AvailabilityReader", lambda *_: reader)
    monkeypatch.setattr(availability, "availability_of", lambda _: None)
    monkeypatch.setattr(deployment, "read_deployment", lambda _: chain)
    (folder / "deployment.json").touch()
    return chain, ("--rpc", DEAD, "--deployment", folder / "deployment.json")


def test_an_item_in_calldata_is_fetched_and_not_sampled(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [b"one" * 11, b"another" * 300]  # in the event, no unit is filled up
    leaves = [content + bytes(-len(content) % 32) for content in contents]
    parts = tuple(
        Part(root=root_of_bytes(each, depth), depth=depth, first_leaf=0, leaf_count=len(each) // 32)
        for each, depth in zip(leaves, (24, 26), strict=True)
    )
    record = replace(RECORD, seat_count=0, blob_count=0)
    written = KnownItem(item_id=ItemId(2), record=record, parts=parts, url="", state=ItemState.KEPT, seats={})
    _, network = on_chain(written, Facts(item_count=2), tmp_path, monkeypatch)
    given = [b"".join(leaves)]
    reader = SimpleNamespace(payload=lambda _: given[0])
    monkeypatch.setattr(payloads, "Payloads", lambda *_: reader)
    finished = truestep("sample", 2, *network)
    assert finished.exit_code == 0 and "nothing is to be sampled" in finished.stdout
    assert truestep("sample", 2, *network, "--json").fields()["on_chain"] == "calldata"
    finished = truestep("sample", 99, *network)
    assert "item 99 was never registered: this network has 2 items" in " ".join(finished.stderr.split())
    target = tmp_path / "fetched.bin"
    finished = truestep("fetch", 2, *network, "-o", target, "--part", 1, "--size", len(contents[1]))
    assert finished.exit_code == 0 and target.read_bytes() == contents[1]
    words = truestep("fetch", 2, *network, "-o", tmp_path / "all").stdout
    assert "  input or output: part-0-" in words and "  program: part-1-" in words
    files = truestep("fetch", 2, *network, "-o", tmp_path / "all", "--json").fields()["files"]
    assert [Path(each).read_bytes() for each in files] == leaves
    for lie in (bytes(len(given[0])), given[0][:-32]):
        given[0] = lie
        finished = truestep("fetch", 2, *network, "-o", tmp_path / "lie")
        assert finished.exit_code in {1, 3} and not (tmp_path / "lie").exists()


def test_an_item_in_blobs_of_a_transaction_is_fetched_and_not_sampled(
    truestep: Invoke, item: Item, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = facts_of(item, []).items[ItemId(1)]
    count = len(item.extended)
    published = replace(known, record=replace(known.record, seat_count=0, blob_count=count))
    chain, network = on_chain(published, Facts(), tmp_path, monkeypatch)
    blobs = [b"".join(each.cells[:64]) for each in item.extended]
    asked: list[list[str]] = []

    def consensus(urls: list[str], _: object) -> SimpleNamespace:
        asked.append(urls)
        return SimpleNamespace(blob=lambda _, block: blobs[int(block)])

    monkeypatch.setattr(beacon, "BeaconBlobs", consensus)
    finished = truestep("sample", 1, *network)
    assert finished.exit_code == 0 and "nothing is to be sampled" in finished.stdout
    target = tmp_path / "fetched.bin"
    finished = truestep("fetch", 1, *network, "-o", target, "--size", len(item.payload))
    assert finished.exit_code == 0 and target.read_bytes() == item.payload
    chain.chain_id = 1
    assert truestep("fetch", 1, *network, "-o", target, "--beacon", "http://b").exit_code == 0
    assert asked == [[DEAD], ["http://b"]], "the node of a devnet is its own consensus node"
    blobs[1] = blobs[0]
    finished = truestep("fetch", 1, *network, "-o", tmp_path / "lie", "--beacon", "http://b")
    assert finished.exit_code != 0 and not (tmp_path / "lie").exists()


def test_an_items_number_is_enough_on_a_devnet(
    truestep: Invoke, urls: list[str], item: Item, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = facts_of(item, urls)
    chain, network = on_chain(facts.items[ItemId(1)], facts, tmp_path, monkeypatch)
    assert truestep("sample", 1, *network).exit_code == 0
    chain.chain_id = 1
    finished = truestep("sample", 1, *network)
    assert finished.exit_code == 3 and "--allow-private reaches keepers" in finished.stderr
