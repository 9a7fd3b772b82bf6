"""Payload in blobs and back: 31 bytes to an element, behind a first byte of 0 (A1.1)."""

from truestep.availability.parts import BLOB_PAYLOAD_BYTES, ELEMENT_PAYLOAD_BYTES
from truestep.base.errors import Reject, Rejected
from truestep.commitments.kzg import BLOB_SIZE_BYTES, ELEMENTS_PER_BLOB, FIELD_ELEMENT_SIZE_BYTES


def blob_of(payload: bytes) -> bytes:
    """The blob with this payload, at most 126,976 bytes, and zeros behind it."""
    if len(payload) > BLOB_PAYLOAD_BYTES:
        raise ValueError(f"expected at most {BLOB_PAYLOAD_BYTES} bytes, got {len(payload)}")
    blob = bytearray(BLOB_SIZE_BYTES)
    full = payload.ljust(BLOB_PAYLOAD_BYTES, b"\0")
    for byte in range(ELEMENT_PAYLOAD_BYTES):
        blob[byte + 1 :: FIELD_ELEMENT_SIZE_BYTES] = full[byte::ELEMENT_PAYLOAD_BYTES]
    return bytes(blob)


def payload_of(blob: bytes, index: int) -> bytes:
    """The 126,976 bytes of payload in blob number `index` of an item. Rejected if an element has more."""
    if len(blob) != BLOB_SIZE_BYTES:
        raise Rejected(
            Reject.KZG_INPUT, f"expected blob {index} to have {BLOB_SIZE_BYTES} bytes, got {len(blob)}"
        )
    first_bytes = blob[::FIELD_ELEMENT_SIZE_BYTES]
    if first_bytes != bytes(ELEMENTS_PER_BLOB):
        element = next(number for number, byte in enumerate(first_bytes) if byte)
        raise Rejected(
            Reject.ELEMENT_TOO_LARGE,
            f"expected elements below 2^248, element {element} of blob {index} is not",
        )
    payload = bytearray(BLOB_PAYLOAD_BYTES)
    for byte in range(ELEMENT_PAYLOAD_BYTES):
        payload[byte::ELEMENT_PAYLOAD_BYTES] = blob[byte + 1 :: FIELD_ELEMENT_SIZE_BYTES]
    return bytes(payload)
