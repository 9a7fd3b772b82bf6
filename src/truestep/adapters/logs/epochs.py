"""Epochs: the logs of a group say what each of them is, sign it, and anchor it together (docs/logs.md L5)."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import TypeVar

from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog
from truestep.adapters.logs.epoch_file import EpochFile, RowPart
from truestep.adapters.logs.folder import root_at
from truestep.adapters.logs.keys import LogKeys, is_signed_for_chain
from truestep.adapters.logs.sources import FolderSource, LogSource, entries_of, served_note
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments import bls
from truestep.protocol.logs.contracts.anchors import GROUP_SIZE, Attest, LogNumber
from truestep.protocol.logs.entries import OtherEntry, parse_entry
from truestep.protocol.logs.epochs import Row, number_at, place_of
from truestep.protocol.logs.notes import Checkpoint, verified_checkpoint

ASKED_AT_ONCE = GROUP_SIZE
"""All logs of a group: slow ones, which may take up all the time, hold up nobody else."""
ASKING_SECONDS = 120.0
"""For all logs of a group together. Who has not answered by then is left out."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An epoch file, and why some logs have no row in it."""

    file: EpochFile
    left_out: dict[int, str]


def propose(
    desk: AnchorsDesk,
    group: int,
    members: Mapping[LogNumber, RegisteredLog],
    ask: Callable[[RegisteredLog], Checkpoint],
    seconds: float = ASKING_SECONDS,
) -> Proposal:
    """Ask every live log of a group what it is. Raises `Rejected` if none says it."""
    found, left_out = ask_each(members, ask, seconds)
    rows = [
        RowPart(number=number, size=each.size, root=each.root.hex()) for number, each in sorted(found.items())
    ]
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


def ask_each(
    logs: Mapping[LogNumber, RegisteredLog],
    ask: Callable[[RegisteredLog], Answer],
    seconds: float = ASKING_SECONDS,
) -> tuple[dict[LogNumber, Answer], dict[int, str]]:
    """What each log answers within so long, and why others do not."""
    answers: dict[LogNumber, Answer] = {}
    failed: dict[int, str] = {}
    waiting, done = deque(logs.values()), Queue[tuple[LogNumber, Answer | Exception]]()

    def work() -> None:
        with suppress(IndexError):
            while True:
                log = waiting.popleft()
                try:
                    done.put((log.number, ask(log)))
                except Exception as error:  # told to whoever waits
                    done.put((log.number, error))

    for _ in range(min(ASKED_AT_ONCE, len(logs))):
        threading.Thread(target=work, name="epoch", daemon=True).start()
    until = time.monotonic() + seconds
    with suppress(Empty):
        while len(answers) + len(failed) < len(logs):
            number, answer = done.get(timeout=max(0.0, until - time.monotonic()))
            if isinstance(answer, Rejected | Unavailable | ValueError):
                failed[number] = str(answer)
            elif isinstance(answer, Exception):
                raise answer
            else:
                answers[number] = answer
    waiting.clear()
    late = {number: "it has not answered in time" for number in logs if number not in {*answers, *failed}}
    return answers, failed | late


def checkpoint_of(desk: AnchorsDesk, log: RegisteredLog, source: LogSource) -> Checkpoint:
    """What a registered log says that it is. Raises `Rejected`, `Unavailable`."""
    note = served_note(source)
    checkpoint = verified_checkpoint(note, log.verifier_key)
    if not is_signed_for_chain(note, checkpoint, log.signer, desk.anchoring):
        raise Rejected(Reject.LOG_SIGNATURE, "its checkpoint is not signed for the chain")
    return checkpoint


def sign(file: EpochFile, desk: AnchorsDesk, keys: LogKeys, folder: Path) -> EpochFile:
    """Sign for the account's log, whose row must be what the log was (L5.3). Raises `Rejected`."""
    require_here(file, desk)
    log = desk.log_of(keys.signer)
    if log is None:
        raise Rejected(Reject.LOG_UNKNOWN, f"{keys.signer} has no log that is registered and live")
    check_own_row(file, log, folder, desk.terms.epoch_seconds)
    return file.signed_by(log.number, keys.sign_epoch(file.message()))


def check_own_row(file: EpochFile, log: RegisteredLog, folder: Path, epoch_seconds: int) -> None:
    """Raise `Rejected` unless the log in the folder was what its row in the file says, and lately (L5.3)."""
    row = file.tree().by_place.get(place_of(log.number))
    if row is None or row.number != log.number:
        raise Rejected(Reject.LOG_STATE, f"log {log.number} has no row in this epoch")
    checkpoint = verified_checkpoint(served_note(FolderSource(folder)), log.verifier_key)
    if row.size > checkpoint.size:
        raise Rejected(
            Reject.LOG_STATE,
            f"log {log.number} has {checkpoint.size:,} entries, and the row says {row.size:,}: do not sign",
        )
    if root_at(folder, row.size) != row.root:
        raise Rejected(
            Reject.LOG_STATE,
            f"the row of log {log.number} is not what the log was: signing it costs its bond",
        )
    if row.size < checkpoint.size:
        _check_is_new(file, row, checkpoint, folder, epoch_seconds)


def _check_is_new(
    file: EpochFile, row: Row, checkpoint: Checkpoint, folder: Path, epoch_seconds: int
) -> None:
    """Who collects must not witness the same old state for ever, while the log takes itself for anchored."""
    (content,) = entries_of(FolderSource(folder), row.size, row.size + 1, checkpoint.size)
    entry = parse_entry(content)
    if not isinstance(entry, OtherEntry) and entry.logged_at < (file.epoch - 1) * epoch_seconds:
        raise Rejected(
            Reject.LOG_STATE,
            f"the row of log {row.number} says {row.size:,} entries, which was long before epoch {file.epoch}"
            f" (now it has {checkpoint.size:,}): propose anew",
        )


def require_here(file: EpochFile, desk: AnchorsDesk) -> None:
    """The file must be of this network, and of a time at which it can still be anchored (L5.2)."""
    if (file.chain_id, file.anchors.lower()) != (desk.chain_id, desk.address.lower()):
        raise Rejected(Reject.WRONG_CHAIN, "the epoch is of another network than the one that was given")
    now = desk.now() // desk.terms.epoch_seconds
    if file.epoch not in (now, now - 1):
        raise Rejected(
            Reject.EPOCH_OTHER, f"epoch {file.epoch} cannot be anchored in epoch {now}; propose anew"
        )


# --- the call -------------------------------------------------------------------------------------

KeysOf = Callable[[list[LogNumber]], Mapping[LogNumber, bls.PublicKey]]


def attestation(file: EpochFile, live: int, keys_of: KeysOf) -> Attest:
    """The call that anchors the epoch for all who have signed it. Raises `Rejected` for a false signature.

    `live`: the logs of the group that can be attested, a bit each.
    """
    signed = signatures_in(file, live)
    keys = keys_of([number_at(file.group, place) for place in signed])
    _check_signatures(file, signed, {place: keys[number_at(file.group, place)] for place in signed})
    return attest_call(file, live, keys_of)


def signatures_in(file: EpochFile, live: int) -> dict[int, bls.Signature]:
    """The signatures of logs that are live, by their places."""
    return {
        place: bls.Signature(bytes.fromhex(file.signatures[str(row.number)]))
        for place, row in sorted(file.tree().by_place.items())
        if str(row.number) in file.signatures and live >> place & 1
    }


def attest_call(file: EpochFile, live: int, keys_of: KeysOf) -> Attest:
    """The same with signatures that were verified. Raises `Rejected` if there are none."""
    signed = signatures_in(file, live)
    if not signed:
        raise Rejected(Reject.EPOCH_UNSIGNED, "nobody whose log is live has signed; `truestep log sign` does")
    absent = [place for place in range(GROUP_SIZE) if live >> place & 1 and place not in signed]
    lists_absent = len(absent) <= len(signed)
    listed = absent if lists_absent else list(signed)
    keys = keys_of([number_at(file.group, place) for place in listed])
    return Attest(
        group=file.group,
        epoch=file.epoch,
        root=file.tree().root,
        lists_absent=lists_absent,
        places=tuple(listed),
        keys=tuple(keys[number_at(file.group, place)] for place in listed),
        signature=bls.sum_of(list(signed.values())),
    )


def _check_signatures(
    file: EpochFile, signed: Mapping[int, bls.Signature], keys: Mapping[int, bls.PublicKey]
) -> None:
    """Raise `Rejected` if one of them is false, and say whose."""
    false = false_places(file, signed, keys)
    if false:
        numbers = ", ".join(str(number_at(file.group, place)) for place in false)
        raise Rejected(
            Reject.EPOCH_SIGNATURE, f"log {numbers} has not signed these rows; take its signature out"
        )


def false_places(
    file: EpochFile, signed: Mapping[int, bls.Signature], keys: Mapping[int, bls.PublicKey]
) -> list[int]:
    """Whose signatures are false. All are verified at once, and halves of them only where one is."""
    message, places = file.message(), sorted(signed)
    false: list[int] = []

    def look(some: list[int]) -> None:
        if not some or _verify(message, [signed[place] for place in some], [keys[place] for place in some]):
            return
        if len(some) == 1:
            false.extend(some)
            return
        look(some[: len(some) // 2])
        look(some[len(some) // 2 :])

    look(places)
    return false


def _verify(message: bytes, signatures: list[bls.Signature], keys: list[bls.PublicKey]) -> bool:
    try:
        return bls.verifies(keys, message, bls.sum_of(signatures))
    except Rejected:  # no point, or a sum that is none
        return False
