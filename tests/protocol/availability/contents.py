"""Items with real blobs and commitments, true and false ones, made once for a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random

from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.parts import (
    BLOB_UNITS,
    ELEMENT_PAYLOAD_BYTES,
    UNIT_LEAVES,
    UNIT_SIZE_BYTES,
    Part,
)
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import ELEMENTS_PER_BLOB, element_point, versioned_hash
from truestep.commitments.merkle import ZERO_NODES, parent
from truestep.protocol.availability.contracts.bindings import Opening
from truestep.protocol.availability.layout import join, node_level, place_of

KZG = open_kzg()


def opens(hash_: Bytes32, z: Bytes32, y: Bytes32, commitment: bytes, proof: bytes) -> bool:
    """What the point evaluation precompile says."""
    if versioned_hash(commitment) != hash_:
        return False
    try:
        return KZG.verify_opening(commitment, z, y, proof)
    except Rejected:  # not a point of the curve, say
        return False


class Tree:
    """A tree of 2^depth leaves of which few are not zero."""

    def __init__(self, leaves: dict[int, bytes], depth: int) -> None:
        self.depth = depth
        self._levels = [leaves]
        for level in range(depth):
            below = self._levels[-1]
            above = {
                index: parent(
                    below.get(2 * index, ZERO_NODES[level]), below.get(2 * index + 1, ZERO_NODES[level])
                )
                for index in {index >> 1 for index in below}
            }
            self._levels.append(above)  # type: ignore[arg-type]

    def node(self, level: int, index: int) -> Bytes32:
        """Any node."""
        return Bytes32(self._levels[level].get(index, ZERO_NODES[level]))

    @property
    def root(self) -> Bytes32:
        """The node above all."""
        return self.node(self.depth, 0)

    def path(self, level: int, index: int, levels: int) -> tuple[Bytes32, ...]:
        """The siblings of a node for so many levels, the lowest first."""
        return tuple(self.node(level + up, index >> up ^ 1) for up in range(levels))

    def below(self, level: int, index: int) -> tuple[Bytes32, ...]:
        """The nodes six levels below a node, or the leaves."""
        levels = min(level, 6)
        return tuple(self.node(level - levels, index << levels | child) for child in range(1 << levels))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part, the tree that its root is of, and what the blobs really hold of it."""

    part: Part
    tree: Tree
    held: bytes


def piece(tree: Tree, first_leaf: int, leaf_count: int, held: bytes | None = None) -> Piece:
    """Some leaves of a tree; `held` if the blobs hold something else."""
    leaves = b"".join(tree.node(0, first_leaf + place) for place in range(leaf_count))
    part = Part(root=tree.root, depth=tree.depth, first_leaf=first_leaf, leaf_count=leaf_count)
    return Piece(part, tree, leaves if held is None else held)


@dataclass(slots=True)
class Content:
    """What an item is of."""

    pieces: tuple[Piece, ...]
    large_element: int | None = None
    """An element of the first blob that is no 31 bytes."""
    blobs: list[bytes] = field(init=False)
    commitments: list[bytes] = field(init=False)
    hashes: tuple[Bytes32, ...] = field(init=False)
    _openings: dict[tuple[int, int], tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.blobs = list(self._made_blobs())
        self.commitments = [KZG.commit(blob) for blob in self.blobs]
        self.hashes = tuple(map(versioned_hash, self.commitments))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts, in order."""
        return tuple(each.part for each in self.pieces)

    @property
    def nodes(self) -> tuple[Bytes32, ...]:
        """What a registration names."""
        assert node_level(len(self.hashes)) == 0
        return self.hashes

    def opening(self, blob: int, element: int) -> tuple[int, bytes]:
        """The value of an element, and its proof; of a blob that is not there, of the last one."""
        blob = min(blob, len(self.blobs) - 1)
        key = (blob, element)
        if key not in self._openings:
            y, proof = KZG.open(self.blobs[blob], element_point(element))
            self._openings[key] = (int.from_bytes(y, "big"), proof)
        return self._openings[key]

    def openings(self, blob: int, element: int) -> Opening:
        """Of an element and the next."""
        (first, first_proof), (second, second_proof) = (
            self.opening(blob, element),
            self.opening(blob, min(element + 1, ELEMENTS_PER_BLOB - 1)),
        )
        return Opening(
            commitment=self.commitments[blob],
            path=self.path(blob),
            first=first,
            first_proof=first_proof,
            second=second,
            second_proof=second_proof,
        )

    def leaf_opening(self, part_index: int, leaf_index: int) -> Opening:
        """Of the two elements that hold a leaf; of the part's first, if the part does not hold it."""
        part = self.parts[part_index]
        is_held = part.first_leaf <= leaf_index < part.end_leaf
        blob, element, _ = place_of(self.parts, part_index, leaf_index if is_held else part.first_leaf)
        return self.openings(blob, element)

    def path(self, blob: int) -> tuple[Bytes32, ...]:
        """Of a blob's versioned hash to the root of all."""
        depth = (len(self.hashes) - 1).bit_length()
        return Tree(dict(enumerate(self.hashes)), depth).path(0, blob, depth)

    @property
    def hashes_root(self) -> Bytes32:
        """The root of all versioned hashes."""
        return join(self.hashes, 0)

    def _made_blobs(self) -> Sequence[bytes]:
        payload = b"".join(
            each.held + bytes(each.part.unit_count * UNIT_SIZE_BYTES - len(each.held)) for each in self.pieces
        )
        payload += bytes(-len(payload) % (BLOB_UNITS * UNIT_SIZE_BYTES))
        elements = [
            b"\0" + payload[at : at + ELEMENT_PAYLOAD_BYTES]
            for at in range(0, len(payload), ELEMENT_PAYLOAD_BYTES)
        ]
        if self.large_element is not None:
            elements[self.large_element] = b"\x01" + elements[self.large_element][1:]
        return [
            b"".join(elements[at : at + ELEMENTS_PER_BLOB])
            for at in range(0, len(elements), ELEMENTS_PER_BLOB)
        ]


def random_leaves(rng: Random, first: int, count: int) -> dict[int, bytes]:
    """Leaves of random bytes."""
    return {first + place: rng.randbytes(32) for place in range(count)}


@cache
def true_content() -> Content:
    """An input and two parts of a program in one blob."""
    rng = Random(1)
    program = Tree(random_leaves(rng, 70, 40) | random_leaves(rng, 2**20, 5), 26)
    given = Tree(random_leaves(rng, 0, 33), 24)
    return Content((piece(program, 70, 40), piece(program, 2**20, 5), piece(given, 0, 33)))


@cache
def junk_content() -> Content:
    """One blob that differs from its root in leaf 32."""
    tree = Tree(random_leaves(Random(2), 0, 34), 24)
    held = piece(tree, 0, 34).held
    return Content((piece(tree, 0, 34, held[: 32 * 32] + b"x" * 32 + held[33 * 32 :]),))


@cache
def hiding_content() -> Content:
    """One blob whose root has a leaf that no part holds."""
    tree = Tree(random_leaves(Random(3), 0, 2) | {99: b"z" * 32}, 8)
    return Content((piece(tree, 0, 2),))


@cache
def large_content() -> Content:
    """One blob with an element of 2^248 and more."""
    return Content((piece(Tree(random_leaves(Random(4), 0, 3), 24), 0, 3),), large_element=1)


@cache
def long_content() -> Content:
    """Three blobs."""
    tree = Tree(random_leaves(Random(5), 0, 2 * BLOB_UNITS * UNIT_LEAVES + 1), 24)
    return Content((piece(tree, 0, 2 * BLOB_UNITS * UNIT_LEAVES + 1),))


def contents() -> tuple[Content, ...]:
    """All of them."""
    return (true_content(), junk_content(), hiding_content(), large_content(), long_content())
