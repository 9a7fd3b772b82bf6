"""Signs the epochs that other logs of the group propose, if the own row is true (docs/logs.md L5.6)."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog
from truestep.adapters.logs.epoch_file import (
    PROPOSAL_LIMIT_BYTES,
    EpochAnswer,
    EpochFile,
    EpochFolder,
    EpochProposal,
    parse_proposal,
)
from truestep.adapters.logs.epochs import check_own_row, require_here
from truestep.adapters.logs.keys import LogKeys, is_signed_by
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.protocol.logs.contracts.anchors import LogNumber
from truestep.protocol.logs.epochs import group_of
from truestep.protocol.logs.statements import proposal_digest, recoverable

PROPOSALS_LIMIT = 4
"""Roots that are signed for one log in an epoch: it may try again after others have come or gone."""
MEMBERS_SECONDS = 20.0
"""For which what the chain says of a group is believed: nobody can make this node ask it all the time."""


class Group:
    """The account's log and the live ones of its group, as the chain has them. For any thread."""

    def __init__(
        self, desk: AnchorsDesk, keys: LogKeys, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.desk, self._keys, self._monotonic = desk, keys, monotonic
        self._lock = threading.Lock()
        self._members: dict[LogNumber, RegisteredLog] = {}
        self._asked_at: float | None = None

    def own(self) -> RegisteredLog | None:
        """The account's log, if it is registered and live. Raises `Unavailable`."""
        return next((log for log in self.members().values() if log.operator == self._keys.signer), None)

    def members(self, *, newest: bool = False) -> dict[LogNumber, RegisteredLog]:
        """The live logs of the group, none if the account has no log there. Raises `Unavailable`."""
        with self._lock:
            now = self._monotonic()
            if newest or self._asked_at is None or now - self._asked_at >= MEMBERS_SECONDS:
                log = self.desk.log_of(self._keys.signer)
                self._members = self.desk.members(group_of(log.number)) if log is not None else {}
                self._asked_at = now
            return self._members


class Signatory:
    """Answers proposals. For any thread, which waits for its turn."""

    def __init__(self, folder: Path, keys: LogKeys, group: Group) -> None:
        self._folder, self._keys, self._group = folder, keys, group
        self._epochs = EpochFolder(folder)
        self._lock = threading.Lock()
        self._signed: dict[int, dict[LogNumber, dict[Bytes32, bytes]]] = {}
        """Answers by epoch, proposer and root."""

    def answer(self, content: bytes) -> bytes:
        """The own part of an epoch's signature. Raises `Rejected`, `Unavailable`."""
        if len(content) > PROPOSAL_LIMIT_BYTES:
            raise Rejected(Reject.LOG_STATE, f"expected at most {PROPOSAL_LIMIT_BYTES:,} bytes")
        proposal = parse_proposal(content)
        file = proposal.file.unsigned()
        own = self._group.own()
        if own is None:
            raise Rejected(Reject.LOG_UNKNOWN, f"{self._keys.signer} has no log that is registered and live")
        root = file.tree().root
        proposer = self._check_proposer(proposal, own, root)
        with self._lock:
            return self._answer(file, own, proposer, root)

    def _check_proposer(self, proposal: EpochProposal, own: RegisteredLog, root: Bytes32) -> LogNumber:
        """A live log of the group, which has signed what it proposes."""
        file, desk = proposal.file, self._group.desk
        proposer = self._group.members().get(LogNumber(proposal.proposer))
        if proposer is None or file.group != group_of(own.number):
            raise Rejected(Reject.LOG_UNKNOWN, f"log {proposal.proposer} is not a live one of this group")
        digest = proposal_digest(desk.chain_id, desk.address, file.group, file.epoch, root)
        if not is_signed_by(proposer.signer, digest, recoverable(bytes.fromhex(proposal.signature))):
            raise Rejected(
                Reject.LOG_SIGNATURE,
                f"it is not signed by {proposer.signer}, of log {proposer.number}",
            )
        require_here(file, desk)  # it asks the node, which a stranger cannot have it do
        return proposer.number

    def _answer(self, file: EpochFile, own: RegisteredLog, proposer: LogNumber, root: Bytes32) -> bytes:
        self._signed = {epoch: each for epoch, each in self._signed.items() if epoch >= file.epoch - 1}
        answers = self._signed.setdefault(file.epoch, {}).setdefault(proposer, {})
        if root in answers:
            return answers[root]
        if len(answers) >= PROPOSALS_LIMIT:
            raise Rejected(
                Reject.LOG_STATE,
                f"log {proposer} has proposed {PROPOSALS_LIMIT} others in epoch {file.epoch}",
            )
        check_own_row(file, own, self._folder, self._group.desk.terms.epoch_seconds)
        try:
            self._epochs.keep(file)
        except OSError as error:
            raise Unavailable(f"what is signed cannot be kept: {error}") from error
        signature = self._keys.sign_epoch(file.message())
        answer = EpochAnswer(key=self._keys.bls_key.hex(), signature=signature.hex())
        answers[root] = answer.model_dump_json().encode()
        return answers[root]
