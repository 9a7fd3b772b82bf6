"""Bytes of items in calldata, found on a chain by their roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.client.kept_network import open_kept_network
from tests.e2e.floats import FLOAT_ELF
from truestep.adapters.chain import log_search
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.chain.endpoints import Endpoints
from truestep.adapters.chain.outages import TooMuch
from truestep.adapters.chain.payloads import Payloads
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.encoding import PROGRAM_DEPTH, RANGE_DEPTH
from truestep.availability.parts import Part
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.merkle import StreamedRoot, root_of_bytes
from truestep.machine.elf import load_elf
from truestep.protocol.availability import facts as known_items
from truestep.protocol.availability.contracts.items import ItemState, RegisterCalldata
from truestep.protocol.availability.ids import ItemId

CONTENT = b"an input" * 9
PROGRAM = load_elf(FLOAT_ELF)
SEGMENTS = [(segment.address // 32, segment.content) for segment in PROGRAM.segments if segment.content]


def whole_leaves(content: bytes) -> bytes:
    return content + bytes(-len(content) % 32)


def program_and_input() -> RegisterCalldata:
    """The call that writes a program of several parts, and an input."""
    tree = StreamedRoot(PROGRAM_DEPTH)
    leaves = [(first, whole_leaves(content)) for first, content in SEGMENTS]
    for first, content in leaves:
        tree.seek(first)
        tree.update(content)
    root, given = tree.finish(), whole_leaves(CONTENT)
    parts = [
        Part(root=root, depth=PROGRAM_DEPTH, first_leaf=first, leaf_count=len(content) // 32)
        for first, content in leaves
    ]
    input_root = root_of_bytes(CONTENT, RANGE_DEPTH)
    parts.append(Part(root=input_root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=len(given) // 32))
    return RegisterCalldata(parts=tuple(parts), payload=b"".join(content for _, content in leaves) + given)


def test_program_and_input_come_from_the_chain_alone(tmp_path: Path) -> None:
    """However many blocks and items there are before and after."""
    network = open_kept_network(tmp_path)
    chain, call = network.chain(network.requester), program_and_input()
    noise = Part(root=root_of_bytes(b"n", RANGE_DEPTH), depth=RANGE_DEPTH, first_leaf=0, leaf_count=1)
    other = RegisterCalldata(parts=(noise,), payload=b"n".ljust(32, b"\0"))
    for number, each in enumerate([other] * 3 + [call] + [other] * 9):
        network.devnet.advance(number)
        chain.transact(each, intent=f"item {number}")
    facts = AvailabilityReader(network.devnet.node, network.contracts).facts()
    assert facts.items[ItemId(4)].state is ItemState.KEPT
    payloads = Payloads(network.devnet.node, network.contracts)
    blobs = KeeperBlobs(lambda: facts, open_kzg(), payload=payloads.payload)
    root, input_root = call.parts[0].root, call.parts[-1].root
    for _ in range(2):
        assert load_elf(blobs.get_program(root, PROGRAM.entry)).segments == PROGRAM.segments
        assert blobs.get_input(input_root, len(CONTENT)) == CONTENT
    assert blobs.get_output(noise.root, 1) == b"n"
    with pytest.raises(Unavailable, match="not read here"):
        KeeperBlobs(lambda: facts, open_kzg()).get_input(input_root, len(CONTENT))
    item = facts.items[ItemId(4)]
    with pytest.raises(Unavailable, match="item 99"):
        payloads.payload(replace(item, item_id=ItemId(99)))
    with pytest.raises(Unavailable, match="not those of its parts"):
        KeeperBlobs(lambda: facts, open_kzg(), payload=lambda _: b"").get_input(input_root, len(CONTENT))
    lying = KeeperBlobs(lambda: facts, open_kzg(), payload=lambda _: bytes(len(call.payload)))
    with pytest.raises(Exception, match="expected"):
        lying.get_input(Bytes32(input_root), len(CONTENT))
    network.close()


def test_what_a_flood_of_others_has_pushed_out_is_found_on_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its root and by its number, whatever nodes remember."""
    monkeypatch.setattr(known_items, "WRITTEN_LIMIT", 3)
    network = open_kept_network(tmp_path)
    chain = network.chain(network.requester)
    leaves = [bytes([number]) * 32 for number in range(4)]
    content, root = b"".join(leaves), root_of_bytes(b"".join(leaves), RANGE_DEPTH)
    wanted = Part(root=root, depth=RANGE_DEPTH, first_leaf=0, leaf_count=4)
    noise = Part(root=root_of_bytes(b"n", RANGE_DEPTH), depth=RANGE_DEPTH, first_leaf=0, leaf_count=1)
    calls = [
        RegisterCalldata(parts=(wanted,), payload=content),
        *[RegisterCalldata(parts=(noise,), payload=b"n".ljust(32, b"\0"))] * 5,
    ]
    node, contracts = network.devnet.node, network.contracts
    reader, payloads = AvailabilityReader(node, contracts), Payloads(node, contracts)
    blobs = KeeperBlobs(reader.facts, open_kzg(), payload=payloads.payload, written=payloads.holding)
    with pytest.raises(Unavailable, match="no item holds it"):
        blobs.get_input(root, 128)
    for number, each in enumerate(calls):
        network.devnet.advance(1)
        chain.transact(each, intent=f"item {number}")
    assert reader.facts().items.keys() == {4, 5, 6} and reader.facts().left_since
    for _ in range(2):
        assert blobs.get_input(root, 128) == content
    found = payloads.item(ItemId(1))
    assert found is not None and (found.parts, found.state) == ((wanted,), ItemState.KEPT)
    assert payloads.item(ItemId(99)) is None
    other = Bytes32(b"?" * 32)
    assert [*payloads.holding(other, RANGE_DEPTH, 1)] == [*payloads.holding(other, RANGE_DEPTH, 1)] == []
    network.close()


def test_a_node_that_takes_few_blocks_is_asked_for_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = open_kept_network(tmp_path)
    call = program_and_input()
    for _ in range(9):
        network.devnet.advance(1)
    network.chain(network.requester).transact(call, intent="item")
    payloads = Payloads(network.devnet.node, network.contracts)
    ask, asked = log_search.logs_of, list[int]()

    def few(endpoints: Endpoints, address: Address, topics: Sequence[bytes], first: int, last: int) -> object:
        if last - first >= 4:
            raise TooMuch("at most 4 blocks")
        asked.append(first)
        return ask(endpoints, address, topics, first, last)

    monkeypatch.setattr(log_search, "logs_of", few)
    (item,) = payloads.holding(call.parts[-1].root, RANGE_DEPTH, 1)
    assert item.item_id == 1 and len(asked) > 3
    network.close()
