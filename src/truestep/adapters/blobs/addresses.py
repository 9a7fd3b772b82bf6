"""Names of blobs.

* `{hash}`: any content, by its Keccak-256.
* `programs/{image root}-{entry}`: an ELF file, by what the chain knows of its program; the entry in hex.
* `inputs/{root}-{size}`: an input, by its root and its size in bytes.
* `outputs/{root}-{size}`: an output range up to its last byte that is not zero, at least the output's size.
* `items/{name}`: the manifest of an item, by the item's name at keepers (docs/keepers.md).
* `kzg/{versioned hash}`: a blob of an item, 131,072 bytes, by the hash of its commitment.
"""

import re
from dataclasses import dataclass

from truestep.availability.manifest import MANIFEST_LIMIT_BYTES
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.kzg import BLOB_SIZE_BYTES
from truestep.machine.elf import FILE_LIMIT_BYTES
from truestep.machine.layout import INPUT_LIMIT_BYTES, OUTPUT_LIMIT_BYTES
from truestep.ports.blobs import Pieces

SCHEME = "blob:"
_URI = re.compile(r"blob:([0-9a-f]{64})")
_NAME = re.compile(
    r"(?P<hash>[0-9a-f]{64})"
    r"|programs/(?P<image_root>[0-9a-f]{64})-(?P<entry>0|[1-9a-f][0-9a-f]{0,7})"
    r"|(?P<kind>inputs|outputs)/(?P<root>[0-9a-f]{64})-(?P<size>0|[1-9][0-9]{0,8})"
    r"|(?P<part>items|kzg)/(?P<name>[0-9a-f]{64})"
)
BLOB_LIMIT_BYTES = OUTPUT_LIMIT_BYTES
"""512 MiB. Nothing that the machine reads or writes is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobName:
    """The parts of a name: its kind (empty for content by its hash), the hash or root, and the size or 0."""

    text: str
    """All of it."""
    kind: str
    digest: str
    size_bytes: int


def blob_name(content: bytes) -> str:
    """Keccak-256 in hex."""
    return keccak256(content).hex()


def program_name(image_root: Bytes32, entry: int) -> str:
    """Where the ELF file of a program is stored."""
    return f"programs/{image_root.hex()}-{entry:x}"


def input_name(input_root: Bytes32, size_bytes: int) -> str:
    """Where an input is stored. Root and size name one content: zeros at its end do not change the root."""
    return f"inputs/{input_root.hex()}-{size_bytes}"


def output_name(output_root: Bytes32, size_bytes: int) -> str:
    """Where an output is stored."""
    return f"outputs/{output_root.hex()}-{size_bytes}"


def manifest_name(item: Bytes32) -> str:
    """Where the manifest of an item is stored."""
    return f"items/{item.hex()}"


def kzg_name(versioned_hash: Bytes32) -> str:
    """Where a blob of an item is stored."""
    return f"kzg/{versioned_hash.hex()}"


def name_of_uri(uri: str) -> str:
    """The hex hash in a blob URI. Raises `Rejected` for any other URI: nobody can send us elsewhere."""
    matched = _URI.fullmatch(uri)
    if matched is None:
        raise Rejected(Reject.BLOB_URI, f"expected blob: and 64 hex digits, got {uri[:100]!r}")
    return matched[1]


def parse_name(text: str) -> BlobName:
    """The parts of a name. Raises `Rejected` for text that is not the name of a blob."""
    matched = _NAME.fullmatch(text)
    if matched is None:
        raise Rejected(Reject.BLOB_URI, f"expected the name of a blob, got {text[:100]!r}")
    digest = matched["hash"] or matched["image_root"] or matched["root"] or matched["name"]
    kind = matched["kind"] or matched["part"] or ("programs" if matched["image_root"] else "")
    return BlobName(text=text, kind=kind, digest=digest, size_bytes=int(matched["size"] or 0))


def limit_of(name: str) -> int:
    """The largest possible size of the blob `name`."""
    parsed = parse_name(name)
    match parsed.kind:
        case "programs":
            return FILE_LIMIT_BYTES
        case "inputs":
            return min(parsed.size_bytes, INPUT_LIMIT_BYTES)
        case "items":
            return MANIFEST_LIMIT_BYTES
        case "kzg":
            return BLOB_SIZE_BYTES
        case _:
            return BLOB_LIMIT_BYTES


def content_size(content: bytes | Pieces) -> int:
    """The size of content in bytes."""
    return len(content) if isinstance(content, bytes) else content.size_bytes


def too_large(name: str, limit_bytes: int) -> Rejected:
    """The refusal of a blob over its limit."""
    return Rejected(Reject.BLOB_TOO_LARGE, f"expected at most {limit_bytes} bytes, {name} has more")
