"""Some bytes of an output, proved to be in the result of a job without showing the rest."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from truestep.adapters.documents import parsed
from truestep.adapters.files import write_file
from truestep.adapters.keepers.deletion import DeletionReceipt, parse_deletion
from truestep.availability.leaves import ShownLeaves, merged, root_of_shown, show_leaves
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.client.receipt import (
    RECEIPT_LIMIT_BYTES,
    RECEIPT_VERSION,
    Hex32,
    HexBytes,
    Receipt,
    ShardPart,
    parse_receipt,
)
from truestep.client.verification import Check
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import LEAF_SIZE_BYTES, RANGE_LEVEL

DISCLOSURE_VERSION = 1
SHOWN_LIMIT_BYTES = 16 << 20
"""Whoever wants to show more shows the output."""
RANGE_LIMIT = 4096

_HEAD = re.compile(rb'\s*\{\s*"format"\s*:\s*"truestep (disclosure|deletion)"')


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RangePart(_Part):
    """Pairs of neighbouring leaves of the output, and their path to its root."""

    first_leaf: Annotated[int, Field(ge=0, lt=1 << RANGE_LEVEL)]
    content: HexBytes
    path: tuple[Hex32, ...] = Field(strict=False, max_length=2 * RANGE_LEVEL)

    def as_leaves(self) -> ShownLeaves:
        """The same as a value."""
        return ShownLeaves(
            first_leaf=self.first_leaf,
            content=bytes.fromhex(self.content),
            path=tuple(Bytes32(bytes.fromhex(node)) for node in self.path),
        )


class Disclosure(_Part):
    """What is shown of the output of one shard. `to_json` and `read_shown` are inverses."""

    format: Literal["truestep disclosure"] = "truestep disclosure"
    version: Literal[1] = DISCLOSURE_VERSION
    receipt: Receipt
    """Of the job, without program, input and outputs."""
    shard_index: int
    ranges: tuple[RangePart, ...] = Field(strict=False, min_length=1, max_length=RANGE_LIMIT)

    def shard(self) -> ShardPart:
        """The shard whose output is shown in part. Raises Rejected if the receipt does not have it."""
        for shard in self.receipt.shards:
            if shard.shard_index == self.shard_index:
                return shard
        raise Rejected(
            Reject.DISCLOSURE_MALFORMED, f"expected shard {self.shard_index} in its receipt, it is missing"
        )

    def to_json(self) -> str:
        """The disclosure as the text of its file."""
        return self.model_dump_json(indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.to_json())


def disclose(
    receipt: Receipt, shard_index: int, output: bytes, ranges: Sequence[tuple[int, int]]
) -> Disclosure:
    """Show these ranges of bytes of a shard's output, (start, end), widened to whole pairs of leaves.

    `output` is all that the guest wrote, also behind the output's size. Raises Rejected if it is another one.
    """
    shown = Disclosure(
        receipt=_bare(receipt),
        shard_index=shard_index,
        ranges=tuple(_range(output, start, end) for start, end in _checked(ranges, len(output))),
    )
    found, expected = root_of_bytes(output, RANGE_LEVEL, hash_many_pairs).hex(), shown.shard().output_root
    if found != expected:
        raise Rejected(
            Reject.DISCLOSURE_OTHER,
            f"expected the output of shard {shard_index}, with root {expected}, got bytes with root {found}",
        )
    return shown


def check_disclosure(disclosure: Disclosure) -> Iterator[Check]:
    """Whether the bytes are at their places in the output that the receipt tells of."""
    expected = disclosure.shard().output_root
    for part in disclosure.ranges:
        shown = part.as_leaves()
        end = shown.first_byte + len(shown.content)
        name = f"shard {disclosure.shard_index}: bytes {shown.first_byte} to {end - 1} are in its output"
        try:
            found = root_of_shown(shown, RANGE_LEVEL, hash_many_pairs).hex()
        except Rejected as error:
            yield Check(name=name, passed=False, detail=str(error))
            continue
        detail = "" if found == expected else f"expected root {expected}, got {found}"
        yield Check(name=name, passed=found == expected, detail=detail)


def read_shown(path: Path) -> Receipt | Disclosure | DeletionReceipt:
    """The receipt, disclosure or deletion receipt in a file.

    Raises Rejected if it is none of them, OSError if it cannot be read.
    """
    size_bytes = path.stat().st_size
    if size_bytes > RECEIPT_LIMIT_BYTES:
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"expected at most {RECEIPT_LIMIT_BYTES} bytes in {path}, got {size_bytes}",
        )
    text = path.read_bytes()
    head = _HEAD.match(text)
    if head is None:
        return parse_receipt(text)
    return parse_deletion(text) if head[1] == b"deletion" else parse_disclosure(text)


def parse_disclosure(text: bytes | str) -> Disclosure:
    """The disclosure that `text` encodes. Raises Rejected, which names the first wrong field."""
    return parsed(Disclosure, text, Reject.DISCLOSURE_MALFORMED, "a file from `truestep disclose`")


def _bare(receipt: Receipt) -> Receipt:
    """The receipt without anything that somebody may want to keep to himself."""
    return receipt.model_copy(
        update={
            **({"proofs": None, "version": RECEIPT_VERSION} if receipt.proofs is not None else {}),
            "program": receipt.program.model_copy(update={"elf": None}),
            "input": receipt.input.model_copy(update={"content": None, "uri": ""}),
            "shards": tuple(shard.model_copy(update={"output": None}) for shard in receipt.shards),
        }
    )


def _checked(ranges: Sequence[tuple[int, int]], size_bytes: int) -> list[tuple[int, int]]:
    for start, end in ranges:
        if not 0 <= start < end <= size_bytes:
            raise Rejected(
                Reject.DISCLOSURE_OTHER,
                f"expected ranges of bytes below {size_bytes}, each with its start before its end, got"
                f" {start}:{end}",
            )
    wide = merged(ranges)
    if len(wide) > RANGE_LIMIT or sum(end - start for start, end in wide) > SHOWN_LIMIT_BYTES:
        raise Rejected(
            Reject.DISCLOSURE_OTHER,
            f"expected at most {RANGE_LIMIT} ranges of {SHOWN_LIMIT_BYTES} bytes together; show the output",
        )
    return wide


def _range(output: bytes, start: int, end: int) -> RangePart:
    shown = show_leaves(output, RANGE_LEVEL, start, end, hash_many_pairs)
    return RangePart(
        first_leaf=start // LEAF_SIZE_BYTES,
        content=shown.content.hex(),
        path=tuple(node.hex() for node in shown.path),
    )
