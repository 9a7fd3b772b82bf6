"""KZG commitments of blobs (EIP-4844), their cells and cell proofs (EIP-7594), by the library ckzg.

A *blob* is 4,096 field elements of 32 bytes, big-endian and below `BLS_MODULUS`: the values of a polynomial
at the points of `element_point`. Extended to twice its length it is 128 *cells* of 64 elements, any 64 of
which give back the rest; the first 64 are the blob itself.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import ckzg

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32

FIELD_ELEMENT_SIZE_BYTES = 32
ELEMENTS_PER_BLOB = 4096
BLOB_SIZE_BYTES = ELEMENTS_PER_BLOB * FIELD_ELEMENT_SIZE_BYTES
CELLS_PER_BLOB = 128
CELLS_TO_RECOVER = CELLS_PER_BLOB // 2
CELL_SIZE_BYTES = 2 * BLOB_SIZE_BYTES // CELLS_PER_BLOB
COMMITMENT_SIZE_BYTES = 48
PROOF_SIZE_BYTES = 48

BLS_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""The order of the field of elements, the scalar field of BLS12-381."""
_PRIMITIVE_ROOT = 7
_INDEX_BITS = (ELEMENTS_PER_BLOB - 1).bit_length()
_ROOT_OF_UNITY = pow(_PRIMITIVE_ROOT, (BLS_MODULUS - 1) // ELEMENTS_PER_BLOB, BLS_MODULUS)
_VERSION_KZG = b"\x01"
_ZERO = bytes(FIELD_ELEMENT_SIZE_BYTES)
NO_POINT = b"\xc0" + bytes(PROOF_SIZE_BYTES - 1)
"""The point at infinity, compressed: the commitment to zeros, and the proof of a constant."""

_Result = TypeVar("_Result")


def versioned_hash(commitment: bytes) -> Bytes32:
    """What names a commitment in transactions and in the point-evaluation precompile (EIP-4844)."""
    return Bytes32(_VERSION_KZG + hashlib.sha256(commitment).digest()[1:])


def element_point(element: int) -> Bytes32:
    """The point z at which element number `element` of a blob is its polynomial's value (A1.5)."""
    if not 0 <= element < ELEMENTS_PER_BLOB:
        raise ValueError(f"expected an element below {ELEMENTS_PER_BLOB}, got {element}")
    reversed_bits = int(f"{element:0{_INDEX_BITS}b}"[::-1], 2)
    return Bytes32(pow(_ROOT_OF_UNITY, reversed_bits, BLS_MODULUS).to_bytes(32, "big"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The 128 cells of a blob and the proof of each."""

    cells: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCheck:
    """The statement that cell number `cell` of the blob with this commitment has this content."""

    commitment: bytes
    cell: int
    content: bytes
    proof: bytes


class Kzg:
    """The operations that need a trusted setup, which `setup` gives when the first of them is called.

    Safe in several threads and after a fork; it can be pickled if `setup` can. One call takes up to half a
    second and keeps other threads from running Python: a server makes proofs in a process of its own.
    Whatever is not of the right size, not on the curve or not a field element raises `Rejected` (KZG_INPUT).
    """

    def __init__(self, setup: Callable[[], object]) -> None:
        self._setup = setup

    def commit(self, blob: bytes) -> bytes:
        """The commitment to a blob, 48 bytes."""
        _check_size("blob", blob, BLOB_SIZE_BYTES)
        return _refusing("the blob", lambda: ckzg.blob_to_kzg_commitment(blob, self._setup()))

    def cells(self, blob: bytes) -> tuple[bytes, ...]:
        """The 128 cells of a blob without proofs: a hundredth of the time of `extend`."""
        _check_size("blob", blob, BLOB_SIZE_BYTES)
        return tuple(_refusing("the blob", lambda: ckzg.compute_cells(blob, self._setup())))

    def extend(self, blob: bytes) -> Extended:
        """The 128 cells of a blob and their proofs."""
        _check_size("blob", blob, BLOB_SIZE_BYTES)
        return _taken(_refusing("the blob", lambda: ckzg.compute_cells_and_kzg_proofs(blob, self._setup())))

    def recover(self, cells: Mapping[int, bytes]) -> Extended:
        """All cells and proofs, from 64 or more cells of a blob by their numbers.

        Wrong cells are not noticed: verify them before, or the commitment afterwards.
        """
        if not CELLS_TO_RECOVER <= len(cells) <= CELLS_PER_BLOB:
            raise _refused(f"expected {CELLS_TO_RECOVER} to {CELLS_PER_BLOB} cells, got {len(cells)}")
        indices = sorted(cells)
        contents = [cells[index] for index in indices]
        for index, content in zip(indices, contents, strict=True):
            _check_cell(index, content)
        lists = _refusing(
            "a cell",
            lambda: ckzg.recover_cells_and_kzg_proofs(indices, contents, self._setup()),
        )
        return _taken(lists)

    def verify_cells(self, checks: Sequence[CellCheck]) -> bool:
        """Whether all of these statements are true, of any number of blobs; one call for many is fastest."""
        for check in checks:
            _check_cell(check.cell, check.content)
            _check_size("commitment", check.commitment, COMMITMENT_SIZE_BYTES)
            _check_size("proof", check.proof, PROOF_SIZE_BYTES)
        return _refusing(
            "a commitment, cell or proof",
            lambda: ckzg.verify_cell_kzg_proof_batch(
                [check.commitment for check in checks],
                [check.cell for check in checks],
                [check.content for check in checks],
                [check.proof for check in checks],
                self._setup(),
            ),
        )

    def is_commitment(self, commitment: bytes) -> bool:
        """Whether these are the 48 bytes of a commitment: a point of the curve's subgroup, or none at all."""
        try:
            self.verify_opening(commitment, _ZERO, _ZERO, NO_POINT)
        except Rejected:
            return False
        return True

    def open(self, blob: bytes, z: bytes) -> tuple[bytes, bytes]:
        """The value y of the blob's polynomial at `z`, 32 bytes, and the proof of it, 48 bytes."""
        _check_size("blob", blob, BLOB_SIZE_BYTES)
        _check_size("point", z, FIELD_ELEMENT_SIZE_BYTES)
        proof, y = _refusing("the blob or the point", lambda: ckzg.compute_kzg_proof(blob, z, self._setup()))
        return y, proof

    def verify_opening(self, commitment: bytes, z: bytes, y: bytes, proof: bytes) -> bool:
        """Whether the committed polynomial has the value `y` at `z`."""
        _check_size("commitment", commitment, COMMITMENT_SIZE_BYTES)
        _check_size("point", z, FIELD_ELEMENT_SIZE_BYTES)
        _check_size("value", y, FIELD_ELEMENT_SIZE_BYTES)
        _check_size("proof", proof, PROOF_SIZE_BYTES)
        return _refusing(
            "the commitment, point, value or proof",
            lambda: ckzg.verify_kzg_proof(commitment, z, y, proof, self._setup()),
        )


def _taken(lists: tuple[list[bytes], list[bytes]]) -> Extended:
    """The cells and proofs. ckzg 2.1.8 never frees its lists, as it forgets a reference: emptied here."""
    cells, proofs = lists
    extended = Extended(cells=tuple(cells), proofs=tuple(proofs))
    cells.clear()
    proofs.clear()
    return extended


def _check_cell(index: int, content: bytes) -> None:
    if not 0 <= index < CELLS_PER_BLOB:
        raise _refused(f"expected a cell number below {CELLS_PER_BLOB}, got {index}")
    _check_size("cell", content, CELL_SIZE_BYTES)


def _check_size(what: str, content: bytes, size_bytes: int) -> None:
    if len(content) != size_bytes:
        raise _refused(f"expected a {what} of {size_bytes} bytes, got {len(content)}")


def _refusing(what: str, call: Callable[[], _Result]) -> _Result:
    """The result of a call of the library, whose only error for input of the right size is RuntimeError."""
    try:
        return call()
    except RuntimeError as error:
        raise _refused(
            f"expected points of the curve and field elements below the modulus, got others in {what}"
        ) from error


def _refused(message: str) -> Rejected:
    return Rejected(Reject.KZG_INPUT, message)
