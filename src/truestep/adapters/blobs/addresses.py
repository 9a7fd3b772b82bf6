"""Names of blobs, and the checks that every blob store makes.

* `{hash}`: any content, by its Keccak-256.
* `programs/{image root}-{entry}`: an ELF file, by what the chain knows of its program; the entry in hex.
* `inputs/{root}-{size}`: an input, by its root and its size in bytes.
* `outputs/{root}-{size}`: an output range up to its last byte that is not zero, at least the output's size.
"""

import re
from collections.abc import Iterable

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import PairHasher, hash_pairs, keccak256
from truestep.commitments.merkle import StreamedRoot
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf
from truestep.machine.layout import INPUT_LIMIT_BYTES, OUTPUT_LIMIT_BYTES, RANGE_LEVEL
from truestep.ports.blobs import Pieces

SCHEME = "blob:"
_URI = re.compile(r"blob:([0-9a-f]{64})")
_NAME = re.compile(
    r"(?P<hash>[0-9a-f]{64})"
    r"|programs/(?P<image_root>[0-9a-f]{64})-(?P<entry>0|[1-9a-f][0-9a-f]{0,7})"
    r"|(?P<kind>inputs|outputs)/(?P<root>[0-9a-f]{64})-(?P<size>0|[1-9][0-9]{0,8})"
)
BLOB_LIMIT_BYTES = OUTPUT_LIMIT_BYTES
"""512 MiB: nothing that the machine reads or writes is larger."""
FAST_HASHER_FROM_BYTES = 1 << 20
"""From here on the engine's hasher, 50 times as fast, is worth the half second that it takes to load."""


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


def is_name(text: str) -> bool:
    """Whether `text` names a blob."""
    return _NAME.fullmatch(text) is not None


def name_of_uri(uri: str) -> str:
    """The hex hash in a blob URI. Raises `Rejected` for any other URI: nobody sends us elsewhere."""
    matched = _URI.fullmatch(uri)
    if matched is None:
        raise Rejected(Reject.BLOB_URI, f"expected blob: and 64 hex digits, got {uri[:100]!r}")
    return matched[1]


def limit_of(name: str) -> int:
    """The most bytes that what `name` names can have."""
    if name.startswith("programs/"):
        return FILE_LIMIT_BYTES
    if name.startswith("inputs/"):
        return min(int(name.rpartition("-")[2]), INPUT_LIMIT_BYTES)
    return BLOB_LIMIT_BYTES


def range_root(pieces: Iterable[bytes | memoryview], size_bytes: int) -> Bytes32:
    """The root of an input or output range that begins with `pieces`, `size_bytes` in all."""
    root = StreamedRoot(RANGE_LEVEL, hasher_for(size_bytes))
    for piece in pieces:
        root.update(piece)
    return root.finish()


def hasher_for(size_bytes: int) -> PairHasher:
    """What hashes a tree over so many bytes soonest."""
    if size_bytes < FAST_HASHER_FROM_BYTES:
        return hash_pairs
    from truestep.engine.keccak import vector_hash_pairs  # loads LLVM

    return vector_hash_pairs


def check_named(name: str, content: bytes) -> bytes:
    """`content` if it is what `name` says. Raises `Rejected` if not."""
    trouble = _mismatch(name, content)
    if trouble:
        raise Rejected(Reject.BLOB_MISMATCH, f"{trouble}; fetch it from another store")
    return content


def _mismatch(name: str, content: bytes) -> str:
    """Why `content` is not what `name` says; empty if it is."""
    matched = _NAME.fullmatch(name)
    if matched is None:
        return f"expected the name of a blob, got {name[:100]!r}"
    if matched["hash"]:
        actual = blob_name(content)
        return "" if actual == name else f"expected hash {name}, got {actual}"
    if matched["image_root"]:
        return _program_mismatch(name, content)
    size_bytes, kind = int(matched["size"]), matched["kind"]
    if kind == "inputs" and len(content) != size_bytes:
        return f"expected an input of {size_bytes} bytes for {name}, got {len(content)} bytes"
    if kind == "outputs" and not size_bytes <= len(content) <= OUTPUT_LIMIT_BYTES:
        return f"expected an output of {size_bytes} bytes for {name}, got {len(content)} bytes"
    actual = range_root([content], len(content)).hex()
    return "" if actual == matched["root"] else f"expected root {matched['root']}, got {actual}"


def _program_mismatch(name: str, elf: bytes) -> str:
    try:
        program = load_elf(elf)
    except Rejected as error:
        return f"expected the ELF file of {name}, got a file that is none ({error})"
    actual = program_name(program.root(), program.entry)
    return "" if actual == name else f"expected {name}, got {actual}"


def content_size(content: bytes | Pieces) -> int:
    """The size of content in bytes."""
    return len(content) if isinstance(content, bytes) else content.size_bytes


def too_large(name: str, limit_bytes: int) -> Rejected:
    """The refusal of a blob over its limit."""
    return Rejected(Reject.BLOB_TOO_LARGE, f"expected at most {limit_bytes} bytes, {name} has more")
