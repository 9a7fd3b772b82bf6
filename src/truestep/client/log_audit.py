"""Reads a whole log, as a stranger does, and says what is wrong with it (docs/logs.md L8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from truestep.adapters.files import write_file
from truestep.adapters.logs.keys import Anchoring, is_signed_for_chain
from truestep.adapters.logs.sources import LogSource, entries_of, served_note
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.client.log_evidence import AnchoredStatement, Evidence
from truestep.client.runs import advance_in_slices
from truestep.client.stored import stored_image, stored_input
from truestep.machine.elf import load_elf
from truestep.machine.program import Task
from truestep.ports.blobs import Blobs
from truestep.ports.chain import ChainReader
from truestep.ports.engine import Engine
from truestep.protocol.claims import claim_state
from truestep.protocol.logs.audit import EntriesAudit, Fault
from truestep.protocol.logs.contracts.anchors import AnchorPath
from truestep.protocol.logs.entries import ClaimEntry
from truestep.protocol.logs.notes import (
    NOTE_LIMIT_BYTES,
    Checkpoint,
    VerifierKey,
    verified_checkpoint,
)
from truestep.protocol.logs.tiles import KEY_PATH
from truestep.protocol.logs.tree import Peaks, consistency_proof, leaf_hash
from truestep.protocol.settlement.facts.leaves import leaf_of_state

KEY_LIMIT_BYTES = 1_024
PROGRESS_ENTRIES = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPast:
    """A checkpoint of the same log that somebody has, and where it is from."""

    name: str
    note: bytes
    checkpoint: Checkpoint
    anchored: AnchorPath | None = None
    """Where the chain has it, if it is no note."""

    @property
    def part(self) -> bytes | AnchoredStatement:
        """What shows that the log has stated it."""
        if self.anchored is None:
            return self.note
        return AnchoredStatement(size=self.checkpoint.size, root=self.checkpoint.root, place=self.anchored)


@dataclass(slots=True, kw_only=True)
class LogReport:
    """What a reading of a log has found."""

    checkpoint: Checkpoint
    note: bytes
    entries: EntriesAudit
    evidence: list[Evidence] = field(default_factory=list[Evidence])
    reproduced: list[ClaimEntry] = field(default_factory=list[ClaimEntry])

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.entries.faults


@dataclass(slots=True, kw_only=True)
class LogReader:
    """A log, its key, and what is already known of it."""

    source: LogSource
    key: VerifierKey
    others: Sequence[OtherPast] = ()
    entries_limit: int
    tell: Callable[[str], None] = lambda _: None

    def read(self, audit: EntriesAudit, *, sample: int = 0, chance: Random | None = None) -> LogReport:
        """Read every entry. Raises `Rejected` if it is no log with this key, or not all of it is there.

        `sample` claims that the chain has alike are chosen to be run again.
        """
        note = served_note(self.source)
        checkpoint = verified_checkpoint(note, self.key)
        if checkpoint.size > self.entries_limit:
            raise Rejected(
                Reject.LOG_TILE,
                f"the log says that it has {checkpoint.size:,} entries, more than {self.entries_limit:,};"
                " --max-entries reads more",
            )
        report = LogReport(checkpoint=checkpoint, note=note, entries=audit)
        sizes = {other.checkpoint.size for other in self.others}
        pasts = {size: _Past(size, checkpoint.size) for size in sizes if size <= checkpoint.size}
        self._read_entries(report, [*pasts.values()], sample, chance or Random())
        audit.end()
        for other in self.others:
            _compare(report, other, pasts.get(other.checkpoint.size))
        return report

    def _read_entries(self, report: LogReport, pasts: Sequence["_Past"], sample: int, chance: Random) -> None:
        """Take every entry, once: later there may be others. Raises `Rejected` for another root."""
        size, peaks = report.checkpoint.size, Peaks()
        seen_count = 0
        for index, content in enumerate(entries_of(self.source, 0, size, size)):
            leaf = leaf_hash(content)
            peaks = peaks.grown(leaf)
            for past in pasts:
                past.take(leaf, peaks)
            entry = report.entries.take(index, content)
            if entry is not None and sample:
                seen_count += 1
                _keep(report.reproduced, entry, sample, seen_count, chance)
            if peaks.size % PROGRESS_ENTRIES == 0:
                self.tell(f"{peaks.size:,} of {size:,} entries are read")
        if peaks.root != report.checkpoint.root:
            raise Rejected(
                Reject.LOG_TILE,
                f"the {size:,} entries at {self.source.place} do not have the root that the log has signed:"
                " what is served there is not the log",
            )


class _Past:
    """What a log was at an earlier size, and the proof that leads from there, out of its entries in order."""

    def __init__(self, size: int, now: int) -> None:
        self.root = Peaks().root
        self._size, self._places = size, list[tuple[int, int]]()
        self._nodes: dict[tuple[int, int], Bytes32] = {}
        self._part = Peaks()
        if 0 < size < now:
            consistency_proof(self._noted, size, now)
        self._ahead = sorted(self._places, key=lambda place: -(place[1] << place[0]))
        self._now = now

    def _noted(self, level: int, index: int) -> bytes:
        self._places.append((level, index))
        return self.root

    def take(self, leaf: Bytes32, peaks: Peaks) -> None:
        """The next entry's leaf, and the tree with it. The subtrees of a proof do not overlap."""
        if peaks.size == self._size:
            self.root = peaks.root
        if self._ahead and peaks.size > self._ahead[-1][1] << self._ahead[-1][0]:
            self._part = self._part.grown(leaf)
            if self._part.size == 1 << self._ahead[-1][0]:
                self._nodes[self._ahead.pop()], self._part = self._part.root, Peaks()

    def path(self) -> tuple[Bytes32, ...]:
        """The proof that leads to the log's root (L6.1); nothing if the size is the same."""
        if not 0 < self._size < self._now:
            return ()
        return tuple(consistency_proof(lambda level, index: self._nodes[level, index], self._size, self._now))


def _compare(report: LogReport, other: OtherPast, past: _Past | None) -> None:
    """Whether the log goes on from another checkpoint of it."""
    now, then = report.checkpoint, other.checkpoint
    if past is None:
        report.entries.find(
            Fault.ROLLED_BACK,
            f"the log has {now.size:,} entries here, and has signed {then.size:,}: {other.name}",
        )
    elif past.root != then.root:
        if other.anchored is not None:
            report.entries.find(
                Fault.NOT_ANCHORED,
                f"the log has another past than it has anchored: its first {then.size:,} entries have another"
                f" root in {other.name}",
            )
        else:
            report.entries.find(
                Fault.SPLIT,
                f"the log has two pasts: it has signed another root of its first {then.size:,} entries:"
                f" {other.name}",
            )
        report.evidence.append(Evidence(first=other.part, second=report.note, path=past.path()))


def _keep(chosen: list[ClaimEntry], entry: ClaimEntry, sample: int, seen: int, chance: Random) -> None:
    """Each entry is chosen with the same probability, though nobody knows how many come."""
    if len(chosen) < sample:
        chosen.append(entry)
    elif (place := chance.randrange(seen)) < sample:
        chosen[place] = entry


def check_second_signature(report: LogReport, signer: Address, anchoring: Anchoring) -> None:
    """Whether the checkpoint of a registered log is signed for the chain too (L6.2)."""
    if not is_signed_for_chain(report.note, report.checkpoint, signer, anchoring):
        report.entries.find(
            Fault.UNSIGNED,
            f"the checkpoint lacks the signature of {signer} for the chain: two pasts would cost nothing",
        )


# --- keys and what was seen --------------------------------------------------------------------------


def served_key(source: LogSource) -> str:
    """The key that a log says is its own. Raises `Unavailable` if it says none, or if there is no log."""
    (content,) = source.read([KEY_PATH], KEY_LIMIT_BYTES)
    if content is None:
        served_note(source)
        raise Unavailable(f"{source.place} says no key of the log; give it with --key")
    return content.decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLogs:
    """The newest checkpoint that was seen of each log, in a folder: so a second past is noticed.

    Any log can take any name. So a log whose key is known has its file by the key; of another one the file
    goes by the name, and another key under that name is noticed.
    """

    folder: Path
    is_key_known: bool = False
    """Whether somebody else than the log has said its key."""

    def read(self, key: VerifierKey) -> list[OtherPast]:
        """What was seen of this log, with its key known or not. Raises `Rejected` for another log's."""
        found: list[OtherPast] = []
        for path in (self._by_key(key), self._by_name(key)):
            try:
                note = path.read_bytes()[: NOTE_LIMIT_BYTES + 1]
            except FileNotFoundError:
                continue
            try:
                found.append(past_in(note, key, f"an earlier reading ({path})"))
            except Rejected:
                if not self.is_key_known or path == self._by_key(key):
                    raise
        return found

    def keep(self, report: LogReport, key: VerifierKey) -> None:
        """Remember what was read."""
        write_file(self._by_key(key) if self.is_key_known else self._by_name(key), report.note)

    def _by_key(self, key: VerifierKey) -> Path:
        return self._path(key.text)

    def _by_name(self, key: VerifierKey) -> Path:
        return self._path(key.name)

    def _path(self, name: str) -> Path:
        return self.folder / f"{sha256(name.encode()).hexdigest()[:32]}.checkpoint"


def past_in(note: bytes, key: VerifierKey, name: str) -> OtherPast:
    """A checkpoint of the log with this key. Raises `Rejected`."""
    checkpoint = verified_checkpoint(note, key, more=[f"It is from {name}."])
    return OtherPast(name=name, note=note, checkpoint=checkpoint)


# --- running again -----------------------------------------------------------------------------------


def reproduce(entry: ClaimEntry, chain: ChainReader, blobs: Blobs, engine: Engine) -> str:
    """Run a task again; what differs, empty if nothing does. Raises `Rejected`, `Unavailable`."""
    job = chain.job(entry.job_id)
    program = chain.program(job.program_id)
    elf = stored_image(blobs, program.image_root, program.entry, program.digest, program.uri)
    content = stored_input(blobs, job.input_root, job.input_size, job.input_uri)
    task = Task(seed=job.seed, shard_index=entry.shard_index, shard_count=job.shard_count, input=content)
    machine = engine.start(load_elf(elf), task)
    advance_in_slices(machine, entry.cycle, None)
    own = claim_state(machine.state(), machine.node, machine.read_memory)
    compared: dict[str, tuple[Any, Any]] = {
        "leaf": (entry.leaf, leaf_of_state(own)),
        "state hash": (entry.state_hash, own.state_hash()),
        "image root": (entry.image_root, program.image_root),
        "input root": (entry.input_root, job.input_root),
        "seed": (entry.seed, job.seed),
    }
    return ", ".join(name for name, (said, found) in compared.items() if said != found)
