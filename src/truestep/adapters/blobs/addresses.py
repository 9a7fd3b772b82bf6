"""Names of blobs, and the checks that every blob store makes."""

import re

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import OUTPUT_LIMIT_BYTES, RANGE_LEVEL

SCHEME = "blob:"
_URI = re.compile(r"blob:([0-9a-f]{64})")
BLOB_LIMIT_BYTES = OUTPUT_LIMIT_BYTES
"""512 MiB: nothing that the machine reads or writes is larger."""


def blob_name(content: bytes) -> str:
    """Keccak-256 in hex."""
    return keccak256(content).hex()


def output_name(output_root: Bytes32, size_bytes: int) -> str:
    """Where an output lies. Root and size name one content: zeros at its end do not change the root."""
    return f"outputs/{output_root.hex()}-{size_bytes}"


def is_output(name: str, content: bytes) -> bool:
    """Whether `content` is the output that `name` names."""
    return name == output_name(root_of_bytes(content, RANGE_LEVEL), len(content))


def name_of_uri(uri: str) -> str:
    """The hex hash in a blob URI. Raises `Rejected` for any other URI: nobody sends us elsewhere."""
    matched = _URI.fullmatch(uri)
    if matched is None:
        raise Rejected(Reject.BLOB_URI, f"expected blob: and 64 hex digits, got {uri[:100]!r}")
    return matched[1]


def check_blob(content: bytes, name: str) -> bytes:
    """`content` if it is what its name says."""
    actual = blob_name(content)
    if actual != name:
        raise Rejected(
            Reject.BLOB_MISMATCH, f"expected hash {name}, got {actual}; fetch it from another store"
        )
    return content


def check_output(output: bytes, output_root: Bytes32, size_bytes: int) -> bytes:
    """`output` if it has this size and is followed by zeros up to this root."""
    actual = root_of_bytes(output, RANGE_LEVEL) if len(output) == size_bytes else None
    if actual != output_root:
        raise Rejected(
            Reject.BLOB_MISMATCH,
            f"expected an output of {size_bytes} bytes with root {output_root.hex()},"
            f" got {len(output)} bytes with another root; fetch it from another store, or run the task again",
        )
    return output


def too_large(name: str, limit_bytes: int) -> Rejected:
    """The refusal of a blob over its limit."""
    return Rejected(Reject.BLOB_TOO_LARGE, f"expected at most {limit_bytes} bytes, {name} has more")
