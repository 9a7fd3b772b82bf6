"""Compares the entries of a log with the claims on the chain (docs/logs.md L8)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from truestep.base.errors import Rejected
from truestep.base.ids import Address, Bytes32
from truestep.protocol.logs.entries import (
    AuditEntry,
    ClaimEntry,
    DeletedEntry,
    LogOpened,
    OtherEntry,
    parse_entry,
)
from truestep.protocol.settlement.records import Leaf

FINDINGS_LIMIT = 1_000
"""Of one kind, that are told one by one; the others are counted."""
KINDS_LIMIT = 100
"""Of entries that are counted by their names; a log may make up a name for each entry."""
FURTHER_KINDS = "of further kinds"


class Fault(StrEnum):
    """What can be wrong with a log."""

    JUNK = "junk"
    """An entry that is no record."""
    NOT_OPENED = "not_opened"
    """The first entry does not say whose log it is and since when, or another one does too."""
    OTHER_LOG = "other_log"
    """It is the log of another operator or network."""
    MISSING = "missing"
    """A claim on the chain that is not in the log."""
    DENIED = "denied"
    """A claim in the log that the chain has otherwise."""
    ROLLED_BACK = "rolled_back"
    """The log is shorter than it was."""
    SPLIT = "split"
    """The log has signed two pasts."""
    UNSIGNED = "unsigned"
    """The checkpoint of a registered log lacks the signature that the chain can check."""
    NOT_ANCHORED = "not_anchored"
    """The log has another past than the one that is anchored."""
    NOT_REPRODUCED = "not_reproduced"
    """Running a task again gives something else than what was claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong, in words."""

    fault: Fault
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainClaim:
    """A claim on the chain."""

    operator: Address
    job_id: int
    shard_index: int
    leaf: Leaf


ChainWords = Mapping[tuple[int, int, int, Bytes32], Address]
"""Who has shown what in audits: by batch, leaf, seat and digest."""
ChainClaims = Mapping[tuple[int, int], ChainClaim]
"""By batch and leaf."""


@dataclass(slots=True, kw_only=True)
class EntriesAudit:
    """Takes the entries of a log one after the other. What it keeps does not grow with the log."""

    claims: ChainClaims
    """All on the chain, of every operator."""
    words: ChainWords = field(default_factory=dict[tuple[int, int, int, Bytes32], Address])
    """All that was shown in audits."""
    operator: Address | None = None
    """Whose log it must be, if that is known."""
    network: tuple[int, Address] | None = None
    """Chain id and address of Jobs; None if no chain was asked."""
    opened: LogOpened | None = None
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Entries by kind."""
    unsent_count: int = 0
    """Claims in the log of which the chain has nothing: they were never sent, or came too late."""
    matched_count: int = 0
    faults: dict[Fault, int] = field(default_factory=dict[Fault, int])
    findings: list[Finding] = field(default_factory=list[Finding])
    older_count: int = 0
    """Claims of the operator on the chain from before the log, which need not be in it."""
    _entry_count: int = 0
    _matched: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    _words: set[tuple[int, int, int, Bytes32]] = field(default_factory=set[tuple[int, int, int, Bytes32]])
    """Of the chain, that are in the log."""
    _denied: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """The entry that says something else than the chain."""

    def find(self, fault: Fault, message: str) -> None:
        """Note that something is wrong."""
        self.faults[fault] = self.faults.get(fault, 0) + 1
        if self.faults[fault] <= FINDINGS_LIMIT:
            self.findings.append(Finding(fault=fault, message=message))

    def take(self, index: int, content: bytes) -> ClaimEntry | None:
        """Look at one entry; a claim that the chain has alike, when it comes for the first time."""
        self._entry_count += 1
        try:
            entry = parse_entry(content)
        except Rejected as error:
            self._count("junk")
            self.find(Fault.JUNK, f"entry {index} is no record: {error}")
            entry = None
        if index == 0 and not isinstance(entry, LogOpened):
            self.find(Fault.NOT_OPENED, "the first entry does not say whose log it is")
        if entry is None:
            return None
        if isinstance(entry, OtherEntry):
            self._count(f"{entry.kind} of version {entry.version}")
            return None
        self._count(entry.KIND)
        if isinstance(entry, LogOpened):
            self._take_opened(index, entry)
            return None
        if isinstance(entry, AuditEntry):
            self._take_word(entry)
            return None
        if isinstance(entry, DeletedEntry):  # the chain knows nothing of it
            return None
        return entry if self._is_on_chain(index, entry) else None

    def end(self) -> None:
        """All entries were taken: say which claims on the chain are not among them."""
        if not self._entry_count:
            self.find(Fault.NOT_OPENED, "the log is empty: nothing says whose it is")
        for place, index in self._denied.items():
            if place not in self._matched:
                self.find(
                    Fault.DENIED,
                    f"entry {index} claims something else of leaf {place[1]} of batch {place[0]} than the"
                    " chain has",
                )
        for place, claim in self._own_claims():
            if place not in self._matched and place not in self._denied:
                self.find(
                    Fault.MISSING,
                    f"leaf {place[1]} of batch {place[0]}, shard {claim.shard_index} of job {claim.job_id},"
                    " is claimed on the chain and not in the log",
                )
        for word, operator in self.words.items():
            batch_id, leaf_index, seat, _ = word
            if word not in self._words and self._is_from_log(operator, batch_id):
                self.find(
                    Fault.MISSING,
                    f"what seat {seat} has shown in the audit of leaf {leaf_index} of batch {batch_id} is on"
                    " the chain and not in the log",
                )

    def check_beginning(self, batch_count: int) -> None:
        """Whether the log is complete from a batch on that there can have been when it was begun.

        `batch_count` is the chain's, read after the log.
        """
        if self.opened is not None and self.opened.batch_count > batch_count:
            self.find(
                Fault.NOT_OPENED,
                f"the log says that it was begun after batch {self.opened.batch_count:,}, and the chain has"
                f" {batch_count:,}: it leaves out what it likes",
            )

    def _own_claims(self) -> Iterator[tuple[tuple[int, int], ChainClaim]]:
        """What the log must have, from the batch on from which it is complete."""
        if self.opened is None:
            return
        for place, claim in self.claims.items():
            if not self._is_of_log(claim):
                continue
            if place[0] > self.opened.batch_count:
                yield place, claim
            elif place not in self._matched:
                self.older_count += 1

    def _take_word(self, entry: AuditEntry) -> None:
        """What the chain has not was never sent, or came too late."""
        if self.network is None:
            return
        operator = self.words.get(entry.word)
        if operator is None or self.opened is None or operator.lower() != self.opened.operator.lower():
            self.unsent_count += 1
        else:
            self._words.add(entry.word)

    def _is_from_log(self, operator: Address, batch_id: int) -> bool:
        """Whether something that an operator did about a batch is to be in the log."""
        opened = self.opened
        is_own = opened is not None and operator.lower() == opened.operator.lower()
        return is_own and opened is not None and batch_id > opened.batch_count

    def _is_of_log(self, claim: ChainClaim) -> bool:
        """Whether the operator that the log names has made a claim; a log may write it in any case."""
        return self.opened is not None and claim.operator.lower() == self.opened.operator.lower()

    def _take_opened(self, index: int, entry: LogOpened) -> None:
        if index or self.opened is not None:
            self.find(Fault.NOT_OPENED, f"entry {index} says once more whose log it is")
            return
        self.opened = entry
        if self.operator is not None and entry.operator.lower() != self.operator.lower():
            self.find(Fault.OTHER_LOG, f"it is the log of {entry.operator}, expected that of {self.operator}")
        if self.network is not None and (entry.chain_id, entry.jobs.lower()) != (
            self.network[0],
            self.network[1].lower(),
        ):
            self.find(
                Fault.OTHER_LOG,
                f"it is a log of the network of Jobs {entry.jobs} on chain {entry.chain_id}, expected"
                f" {self.network[1]} on chain {self.network[0]}",
            )

    def _is_on_chain(self, index: int, entry: ClaimEntry) -> bool:
        if self.network is None:
            return False
        claim = self.claims.get(entry.place)
        if claim is None:
            self.unsent_count += 1
            return False
        is_own = self.opened is None or self._is_of_log(claim)
        is_same = (claim.job_id, claim.shard_index, claim.leaf) == (
            entry.job_id,
            entry.shard_index,
            entry.leaf,
        )
        if is_own and is_same:
            is_first = entry.place not in self._matched
            self.matched_count += is_first
            self._matched.add(entry.place)
            return is_first  # else a log could fill the sample with one claim
        if is_own:
            self._denied.setdefault(entry.place, index)
        else:
            self.unsent_count += 1
        return False

    def _count(self, kind: str) -> None:
        if kind not in self.counts and len(self.counts) >= KINDS_LIMIT:
            kind = FURTHER_KINDS
        self.counts[kind] = self.counts.get(kind, 0) + 1
