"""Where the leaves of an item lie in its blobs (docs/availability.md A1)."""

from collections.abc import Iterable, Sequence

from truestep.availability.parts import BLOB_UNITS, UNIT_ELEMENTS, UNIT_LEAVES, Part
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import ZERO_NODES, pair_tree_levels, parent
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.settlement.encoding import encode, encode_struct

ELEMENT_END = 2**248
"""An element holds 31 bytes."""
SUBTREE_LEVEL = 6
"""Of the nodes that are named for an item of more blobs than one call takes."""
NODES_LIMIT = 128
RECEIPT_DOMAIN = "truestep availability"
RECEIPT_VERSION = "1"
_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_RECEIPT_TYPE = "Receipt(bytes32 itemDigest,uint256 seat,uint256 drawnAt)"
_DELETION_TYPE = "Deletion(uint256 itemId,bytes32 itemName,uint256 cells,uint256 deletedAt)"


def node_level(blob_count: int) -> int:
    """The level of the nodes that a registration names."""
    return 0 if blob_count <= NODES_LIMIT else SUBTREE_LEVEL


def join(nodes: Sequence[bytes], level: int) -> Bytes32:
    """The root over nodes of this level, of the smallest depth, with zero leaves behind them."""
    while len(nodes) > 1:
        padded = [*nodes, ZERO_NODES[level]]
        nodes = [parent(padded[index], padded[index + 1]) for index in range(0, len(nodes), 2)]
        level += 1
    return Bytes32(nodes[0])


def named_nodes(hashes: Sequence[Bytes32]) -> tuple[Bytes32, ...]:
    """What a registration names of an item with these versioned hashes (A1.4)."""
    level = node_level(len(hashes))
    if not level:
        return tuple(hashes)
    size = 1 << level
    groups = [hashes[start : start + size] for start in range(0, len(hashes), size)]
    return tuple(Bytes32(pair_tree_levels(group, level)[-1][0]) for group in groups)


def place_of(parts: Sequence[Part], part_index: int, leaf_index: int) -> tuple[int, int, int]:
    """Blob, first element and slot in its unit of a leaf that a part holds: it ends in the next element."""
    place = leaf_index - parts[part_index].first_leaf
    unit = sum(part.unit_count for part in parts[:part_index]) + place // UNIT_LEAVES
    slot = place % UNIT_LEAVES
    return unit // BLOB_UNITS, unit % BLOB_UNITS * UNIT_ELEMENTS + slot, slot


def leaf_in(first: int, second: int, slot: int) -> int:
    """The leaf in a slot: the last 31 - slot bytes of one element and the first slot + 1 of the next."""
    high = first & (1 << 8 * (31 - slot)) - 1
    return high << 8 * (slot + 1) | second >> 8 * (30 - slot)


def item_digest(chain_id: int, items: Address, item_id: ItemId, record: Record) -> Bytes32:
    """What receipts name (A1.6)."""
    return keccak256(encode(chain_id, items, item_id) + encode_struct(record))


def receipt_hash(chain_id: int, items: Address, digest: Bytes32, seat: int, drawn_at: int) -> Bytes32:
    """The EIP-712 hash that a keeper signs for a seat (A3.3)."""
    return _signed_hash(chain_id, items, _RECEIPT_TYPE, digest, seat, drawn_at)


def deletion_hash(
    chain_id: int, items: Address, item_id: ItemId, name: Bytes32, cells: Iterable[int], deleted_at: int
) -> Bytes32:
    """The EIP-712 hash that somebody signs who has deleted cells of an item (docs/privacy.md).

    Bit i of the word `cells` is set if cell i of every blob is gone.
    """
    bits = sum(1 << cell for cell in set(cells))
    return _signed_hash(chain_id, items, _DELETION_TYPE, item_id, name, bits, deleted_at)


def _signed_hash(chain_id: int, items: Address, kind: str, *words: Bytes32 | int) -> Bytes32:
    names = (_DOMAIN_TYPE, RECEIPT_DOMAIN, RECEIPT_VERSION)
    domain = keccak256(encode(*(keccak256(name.encode()) for name in names), chain_id, items))
    statement = keccak256(encode(keccak256(kind.encode()), *words))
    return keccak256(b"\x19\x01" + domain + statement)
