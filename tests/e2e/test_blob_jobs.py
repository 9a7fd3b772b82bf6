"""A job in blobs on a real chain: sent, doubted by hand, answered for by a watcher that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chains import lent_anvil
from tests.e2e.keepers import KeeperNet, wait
from tests.e2e.network import ELF, MAX_CYCLES, POLICY, Network, open_network
from tests.e2e.test_watcher import pass_time, watcher
from truestep.adapters.chain.fees import GWEI
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.client import Client, Order
from truestep.client.supplies import Availability
from truestep.commitments.merkle import pair_tree_levels
from truestep.composition.network import open_kept_blobs
from truestep.devnet.network import devnet_availability
from truestep.protocol.availability.contracts.bindings import Demand, OpenDemand, Pick
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import DemandId, demand_of

pytestmark = [pytest.mark.anvil, pytest.mark.long]

RULES = replace(devnet_availability(), answer_seconds=120)
CONTENT = bytes(range(251)) * 1_300
"""Three blobs."""
ORDER = Order(max_cycles=MAX_CYCLES, reward_wei=1_000, availability=Availability.BLOB)


@pytest.fixture
def network(anvil_program: Path, tmp_path: Path) -> Iterator[Network]:
    with lent_anvil(anvil_program) as devnet:
        opened = open_network(devnet, tmp_path, kept_by=RULES)
        yield opened
        opened.close()


def test_a_job_in_blobs_is_sent_doubted_and_answered_for(network: Network, tmp_path: Path) -> None:
    devnet: Any = network.devnet
    client = Client(network.requester, network.blobs, network.deployment)
    job = client.submit(ELF, CONTENT, order=ORDER)
    assert job.record().is_ready
    [item] = network.requester.facts().data.items.values()
    assert (item.record.blob_count, item.state) == (3, ItemState.KEPT)
    # whoever has nothing but the chain reads it
    alone = open_kept_blobs([], network.requester, network.deployment, devnet.node)
    root = next(part.root for part in item.parts if part.depth == 24)
    devnet.advance(1)  # the next block names that of the item for consensus nodes
    assert alone.get_input(root, len(CONTENT)) == CONTENT

    net = KeeperNet(devnet, tmp_path, network.deployment)
    doubter = network.chain("doubter", network.store("doubter"))
    demand_id = demand_of(item.item_id, len(item.parts) - 1, doubter.account)
    call = OpenDemand(
        item_id=item.item_id,
        record=item.record,
        parts=item.parts,
        part_index=len(item.parts) - 1,
        seat=0,
    )
    doubter.transact(call, intent="doubt")
    for number in range(4):
        with watcher(net, "watcher", beacon=[devnet.node]) as said:  # a new process for each answer
            wait(lambda each=said: "item_doubted" in each.kinds())
            pass_time(net, RULES.answer_seconds // 2)
            wait(lambda: _demand(network, demand_id).is_answered, [])
            assert not {"give_reverted", "keeps_reverting"} & said.kinds(), said.said
        if number < 3:
            _pick(network, doubter, demand_id)
    net.close()
    assert network.requester.facts().data.items[item.item_id].state is ItemState.KEPT
    owed = network.requester.balances(network.account("watcher")).for_data
    assert owed.get("Bindings", 0) >= RULES.tree_bond_wei // 5


def test_blobs_above_their_cap_are_refused_before_they_are_sent(network: Network) -> None:
    network.policy = replace(POLICY, blob_fee_cap_wei=GWEI)
    chain = network.chain("poor", network.store("poor"))
    prices = iter([2 * GWEI] * 10)
    chain._sender._node.blob_price_wei = lambda: next(prices)
    client = Client(chain, network.blobs, network.deployment)
    with pytest.raises(Rejected, match="--max-blob-fee 4gwei"):
        client.submit(ELF, CONTENT, order=ORDER)
    assert not network.requester.facts().data.items


def _demand(network: Network, demand_id: DemandId) -> Demand:
    return network.requester.facts().data.demands[demand_id]


def _pick(network: Network, doubter: Any, demand_id: DemandId) -> None:
    """Go on with the first node."""
    demand, nodes = _demand(network, demand_id), network.requester.facts().data.given[demand_id]
    tree = pair_tree_levels(nodes, 6)
    siblings = tuple(Bytes32(tree[height][1]) for height in range(6))
    call = Pick(demand_id=demand_id, demand=demand, child=0, node=nodes[0], siblings=siblings)
    doubter.transact(call, intent=f"pick {demand.level}")
