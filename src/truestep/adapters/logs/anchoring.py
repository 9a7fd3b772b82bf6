"""Looks at the group of a log, and collects what its epoch is anchored with (docs/logs.md L5)."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from truestep.adapters.chain.anchors_desk import RegisteredLog
from truestep.adapters.logs.epoch_file import (
    ANSWER_LIMIT_BYTES,
    EPOCH_PATH,
    EpochFile,
    EpochFolder,
    EpochProposal,
    parse_answer,
)
from truestep.adapters.logs.epochs import (
    ASKING_SECONDS,
    ask_each,
    attest_call,
    check_own_row,
    checkpoint_of,
    false_places,
    propose,
    signatures_in,
)
from truestep.adapters.logs.keys import LogKeys
from truestep.adapters.logs.signatory import Group
from truestep.adapters.logs.sources import FolderSource, HttpSource
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.bls import PublicKey
from truestep.commitments.keccak import keccak256
from truestep.ports.anchoring import Collected
from truestep.protocol.logs.contracts.anchors import LogNumber
from truestep.protocol.logs.epochs import group_of, number_at, place_of
from truestep.protocol.logs.notes import Checkpoint
from truestep.roles.anchoring import LOOKED_BACK_EPOCHS, GroupSight

SIGNING_SECONDS = 45.0
"""For one log to sign: it takes a second, and others may come before."""
ASKING_PARTS = 32
"""Of an epoch: rows and signatures are collected in half of a turn (`roles.anchoring.TURNS`)."""
PATIENCE_SECONDS = 10.0
"""With a log that says that it is busy."""


class GroupAnchoring:
    """Satisfies `truestep.ports.anchoring.Anchoring`."""

    def __init__(
        self,
        folder: Path,
        keys: LogKeys,
        group: Group,
        gas_price_wei: Callable[[], int],
        *,
        is_stranger: bool,
    ) -> None:
        """`is_stranger`: other logs must lie in the public internet."""
        self._folder, self._keys, self._group = folder, keys, group
        self._epochs = EpochFolder(folder)
        self._gas_price_wei = gas_price_wei
        self._is_stranger = is_stranger
        self._known_keys: dict[LogNumber, PublicKey] = {}
        self._is_sorted_out = False
        """Whether the rows of the last epochs before this process began were looked at."""

    def look(self) -> GroupSight | None:
        """See the port."""
        desk = self._group.desk
        log = desk.log_of(self._keys.signer)
        if log is None:
            return None
        group, now = group_of(log.number), desk.now() // desk.terms.epoch_seconds
        first = now - LOOKED_BACK_EPOCHS
        left = self._left_over(first)
        anchors = [each for each in desk.recent_anchors(min([first, *left])) if each.group == group]
        anchored: dict[int, int] = {}
        roots: dict[int, set[Bytes32]] = {}
        for each in anchors:
            anchored[each.epoch] = anchored.get(each.epoch, 0) | each.bitmap
            roots.setdefault(each.epoch, set()).add(each.root)
        try:
            for epoch in (*left, *range(first, now - 1)):
                self._epochs.drop(epoch, frozenset(roots.get(epoch, ())))
        except OSError as error:
            raise Unavailable(f"rows that nobody needs cannot be dropped: {error}") from error
        self._is_sorted_out = True
        return GroupSight(
            number=log.number,
            live=desk.live(group),
            epoch_seconds=desk.terms.epoch_seconds,
            anchored=anchored,
            gas_price_wei=self._gas_price_wei(),
        )

    def _left_over(self, first: int) -> list[int]:
        """Epochs before this one whose rows may never have been anchored: those before this log was down."""
        try:
            return [] if self._is_sorted_out else self._epochs.before(first, LOOKED_BACK_EPOCHS + 1)
        except OSError as error:
            raise Unavailable(f"the rows that are kept cannot be listed: {error}") from error

    def collect(self) -> Collected:
        """See the port."""
        desk, members = self._group.desk, self._group.members(newest=True)
        own = self._group.own()
        if own is None:
            raise Rejected(Reject.LOG_UNKNOWN, f"{self._keys.signer} has no log that is registered and live")
        group = group_of(own.number)
        seconds = min(ASKING_SECONDS, desk.terms.epoch_seconds / ASKING_PARTS)
        proposal = propose(desk, group, members, lambda log: self._checkpoint(own, log), seconds)
        file, left_out = proposal.file, dict(proposal.left_out)
        check_own_row(file, own, self._folder, desk.terms.epoch_seconds)
        self._keep(file)
        numbers = {LogNumber(row.number) for row in file.rows} - {own.number}
        others = {number: members[number] for number in numbers}
        content = self._proposed(file, own.number)
        signed, refused = ask_each(others, lambda log: self._signature(log, content), seconds)
        left_out |= refused
        for number, signature in signed.items():
            file = file.signed_by(number, signature)
        file = self._without_false(file, left_out)
        file = file.signed_by(own.number, self._keys.sign_epoch(file.message()))
        self._known_keys[own.number] = self._keys.bls_key
        live = sum(1 << place_of(number) for number in members)
        call = attest_call(file, live, self._keys_of)
        return Collected(call=call, left_out=left_out)

    def _checkpoint(self, own: RegisteredLog, log: RegisteredLog) -> Checkpoint:
        desk = self._group.desk
        if log.number == own.number:
            return checkpoint_of(desk, own, FolderSource(self._folder))
        with closing(self._source(log)) as source:
            return checkpoint_of(desk, log, source)

    def _source(self, log: RegisteredLog) -> HttpSource:
        return HttpSource(log.url, is_stranger=self._is_stranger, busy_seconds=PATIENCE_SECONDS)

    def _proposed(self, file: EpochFile, number: LogNumber) -> bytes:
        root = file.tree().root
        signature = self._keys.sign_proposal(self._group.desk.anchoring, file.group, file.epoch, root)
        proposal = EpochProposal(file=file, proposer=number, signature=signature.hex())
        return proposal.model_dump_json().encode()

    def _signature(self, log: RegisteredLog, content: bytes) -> bytes:
        """What another log has signed, not verified. Its key is: the chain has the hash."""
        with closing(self._source(log)) as source:
            answer = source.post(EPOCH_PATH, content, ANSWER_LIMIT_BYTES, SIGNING_SECONDS)
        if answer is None:
            raise Unavailable(f"{log.url} takes no proposals of epochs; its operator signs by hand, or not")
        found = parse_answer(answer)
        key = PublicKey(bytes.fromhex(found.key))
        if keccak256(key) != log.key_hash:
            raise Rejected(Reject.BLS_KEY_OTHER, "it shows another key than the chain has")
        self._known_keys[log.number] = key
        return bytes.fromhex(found.signature)

    def _without_false(self, file: EpochFile, left_out: dict[int, str]) -> EpochFile:
        live = sum(1 << place_of(LogNumber(int(number))) for number in file.signatures)
        signed = signatures_in(file, live)
        keys = {place: self._known_keys[number_at(file.group, place)] for place in signed}
        false = {str(number_at(file.group, place)) for place in false_places(file, signed, keys)}
        left_out |= {int(number): "its signature is false" for number in false}
        kept = {number: each for number, each in file.signatures.items() if number not in false}
        return file.model_copy(update={"signatures": kept})

    def _keys_of(self, numbers: list[LogNumber]) -> Mapping[LogNumber, PublicKey]:
        """Keys of logs that were heard once; those of others only events have."""
        if not {*numbers} <= {*self._known_keys}:
            self._known_keys = self._group.desk.keys() | self._known_keys
        return self._known_keys

    def _keep(self, file: EpochFile) -> None:
        try:
            self._epochs.keep(file)
        except OSError as error:
            raise Unavailable(f"the rows of the epoch cannot be kept: {error}") from error
