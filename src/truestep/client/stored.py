"""Programs and inputs from a blob store: by what the chain knows of them, else by the URI in the job."""

import hashlib
from collections.abc import Callable

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import FILE_LIMIT_BYTES
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import Blobs


def stored_program(blobs: Blobs, image_root: Bytes32, entry: int, digest: bytes, uri: str) -> bytes:
    """The ELF file that was registered. Raises Rejected if only others are found, Unavailable if none is."""

    def expected(elf: bytes) -> bytes:
        if hashlib.sha256(elf).digest() != digest:
            raise Rejected(
                Reject.PROGRAM_MISMATCH, f"expected the ELF file with SHA-256 {digest.hex()}, got another"
            )
        return elf

    return _first_of(
        lambda: expected(blobs.get(uri, FILE_LIMIT_BYTES)),
        lambda: expected(blobs.get_program(image_root, entry)),
    )


def stored_image(blobs: Blobs, image_root: Bytes32, entry: int, digest: bytes, uri: str) -> bytes:
    """The ELF file that was registered, else one with the same image, as keepers give: it runs alike.

    Raises as `stored_program`.
    """
    try:
        return stored_program(blobs, image_root, entry, digest, uri)
    except (Rejected, Unavailable) as trouble:
        try:
            return blobs.get_program(image_root, entry)
        except (Rejected, Unavailable):
            raise trouble from None


def stored_input(blobs: Blobs, input_root: Bytes32, size_bytes: int, uri: str) -> bytes:
    """The input of a job. Raises Rejected if only another is found, Unavailable if none is."""

    def expected(content: bytes) -> bytes:
        if len(content) != size_bytes or root_of_bytes(content, RANGE_LEVEL, hash_many_pairs) != input_root:
            raise Rejected(Reject.INPUT_MISMATCH, f"{uri} is not the input with root {input_root.hex()}")
        return content

    return _first_of(
        lambda: blobs.get_input(input_root, size_bytes),
        lambda: expected(blobs.get(uri, size_bytes)),
    )


def _first_of(first: Callable[[], bytes], second: Callable[[], bytes]) -> bytes:
    """What one of two ways gives; the first one's trouble if neither does."""
    try:
        return first()
    except (Rejected, Unavailable) as trouble:
        try:
            return second()
        except (Rejected, Unavailable):
            raise trouble from None
