"""Programs and inputs in blobs of transactions: what is sent, for how long, and what is refused before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sending import Ask, Node
from tests.client.kept_network import COIN_WEI, RULES, KeptNetwork, open_kept_network
from tests.client.test_keeping import ORDER as KEPT_ORDER
from tests.e2e.network import ELF, INPUT
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Reject, Rejected
from truestep.client.items import close_items, items_of
from truestep.client.keeping import KeepingTerms
from truestep.client.supplies import Availability
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.registration import BLOB_SECONDS

ORDER = replace(KEPT_ORDER, availability=Availability.BLOB)
BLOB_PAYLOAD_BYTES = 126_976


@pytest.fixture
def network(tmp_path: Path) -> Iterator[KeptNetwork]:
    opened = open_kept_network(tmp_path)
    yield opened
    opened.close()


def items(network: KeptNetwork) -> list[KnownItem]:
    return list(network.facts().items.values())


def test_a_job_in_blobs_needs_no_keepers_and_gives_its_bond_back(network: KeptNetwork) -> None:
    before, client = network.coins(), network.client()
    job = client.submit(ELF, INPUT, order=ORDER, tell=network.said.append)
    assert client.chain.facts().kept.supplied[job.job_id] == (ItemId(1), ItemId(1)) and job.record().is_ready
    [item] = items(network)
    assert (item.state, item.record.seat_count, item.record.blob_count) == (ItemState.KEPT, 0, 1)
    record = job.record()
    needed = record.deadline + record.parameters.window_seconds + 8 * record.parameters.clock_seconds
    assert needed <= item.record.until < item.record.since + BLOB_SECONDS
    assert any("1 blob of a transaction, 131,072 of blob gas" in each for each in network.said)
    assert before - network.coins() - RULES.registrant_bond_wei < COIN_WEI // 10
    assert read(network, item) == INPUT
    # the next job uses the same item, that of another requester does not
    again = client.submit(ELF, INPUT, order=ORDER)
    assert client.chain.facts().kept.supplied[again.job_id] == (ItemId(1), ItemId(1))
    network.settle(again)
    kept = again.receipt().kept
    assert kept is not None and (kept.program.item_id, kept.input.item_id) == (1, 1)
    owner, network.requester = network.requester, network.new_account()
    other = network.client().submit(ELF, INPUT, order=ORDER)
    assert 1 not in network.client().chain.facts().kept.supplied[other.job_id]
    network.requester = owner
    network.devnet.advance(BLOB_SECONDS)
    [own] = items_of(client.chain, client.chain.account, RULES)
    assert close_items(client.chain, [own]) == [own]
    assert client.withdraw().for_data_wei == RULES.registrant_bond_wei


def read(network: KeptNetwork, item: KnownItem, size_bytes: int = len(INPUT)) -> bytes:
    """What anybody reads of an input who asks a node of the chain, which on a devnet has blobs too."""
    reader = AvailabilityReader(network.devnet.node, network.contracts)

    def published(item_id: ItemId, blob: int) -> bytes:
        versioned_hash, block_id = reader.published(item_id, blob)
        [found] = network.devnet.blobs.of_block(int(block_id), [versioned_hash])
        return found

    root = next(part.root for part in item.parts if part.depth == 24)
    return KeeperBlobs(reader.facts, open_kzg(), published=published).get_input(root, size_bytes)


def test_larger_data_takes_several_blobs_of_one_transaction(network: KeptNetwork) -> None:
    content = bytes(range(251)) * 1_200
    network.client().submit(ELF, content, order=ORDER)
    [item] = items(network)
    assert item.record.blob_count == 3
    assert read(network, item, len(content)) == content


@pytest.mark.long
def test_items_last_longer_for_who_wants_it_and_never_beyond_the_nodes(network: KeptNetwork) -> None:
    for seconds in (60, BLOB_SECONDS + 1):
        order = replace(ORDER, keeping=KeepingTerms(keep_seconds=seconds))
        words = r"expected the data to be kept for at (least 1 d|most 15 d)"
        with pytest.raises(Rejected, match=words) as refused:
            network.client().submit(ELF, INPUT, order=order)
        assert not any(each in str(refused.value) for each in ("20 days", "extend")), "that is for keepers"
    order = replace(ORDER, keeping=KeepingTerms(keep_seconds=10 * 86_400))
    network.client().submit(ELF, INPUT, order=order)
    [item] = items(network)
    assert 10 * 86_400 - 60 < item.record.until - item.record.since <= 10 * 86_400


@pytest.mark.long
def test_keepers_are_not_replaced_by_blobs(network: KeptNetwork) -> None:
    """Whoever asks for keepers does not get what the chain forgets in two weeks."""
    network.client().submit(ELF, INPUT, order=ORDER)
    network.enrol(2)
    job = network.client().submit(ELF, INPUT, order=KEPT_ORDER)
    assert network.client().chain.facts().kept.supplied[job.job_id] == (ItemId(2), ItemId(2))


# --- what is refused before anything is sent ------------------------------------------------------


def test_data_beyond_a_transactions_blobs_is_refused(network: KeptNetwork) -> None:
    with pytest.raises(Rejected, match=r"at most 6 blobs each .* 1 of program and 7 of input") as refused:
        network.client().submit(ELF, bytes(6 * BLOB_PAYLOAD_BYTES + 1), order=ORDER)
    assert refused.value.reason is Reject.DATA_SIZE
    assert not network.client().chain.facts().programs


def test_a_chain_without_blobs_is_found_out_before_anything_is_sent(network: KeptNetwork) -> None:
    """Its nodes do not know what blob hashes are, and try the call without them."""

    def forgetful(method: str, params: Any, ask: Ask) -> Any:
        if method == "eth_estimateGas":
            params[0].pop("blobVersionedHashes", None)
        return ask()

    client = network.client(node=Node(network.devnet.node, forgetful).provider)
    with pytest.raises(Rejected, match="takes no blobs in transactions; ask another node") as refused:
        client.submit(ELF, INPUT, order=ORDER)
    assert refused.value.reason is Reject.BLOB_NOT_SENT
    assert not items(network)


@pytest.mark.parametrize(
    ("lifetime_seconds", "window_seconds", "remedy"),
    [
        (15 * 86_400, 0, "--lifetime of at most 1291920"),
        (86_400, 15 * 86_400, "its window and clocks alone are longer"),
    ],
)
def test_a_job_that_outlasts_its_blobs_is_refused(
    network: KeptNetwork, lifetime_seconds: int, window_seconds: int, remedy: str
) -> None:
    order = replace(ORDER, lifetime_seconds=lifetime_seconds, window_seconds=window_seconds)
    with pytest.raises(Rejected, match="can be relied on for 15 d") as refused:
        network.client().submit(ELF, INPUT, order=order)
    assert remedy in str(refused.value)
    assert refused.value.reason is Reject.DATA_ENDS_EARLY
    assert not network.client().chain.facts().programs
    if window_seconds == 0:
        room_seconds = int(str(refused.value).partition("at most ")[2].partition(",")[0])
        fitting = replace(order, lifetime_seconds=room_seconds)
        assert network.client().submit(ELF, INPUT, order=fitting).record().is_ready
