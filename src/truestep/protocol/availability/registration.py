"""How items begin: at keepers, in blobs of a transaction, or in calldata (docs/availability.md A3)."""

from itertools import groupby

from truestep.availability.parts import BLOB_LIMIT, BLOB_UNITS, Part, parts_hash
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import StreamedRoot
from truestep.protocol.availability import keepers, layout
from truestep.protocol.availability.contracts.items import (
    HashesPublished,
    ItemState,
    PublishHashes,
    Record,
    Register,
    RegisterBlobs,
    RegisterCalldata,
    Registered,
    StateChanged,
    TreeWritten,
    Written,
)
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.state import EMPTY_SEAT, Item, Turn
from truestep.protocol.settlement.refusals import require

SEATS_MIN, SEATS_LIMIT = 2, 16
FEE_LIMIT_WEI = 2**80 - 1
DURATION_LIMIT_SECONDS = 500 * 86_400
"""A job's deadline is at most 365 days ahead, and a game may need its items for 120 days more (A5.1)."""
BLOB_SECONDS = 15 * 86_400
"""Nodes of Ethereum keep blobs for 18.2 days, those of Gnosis for 15.2."""
FOR_EVER = 2**40 - 1
WRITTEN_PARTS_LIMIT = 64
WRITTEN_LIMIT_BYTES = 24_576
"""Beyond it blobs cost less."""
WRITTEN_DEPTH_LIMIT = 26
"""Of programs."""
NO_ROOT = Bytes32(bytes(32))


def publish_hashes(turn: Turn, call: PublishHashes) -> None:
    """Emit versioned hashes of a large item."""
    turn.emit(HashesPublished(sender=turn.message.sender, hashes=call.hashes))


def register(turn: Turn, call: Register) -> None:
    """Register an item, with a bond and the fees of all its seats."""
    state, rules, message = turn.state, turn.state.rules, turn.message
    require(SEATS_MIN <= call.seat_count <= SEATS_LIMIT, Reject.DATA_SEATS)
    require(call.seat_count <= keepers.listed_count(state), Reject.KEEPERS_TOO_FEW)
    least, most = message.now + rules.acknowledge_seconds, message.now + DURATION_LIMIT_SECONDS
    require(least < call.until <= most, Reject.DATA_END)
    require(call.fee_wei <= FEE_LIMIT_WEI, Reject.DATA_FEE)
    due_wei = rules.registrant_bond_wei + call.fee_wei * call.seat_count
    require(message.value_wei == due_wei, Reject.WRONG_VALUE)
    blob_count = _checked_blob_count(call.parts)
    level = layout.node_level(blob_count)
    require(len(call.nodes) == -(-blob_count // 2**level), Reject.DATA_HASHES)
    record = Record(
        registrant=message.sender,
        parts_hash=parts_hash(call.parts),
        hashes_root=layout.join(call.nodes, level),
        blob_count=blob_count,
        seat_count=call.seat_count,
        since=message.now,
        until=call.until,
        fee_wei=call.fee_wei,
        bond_wei=rules.registrant_bond_wei,
    )
    turn.receive(state.deployment.items)
    _put(turn, record, call.parts, call.nodes, call.url)


def register_blobs(turn: Turn, call: RegisterBlobs) -> None:
    """Register an item whose blobs are those of the transaction, with a bond."""
    message, bond_wei = turn.message, turn.state.rules.registrant_bond_wei
    require(message.now < call.until <= message.now + BLOB_SECONDS, Reject.DATA_END)
    require(message.value_wei == bond_wei, Reject.WRONG_VALUE)
    blob_count = _checked_blob_count(call.parts)
    require(blob_count <= layout.NODES_LIMIT, Reject.DATA_SIZE)
    require(blob_count <= len(turn.chain.blob_hashes), Reject.BLOB_NOT_SENT)
    hashes = turn.chain.blob_hashes[:blob_count]
    record = Record(
        registrant=message.sender,
        parts_hash=parts_hash(call.parts),
        hashes_root=layout.join(hashes, 0),
        blob_count=blob_count,
        seat_count=0,
        since=message.now,
        until=call.until,
        fee_wei=0,
        bond_wei=bond_wei,
    )
    turn.receive(turn.state.deployment.items)
    _put(turn, record, call.parts, hashes, call.url)


def register_calldata(turn: Turn, call: RegisterCalldata) -> None:
    """Write an item into the chain, where nobody can contest or strike it."""
    _check_written(call)
    record = Record(
        registrant=turn.message.sender,
        parts_hash=parts_hash(call.parts),
        hashes_root=NO_ROOT,
        blob_count=0,
        seat_count=0,
        since=turn.message.now,
        until=FOR_EVER,
        fee_wei=0,
        bond_wei=0,
    )
    item_id = _put(turn, record, call.parts, (), "")
    turn.emit(Written(item_id=item_id, payload=call.payload))
    for root, _ in groupby(part.root for part in call.parts):
        turn.emit(TreeWritten(root=root, item_id=item_id))


def _check_written(call: RegisterCalldata) -> None:
    """Refuse leaves that are not those of the parts, or have other roots."""
    offset = 0
    require(bool(call.parts), Reject.DATA_SIZE)
    for (root, depth), parts in groupby(call.parts, lambda part: (part.root, part.depth)):
        require(0 < depth <= WRITTEN_DEPTH_LIMIT, Reject.PART_SHAPE)
        tree, least = StreamedRoot(depth), 0
        for part in parts:
            require(part.first_leaf >= least, Reject.PART_SHAPE)
            leaves = call.payload[offset : offset + part.size_bytes]
            require(len(leaves) == part.size_bytes, Reject.PAYLOAD_SIZE)
            tree.seek(part.first_leaf)
            tree.update(leaves)
            offset += part.size_bytes
            least = part.end_leaf + part.end_leaf % 2
        require(tree.finish() == root, Reject.PART_OTHER_LEAVES)
    require(offset == len(call.payload), Reject.PAYLOAD_SIZE)


def _put(turn: Turn, record: Record, parts: tuple[Part, ...], nodes: tuple[Bytes32, ...], url: str) -> ItemId:
    """A new item's number. One without seats is kept at once."""
    item_id, is_kept = ItemId(len(turn.state.items) + 1), record.seat_count == 0
    item = Item(
        record=record,
        seats=(EMPTY_SEAT,) * record.seat_count,
        changed_at=turn.message.now,
        state=ItemState.KEPT if is_kept else ItemState.REGISTERED,
        was_kept=is_kept,
    )
    turn.put_item(item_id, item)
    turn.emit(
        Registered(
            item_id=item_id,
            registrant=record.registrant,
            parts_hash=record.parts_hash,
            record=record,
            parts=parts,
            nodes=nodes,
            url=url,
        )
    )
    if is_kept:
        turn.emit(StateChanged(item_id=item_id, state=ItemState.KEPT))
    return item_id


def _checked_blob_count(parts: tuple[Part, ...]) -> int:
    """How many blobs the parts fill (A1.3). A `Part` has a shape that the contract takes."""
    blob_count = -(-sum(part.unit_count for part in parts) // BLOB_UNITS)
    require(0 < blob_count <= BLOB_LIMIT, Reject.DATA_SIZE)
    return blob_count
