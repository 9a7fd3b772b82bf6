"""Files that show that a log has two pasts: what `audit-log --evidence` writes and `log report` takes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from truestep.adapters.documents import Hex32, parsed
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.protocol.logs.contracts.anchors import GROUP_DEPTH, Anchor, AnchorNumber, AnchorPath
from truestep.protocol.logs.notes import NOTE_LIMIT_BYTES
from truestep.protocol.logs.tree import SIZE_LIMIT

FILE_LIMIT_BYTES = 8 * NOTE_LIMIT_BYTES
"""Two notes, whose characters JSON may write with six each."""
PATH_LIMIT = 65
"""Nodes of a proof of consistency between sizes below 2^63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredStatement:
    """That a log had this root at this size, as an anchor has it (L5.4)."""

    size: int
    root: Bytes32
    place: AnchorPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Two statements of a log that cannot both be true (L6.1): notes of checkpoints, or anchored rows."""

    first: bytes | AnchoredStatement
    """Of the smaller log."""
    second: bytes | AnchoredStatement
    path: tuple[Bytes32, ...]

    def to_json(self) -> str:
        """The evidence as the text of its file."""
        said = _File(first=_said(self.first), second=_said(self.second), path=tuple(map(_hex, self.path)))
        return said.model_dump_json(indent=1) + "\n"


def parse_evidence(content: bytes) -> Evidence:
    """The inverse of `Evidence.to_json`. Raises `Rejected`."""
    wanted = "a file that `audit-log --evidence` has written"
    if len(content) > FILE_LIMIT_BYTES:
        raise Rejected(Reject.LOG_STATE, f"expected at most {FILE_LIMIT_BYTES:,} bytes: {wanted}")
    said = parsed(_File, content, Reject.LOG_STATE, wanted)
    return Evidence(first=_read(said.first), second=_read(said.second), path=tuple(map(_word, said.path)))


# --- the file -------------------------------------------------------------------------------------

_Bitmap = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
"""As text: not every reader of JSON has numbers of 256 bits."""


class _AnchoredPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    size: Annotated[int, Field(ge=0, lt=SIZE_LIMIT)]
    root: Hex32
    anchor_number: Annotated[int, Field(ge=1, lt=2**63)]
    group: Annotated[int, Field(ge=0, lt=2**63)]
    epoch: Annotated[int, Field(ge=0, lt=2**63)]
    anchored_root: Hex32
    bitmap: _Bitmap
    path: Annotated[tuple[Hex32, ...], Field(min_length=GROUP_DEPTH, max_length=GROUP_DEPTH, strict=False)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep log evidence"] = "truestep log evidence"
    version: Literal[1, 2] = 2
    """The first one had notes alone."""
    first: str | _AnchoredPart
    second: str | _AnchoredPart
    path: Annotated[tuple[Hex32, ...], Field(max_length=PATH_LIMIT, strict=False)]


def _said(part: bytes | AnchoredStatement) -> str | _AnchoredPart:
    if isinstance(part, bytes):
        return part.decode()
    anchor = part.place.anchor
    return _AnchoredPart(
        size=part.size,
        root=_hex(part.root),
        anchor_number=part.place.number,
        group=anchor.group,
        epoch=anchor.epoch,
        anchored_root=_hex(anchor.root),
        bitmap=f"0x{anchor.bitmap:064x}",
        path=tuple(map(_hex, part.place.path)),
    )


def _read(said: str | _AnchoredPart) -> bytes | AnchoredStatement:
    if isinstance(said, str):
        return said.encode("utf-8", "replace")
    anchor = Anchor(
        group=said.group, epoch=said.epoch, root=_word(said.anchored_root), bitmap=int(said.bitmap, 16)
    )
    number, path = AnchorNumber(said.anchor_number), tuple(map(_word, said.path))
    return AnchoredStatement(
        size=said.size,
        root=_word(said.root),
        place=AnchorPath(number=number, anchor=anchor, path=path),
    )


def _hex(word: bytes) -> str:
    return word.hex()


def _word(text: str) -> Bytes32:
    return Bytes32(bytes.fromhex(text))
