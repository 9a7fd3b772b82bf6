"""Checks content against its name while it arrives."""

from typing import Protocol

from truestep.adapters.blobs.addresses import BlobName, parse_name, program_name
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.manifest import MANIFEST_LIMIT_BYTES, item_name, parse_manifest
from truestep.base.errors import Reject, Rejected
from truestep.commitments.keccak import new_keccak256
from truestep.commitments.kzg import BLOB_SIZE_BYTES, versioned_hash
from truestep.commitments.merkle import StreamedRoot
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import FILE_LIMIT_BYTES, load_elf
from truestep.machine.layout import RANGE_LEVEL


class NameCheck(Protocol):
    """Takes content in pieces, at most `limit_of` its name, and checks it at the end."""

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        ...

    def mismatch(self) -> str:
        """Why the content does not match the name; empty if it does. Must be the last call."""
        ...


def name_check(name: str) -> NameCheck:
    """The check of content under `name`. Raises `Rejected` if that is no name."""
    parsed = parse_name(name)
    match parsed.kind:
        case "programs":
            return _ProgramCheck(name)
        case "inputs" | "outputs":
            return _RangeCheck(parsed)
        case "items":
            return _ManifestCheck(parsed.digest)
        case "kzg":
            return _KzgCheck(parsed.digest)
        case _:
            return _HashCheck(parsed.digest)


def check_named(name: str, content: bytes) -> bytes:
    """`content`, if it matches `name`. Raises `Rejected` if not."""
    check = name_check(name)
    check.update(content)
    trouble = check.mismatch()
    if trouble:
        raise Rejected(Reject.BLOB_MISMATCH, f"{trouble}; fetch it from another store")
    return content


class _HashCheck:
    def __init__(self, digest: str) -> None:
        self._digest = digest
        self._hash = new_keccak256(b"")

    def update(self, piece: bytes) -> None:
        self._hash.update(piece)

    def mismatch(self) -> str:
        actual = self._hash.hexdigest()
        return "" if actual == self._digest else f"expected hash {self._digest}, got {actual}"


class _ProgramCheck:
    def __init__(self, name: str) -> None:
        self._name = name
        self._elf = bytearray()

    def update(self, piece: bytes) -> None:
        if len(self._elf) <= FILE_LIMIT_BYTES:
            self._elf += piece

    def mismatch(self) -> str:
        try:
            program = load_elf(bytes(self._elf))
        except Rejected as error:
            return f"expected the ELF file of {self._name}, got another file ({error})"
        actual = program_name(program.root(hash_many_pairs), program.entry)
        return "" if actual == self._name else f"expected {self._name}, got {actual}"


class _RangeCheck:
    """Of an input, which has exactly the size in its name, or of an output range, which may go on."""

    def __init__(self, name: BlobName) -> None:
        self._name = name
        self._root = StreamedRoot(RANGE_LEVEL, hash_many_pairs)
        self._size_bytes = 0
        self._ends_in_zero = False

    def update(self, piece: bytes) -> None:
        self._root.update(piece)
        self._size_bytes += len(piece)
        self._ends_in_zero = piece[-1:] == b"\0"

    def mismatch(self) -> str:
        expected_bytes, is_input = self._name.size_bytes, self._name.kind == "inputs"
        if self._size_bytes < expected_bytes or (is_input and self._size_bytes != expected_bytes):
            return f"expected {expected_bytes} bytes of {self._name.kind}, got {self._size_bytes}"
        if self._size_bytes > expected_bytes and self._ends_in_zero:
            return "expected an output range without zeros at its end, got some"  # of any number
        actual = self._root.finish().hex()
        return "" if actual == self._name.digest else f"expected root {self._name.digest}, got {actual}"


class _ManifestCheck:
    def __init__(self, digest: str) -> None:
        self._digest = digest
        self._text = bytearray()

    def update(self, piece: bytes) -> None:
        if len(self._text) <= MANIFEST_LIMIT_BYTES:
            self._text += piece

    def mismatch(self) -> str:
        try:
            manifest = parse_manifest(bytes(self._text))
        except Rejected as error:
            return str(error)
        actual = item_name(manifest.parts_hash, manifest.hashes_root).hex()
        return "" if actual == self._digest else f"expected item {self._digest}, got {actual}"


class _KzgCheck:
    """Of a blob: its commitment takes a twentieth of a second, and the first one loads the trusted setup."""

    def __init__(self, digest: str) -> None:
        self._digest = digest
        self._blob = bytearray()

    def update(self, piece: bytes) -> None:
        if len(self._blob) <= BLOB_SIZE_BYTES:
            self._blob += piece

    def mismatch(self) -> str:
        try:
            actual = versioned_hash(open_kzg().commit(bytes(self._blob))).hex()
        except Rejected as error:
            return str(error)
        return "" if actual == self._digest else f"expected versioned hash {self._digest}, got {actual}"
