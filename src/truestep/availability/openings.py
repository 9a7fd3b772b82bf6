"""Single elements of blobs with their proofs, as the point-evaluation precompile checks them (A1.5, A4.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truestep.availability.parts import ELEMENT_PAYLOAD_BYTES, Layout
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import Kzg, element_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Element number `element` of a blob is `y`, which `proof` shows."""

    blob: int
    element: int
    y: Bytes32
    proof: bytes

    @property
    def z(self) -> Bytes32:
        """The point of the element."""
        return element_point(self.element)


def open_element(kzg: Kzg, blob: bytes, blob_index: int, element: int) -> Opening:
    """The opening of one element of blob number `blob_index` of an item."""
    y, proof = kzg.open(blob, element_point(element))
    return Opening(blob=blob_index, element=element, y=Bytes32(y), proof=proof)


def is_opening_right(kzg: Kzg, commitment: bytes, opening: Opening) -> bool:
    """Whether the opening is of the blob with this commitment. Any malformed bytes are wrong."""
    try:
        return kzg.verify_opening(commitment, opening.z, opening.y, opening.proof)
    except Rejected:
        return False


def leaf_openings(
    kzg: Kzg, layout: Layout, part_index: int, leaf: int, blob_at: Callable[[int], bytes]
) -> tuple[Opening, Opening]:
    """The openings of the two elements that hold a leaf, `leaf` counted in the tree (A4.5)."""
    first, second = (
        open_element(kzg, blob_at(piece.blob), piece.blob, piece.element)
        for piece in layout.pieces_of_leaf(part_index, leaf)
    )
    return first, second


def leaf_of_openings(layout: Layout, part_index: int, leaf: int, openings: Sequence[Opening]) -> Bytes32:
    """The leaf that openings of its two elements hold. Raises Rejected if they are of others or too large."""
    content = b""
    pieces = layout.pieces_of_leaf(part_index, leaf)
    if [(piece.blob, piece.element) for piece in pieces] != [(each.blob, each.element) for each in openings]:
        raise Rejected(Reject.ITEM_LAYOUT, f"expected the two elements of leaf {leaf}, got others")
    for piece, opening in zip(pieces, openings, strict=True):
        if opening.y[0]:
            raise Rejected(
                Reject.ELEMENT_TOO_LARGE,
                f"expected elements below 2^248, element {opening.element} of blob {opening.blob} is not",
            )
        payload = opening.y[-ELEMENT_PAYLOAD_BYTES:]
        content += payload[piece.element_start : piece.element_start + piece.size_bytes]
    return Bytes32(content)
