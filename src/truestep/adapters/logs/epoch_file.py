"""Files of epochs: what the logs of a group were, and who has signed it (docs/logs.md L5)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from truestep.adapters.documents import AddressText, Hex32, parsed
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.protocol.logs.contracts.anchors import GROUP_SIZE, LogNumber
from truestep.protocol.logs.epochs import Row, Rows, epoch_message, group_of, rows_of

FILE_LIMIT_BYTES = 1 << 20
"""Rows and signatures of 256 logs have 180 kB."""
PROPOSAL_LIMIT_BYTES = 64 << 10
"""Rows of 256 logs have 32 kB."""
EPOCH_PATH = "epoch"
"""Where a log takes proposals, and below which it serves epochs."""
ANSWER_LIMIT_BYTES = 4_096
Count = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[int, Field(ge=1, lt=2**63)]
EpochSignature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{512}$")]


class RowPart(BaseModel):
    """What one log was."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: Number
    size: Count
    root: Hex32

    def row(self) -> Row:
        """The row of the tree."""
        return Row(number=LogNumber(self.number), size=self.size, root=Bytes32(bytes.fromhex(self.root)))


class EpochFile(BaseModel):
    """What the logs of a group are asked to sign, and who has. `to_json` and `parse_epoch` are inverses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep epoch"] = "truestep epoch"
    version: Literal[1] = 1
    chain_id: Annotated[int, Field(ge=0, lt=2**256)]
    anchors: AddressText
    group: Count
    epoch: Count
    rows: Annotated[tuple[RowPart, ...], Field(min_length=1, max_length=GROUP_SIZE, strict=False)]
    signatures: dict[str, EpochSignature]
    """By the numbers of logs."""

    def to_json(self) -> str:
        """The text of the file."""
        return self.model_dump_json(indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.to_json())

    def tree(self) -> Rows:
        """The rows. Raises `Rejected` if two are of one log, or one is of another group."""
        try:
            found = rows_of(each.row() for each in self.rows)
        except ValueError as error:
            raise Rejected(Reject.LOG_STATE, f"{error}") from error
        if any(group_of(row.number) != self.group for row in found.by_place.values()):
            raise Rejected(Reject.LOG_STATE, f"expected rows of group {self.group} alone")
        return found

    def message(self) -> Bytes32:
        """What is signed."""
        return epoch_message(self.chain_id, Address(self.anchors), self.group, self.epoch, self.tree().root)

    def signed_by(self, number: int, signature: bytes) -> "EpochFile":
        """The file with one signature more."""
        return self.model_copy(update={"signatures": self.signatures | {f"{number}": signature.hex()}})

    def unsigned(self) -> "EpochFile":
        """The rows alone, which is all that readers of an anchor need."""
        return self.model_copy(update={"signatures": {}})


class EpochProposal(BaseModel):
    """What one log asks the others of its group to sign (L5.6)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: EpochFile
    proposer: Number
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")]
    """Of the proposer's signer: r, s, v."""


class EpochAnswer(BaseModel):
    """A log's part of the signature, and the key that it is made with."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{256}$")]
    signature: EpochSignature


def parse_epoch(content: bytes) -> EpochFile:
    """Read an epoch file. Raises `Rejected`."""
    if len(content) > FILE_LIMIT_BYTES:
        raise Rejected(Reject.LOG_STATE, f"expected an epoch file of at most {FILE_LIMIT_BYTES:,} bytes")
    return parsed(EpochFile, content, Reject.LOG_STATE, "a file that `truestep log propose` has written")


def parse_proposal(content: bytes) -> EpochProposal:
    """Read what another log proposes. Raises `Rejected`."""
    return parsed(EpochProposal, content, Reject.LOG_STATE, "a proposal of an epoch")


def parse_answer(content: bytes) -> EpochAnswer:
    """Read what another log has signed. Raises `Rejected`."""
    return parsed(EpochAnswer, content, Reject.LOG_STATE, "a signature of an epoch")


def merged(files: Sequence[EpochFile]) -> EpochFile:
    """Copies of one epoch file that several have signed. Raises `Rejected` if they differ otherwise."""
    first = files[0]
    signatures: dict[str, str] = {}
    for each in files:
        if each.model_copy(update={"signatures": first.signatures}) != first:
            raise Rejected(Reject.LOG_STATE, "the files are of different epochs or rows; all sign one file")
        signatures |= each.signatures
    return first.model_copy(update={"signatures": signatures})


# --- beside the log -------------------------------------------------------------------------------


def epoch_path(epoch: int, root: bytes) -> str:
    """Where a log serves the rows of an epoch (L5.7)."""
    return f"{EPOCH_PATH}/{epoch}/{root.hex()}"


class EpochFolder:
    """Rows that a log has signed, in its folder. What was never anchored is dropped after a while."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, file: EpochFile) -> None:
        """Keep the rows, durably. Raises OSError."""
        plain = file.unsigned()
        write_file(self._folder / epoch_path(plain.epoch, plain.tree().root), plain.to_json())

    def before(self, epoch: int, count: int) -> list[int]:
        """The last so many epochs before this one of which rows are kept. Raises OSError."""
        place = self._folder / EPOCH_PATH
        names = (path.name for path in place.iterdir()) if place.is_dir() else ()
        kept = sorted(int(name) for name in names if name.isdecimal() and int(name) < epoch)
        return kept[-count:]

    def drop(self, epoch: int, anchored: frozenset[Bytes32]) -> None:
        """Drop the rows of an epoch that no anchor has. Raises OSError."""
        place = self._folder / f"{EPOCH_PATH}/{epoch}"
        names = {root.hex() for root in anchored}
        for path in place.iterdir() if place.is_dir() else ():
            if path.name not in names:
                path.unlink(missing_ok=True)
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()
