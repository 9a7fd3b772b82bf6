"""The manifest of an item: its parts and the commitments of its blobs, from which all else follows (A1.4)."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

from truestep.availability.parts import BLOB_LIMIT, PART_LIMIT, Layout, Part, parts_hash
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.kzg import COMMITMENT_SIZE_BYTES, versioned_hash
from truestep.commitments.merkle import pair_tree_levels

MANIFEST_FORMAT = "truestep item"
MANIFEST_VERSION = 1
MANIFEST_LIMIT_BYTES = 1 << 20
"""The manifest of 4,352 blobs has half of it."""

_PART_FIELDS = ("root", "depth", "first_leaf", "leaf_count")
_FIELDS = ("format", "version", "parts", "commitments")
_LISTS = 2
"""Deep nests are refused before they are parsed: where the recursion limit is high, they crash Python."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an item consists of. `to_json` and `parse_manifest` are inverses."""

    parts: tuple[Part, ...]
    commitments: tuple[bytes, ...]
    """Of each blob, 48 bytes; nothing here says that they are points of the curve."""

    def __post_init__(self) -> None:
        """Refuse parts that no item has, and commitments of other blobs."""
        if len(self.commitments) != self.layout.blob_count:
            raise _malformed(f"expected {self.layout.blob_count} commitments, got {len(self.commitments)}")
        if any(len(commitment) != COMMITMENT_SIZE_BYTES for commitment in self.commitments):
            raise _malformed(f"expected commitments of {COMMITMENT_SIZE_BYTES} bytes each")

    @cached_property
    def layout(self) -> Layout:
        """Where the parts lie."""
        return Layout(parts=self.parts)

    @cached_property
    def versioned_hashes(self) -> tuple[Bytes32, ...]:
        """Of each blob."""
        return tuple(map(versioned_hash, self.commitments))

    @cached_property
    def hashes_root(self) -> Bytes32:
        """The root of the tree over the versioned hashes."""
        return hashes_root(self.versioned_hashes)

    @cached_property
    def parts_hash(self) -> Bytes32:
        """The hash of the parts."""
        return parts_hash(self.parts)

    @cached_property
    def name(self) -> Bytes32:
        """What the item is called at keepers and in stores."""
        return item_name(self.parts_hash, self.hashes_root)

    def hash_path(self, blob: int) -> tuple[Bytes32, ...]:
        """The siblings from the versioned hash of a blob up to `hashes_root`."""
        return hash_path(self.versioned_hashes, blob)

    def to_json(self) -> str:
        """The manifest as the text of its file."""
        parts = [
            {
                "root": part.root.hex(),
                "depth": part.depth,
                "first_leaf": part.first_leaf,
                "leaf_count": part.leaf_count,
            }
            for part in self.parts
        ]
        commitments = [commitment.hex() for commitment in self.commitments]
        fields = (MANIFEST_FORMAT, MANIFEST_VERSION, parts, commitments)
        return json.dumps(dict(zip(_FIELDS, fields, strict=True)), indent=1) + "\n"


def parse_manifest(text: str | bytes) -> Manifest:
    """The manifest that `text` encodes. Raises Rejected, which says what is wrong."""
    if len(text) > MANIFEST_LIMIT_BYTES:
        raise _malformed(f"expected at most {MANIFEST_LIMIT_BYTES} bytes, got {len(text)}")
    try:
        words = text if isinstance(text, str) else text.decode()
        if words.count("[") > _LISTS or words.count("{") > 1 + PART_LIMIT:
            raise ValueError("more lists or objects than a manifest has")
        content = json.loads(words, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"expected JSON, got other text ({error})") from error
    fields = _fields("the manifest", content, _FIELDS)
    kind = (fields["format"], fields["version"])
    if kind != (MANIFEST_FORMAT, MANIFEST_VERSION) or not _is_count(fields["version"]):
        raise _malformed(
            f"expected format {MANIFEST_FORMAT!r} and version {MANIFEST_VERSION}, got {kind[0]!r} and"
            f" {kind[1]!r}; a newer release may read it"
        )
    return Manifest(
        parts=tuple(_part(number, part) for number, part in enumerate(_list("parts", fields["parts"]))),
        commitments=tuple(
            _digits(f"commitment {number}", commitment, COMMITMENT_SIZE_BYTES)
            for number, commitment in enumerate(_list("commitments", fields["commitments"]))
        ),
    )


def item_name(parts_hash: Bytes32, hashes_root: Bytes32) -> Bytes32:
    """What an item is called at keepers and in stores: by its content, whatever its number on a chain."""
    return keccak256(parts_hash + hashes_root)


def hashes_root(hashes: Sequence[Bytes32]) -> Bytes32:
    """The root of the positional tree over versioned hashes: smallest depth, zero leaves behind (S4.1)."""
    return Bytes32(pair_tree_levels(hashes, _depth(len(hashes)))[-1][0])


def hash_path(hashes: Sequence[Bytes32], blob: int) -> tuple[Bytes32, ...]:
    """The siblings from the versioned hash of a blob up to the root."""
    if not 0 <= blob < len(hashes):
        raise ValueError(f"expected a blob below {len(hashes)}, got {blob}")
    levels = pair_tree_levels(hashes, _depth(len(hashes)))[:-1]
    return tuple(Bytes32(nodes[blob >> level ^ 1]) for level, nodes in enumerate(levels))


def _depth(count: int) -> int:
    return (count - 1).bit_length()


def _part(number: int, content: object) -> Part:
    fields = _fields(f"part {number}", content, _PART_FIELDS)
    counts = {name: fields[name] for name in _PART_FIELDS[1:]}
    for name, count in counts.items():
        if not _is_count(count):
            raise _malformed(f"part {number}: expected {name} to be a number of 0 or more, got {count!r}")
    return Part(root=Bytes32(_digits(f"the root of part {number}", fields["root"], 32)), **counts)


def _fields(what: str, content: object, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(content, dict) or set(content) != set(names):  # pyright: ignore[reportUnknownArgumentType]
        raise _malformed(f"expected {what} to be an object of {', '.join(names)}")
    return content  # pyright: ignore[reportUnknownVariableType]


def _list(what: str, content: object) -> list[object]:
    if not isinstance(content, list) or len(content) > BLOB_LIMIT:  # pyright: ignore[reportUnknownArgumentType]
        raise _malformed(f"expected {what} to be a list of at most {BLOB_LIMIT}")
    return content  # pyright: ignore[reportUnknownVariableType]


def _is_count(content: object) -> TypeGuard[int]:
    return type(content) is int and content >= 0


def _digits(what: str, content: object, size_bytes: int) -> bytes:
    if not isinstance(content, str) or not re.fullmatch(f"[0-9a-f]{{{2 * size_bytes}}}", content):
        raise _malformed(f"expected {what} to be {2 * size_bytes} lower-case hex digits")
    return bytes.fromhex(content)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a field stands twice")
    return content


def _malformed(message: str) -> Rejected:
    return Rejected(Reject.ITEM_MANIFEST, f"{message}; a manifest comes from whoever made the item")
