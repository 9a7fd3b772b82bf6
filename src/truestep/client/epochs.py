"""Epochs: the logs of a group agree on what each of them was, and anchor it together (docs/logs.md L5)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog, key_words
from truestep.adapters.chain.codec import Message
from truestep.adapters.documents import parsed
from truestep.adapters.files import write_file
from truestep.adapters.logs.keys import LogKeys
from truestep.adapters.logs.sources import LogSource, entries_of
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.client.log_audit import OtherPast, is_signed_for_chain, served_note
from truestep.client.receipt import AddressText, Hex32
from truestep.commitments import bls
from truestep.protocol.logs.contracts.anchors import GROUP_SIZE, AnchorNumber, AnchorPath, LogNumber
from truestep.protocol.logs.epochs import (
    Row,
    Rows,
    epoch_message,
    group_of,
    number_at,
    place_of,
    rows_of,
)
from truestep.protocol.logs.notes import Checkpoint, verified_checkpoint
from truestep.protocol.logs.tree import leaf_hash, peaks_of

FILE_LIMIT_BYTES = 1 << 20
"""Rows and signatures of 256 logs have 180 kB."""
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{512}$")]


class RowPart(BaseModel):
    """What one log was."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: Annotated[int, Field(ge=1, lt=2**63)]
    size: _Count
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
    group: _Count
    epoch: _Count
    rows: Annotated[tuple[RowPart, ...], Field(min_length=1, max_length=GROUP_SIZE, strict=False)]
    signatures: dict[str, _Signature]
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


def parse_epoch(content: bytes) -> EpochFile:
    """Read an epoch file. Raises `Rejected`."""
    if len(content) > FILE_LIMIT_BYTES:
        raise Rejected(Reject.LOG_STATE, f"expected an epoch file of at most {FILE_LIMIT_BYTES:,} bytes")
    return parsed(EpochFile, content, Reject.LOG_STATE, "a file that `truestep log propose` has written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An epoch file, and why some logs have no row in it."""

    file: EpochFile
    left_out: dict[int, str]


def propose(desk: AnchorsDesk, group: int, source_of: Callable[[RegisteredLog], LogSource]) -> Proposal:
    """Ask every live log of a group what it is. Raises `Rejected` if none says it."""
    live = desk.live(group)
    rows: list[RowPart] = []
    left_out: dict[int, str] = {}
    for place in range(GROUP_SIZE):
        if not live >> place & 1:
            continue
        log = desk.get(number_at(group, place))
        try:
            found = _checkpoint_of(desk, log, source_of(log))
        except (Rejected, Unavailable, ValueError) as error:
            left_out[log.number] = str(error)
            continue
        rows.append(RowPart(number=log.number, size=found.size, root=found.root.hex()))
    if not rows:
        why = "; ".join(f"log {number}: {text}" for number, text in left_out.items()) or "there are none"
        raise Rejected(Reject.LOG_STATE, f"no live log of group {group} says what it is: {why}")
    file = EpochFile(
        chain_id=desk.chain_id,
        anchors=desk.address,
        group=group,
        epoch=desk.now() // desk.terms.epoch_seconds,
        rows=tuple(rows),
        signatures={},
    )
    return Proposal(file=file, left_out=left_out)


def _checkpoint_of(desk: AnchorsDesk, log: RegisteredLog, source: LogSource) -> Checkpoint:
    note = served_note(source)
    checkpoint = verified_checkpoint(note, log.verifier_key)
    if not is_signed_for_chain(note, checkpoint, log.signer, desk.anchoring):
        raise Rejected(Reject.LOG_SIGNATURE, "its checkpoint is not signed for the chain")
    return checkpoint


def sign(file: EpochFile, desk: AnchorsDesk, keys: LogKeys, source: LogSource) -> EpochFile:
    """Sign for the account's log, whose row must be what the log was (L5.3). Raises `Rejected`."""
    _require_here(file, desk)
    log = desk.log_of(keys.signer)
    if log is None:
        raise Rejected(Reject.LOG_UNKNOWN, f"{keys.signer} has no log that is registered and live")
    row = file.tree().by_place.get(place_of(log.number))
    if row is None or row.number != log.number:
        raise Rejected(Reject.LOG_STATE, f"log {log.number} has no row in this epoch")
    checkpoint = verified_checkpoint(served_note(source), keys.verifier_key(log.origin))
    if row.size > checkpoint.size:
        raise Rejected(
            Reject.LOG_STATE,
            f"log {log.number} has {checkpoint.size:,} entries, and the row says {row.size:,}: do not sign",
        )
    leaves = map(leaf_hash, entries_of(source, 0, row.size, checkpoint.size))
    if peaks_of(leaves).root != row.root:
        raise Rejected(
            Reject.LOG_STATE,
            f"the row of log {log.number} is not what the log was: signing it costs its bond",
        )
    signature = keys.sign_epoch(file.message()).hex()
    return file.model_copy(update={"signatures": file.signatures | {str(log.number): signature}})


def merged(files: Sequence[EpochFile]) -> EpochFile:
    """Copies of one epoch file that several have signed. Raises `Rejected` if they differ otherwise."""
    first = files[0]
    signatures: dict[str, str] = {}
    for each in files:
        if each.model_copy(update={"signatures": first.signatures}) != first:
            raise Rejected(Reject.LOG_STATE, "the files are of different epochs or rows; all sign one file")
        signatures |= each.signatures
    return first.model_copy(update={"signatures": signatures})


def attestation(file: EpochFile, desk: AnchorsDesk) -> Message:
    """The call that anchors the epoch for all who have signed it. Raises `Rejected` for a false signature."""
    _require_here(file, desk)
    rows, live = file.tree(), desk.live(file.group)
    signed = {
        place: bls.Signature(bytes.fromhex(file.signatures[str(row.number)]))
        for place, row in sorted(rows.by_place.items())
        if str(row.number) in file.signatures and live >> place & 1
    }
    if not signed:
        raise Rejected(Reject.EPOCH_UNSIGNED, "nobody whose log is live has signed; `truestep log sign` does")
    keys = desk.keys()
    _check_signatures(file, signed, {place: keys[number_at(file.group, place)] for place in signed})
    absent = [place for place in range(GROUP_SIZE) if live >> place & 1 and place not in signed]
    lists_absent = len(absent) <= len(signed)
    listed = absent if lists_absent else list(signed)
    words = [key_words(keys[number_at(file.group, place)]) for place in listed]
    total = bls.sum_of(list(signed.values()))
    return desk.message("attest", file.group, file.epoch, rows.root, lists_absent, listed, words, total)


def _check_signatures(
    file: EpochFile, signed: dict[int, bls.Signature], keys: dict[int, bls.PublicKey]
) -> None:
    """Verify all at once, and one by one only to say whose is false."""
    message, total = file.message(), bls.sum_of(list(signed.values()))
    if bls.verifies(list(keys.values()), message, total):
        return
    false = [place for place in signed if not bls.verifies([keys[place]], message, signed[place])]
    numbers = ", ".join(str(number_at(file.group, place)) for place in false)
    raise Rejected(Reject.EPOCH_SIGNATURE, f"log {numbers} has not signed these rows; take its signature out")


def anchored_pasts(
    files: Iterable[tuple[str, EpochFile]], desk: AnchorsDesk, log: RegisteredLog
) -> list[OtherPast]:
    """What a log has stated in anchors, out of epoch files. Raises `Rejected` if one was never anchored."""
    anchors = desk.anchors()
    pasts: list[OtherPast] = []
    for name, file in files:
        rows, place = file.tree(), place_of(log.number)
        fitting = [
            number
            for number, anchor in anchors.items()
            if (anchor.group, anchor.epoch, anchor.root) == (file.group, file.epoch, rows.root)
            and anchor.bitmap >> place & 1
        ]
        row = rows.by_place.get(place)
        if not fitting or row is None or row.number != log.number:
            raise Rejected(Reject.LOG_STATE, f"{name}: log {log.number} is in no anchor with these rows")
        checkpoint = Checkpoint(origin=log.origin, size=row.size, root=row.root)
        number = fitting[-1]
        at = AnchorPath(number=AnchorNumber(number), anchor=anchors[number], path=rows.path(log.number))
        where = f"anchor {number} ({name})"
        pasts.append(OtherPast(name=where, note=b"", checkpoint=checkpoint, anchored=at))
    return pasts


def _require_here(file: EpochFile, desk: AnchorsDesk) -> None:
    """The file must be of this network, and of a time at which it can still be anchored (L5.2)."""
    if (file.chain_id, file.anchors.lower()) != (desk.chain_id, desk.address.lower()):
        raise Rejected(Reject.WRONG_CHAIN, "the epoch is of another network than the one that was given")
    now = desk.now() // desk.terms.epoch_seconds
    if file.epoch not in (now, now - 1):
        raise Rejected(
            Reject.EPOCH_OTHER, f"epoch {file.epoch} cannot be anchored in epoch {now}; propose anew"
        )
