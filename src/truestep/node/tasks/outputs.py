"""Outputs from a finished machine to where requesters look for them, for as long as they may be needed.

In the background, before the claim: `keep_output` writes the output to this node's disk. In the loop's
thread: `OutputShelf.add`, then `due` at each tick; for each key that is due, `offer_output` in the
background, and what it gives to `OutputShelf.record`. When a task is final, `forget_except` drops its output
if a store has it.
None of it holds up a claim: trouble is reported, and tried again.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from truestep.base.errors import Rejected, Unavailable
from truestep.commitments.merkle import PAGE_LEVEL, PAGE_SIZE_BYTES, ZERO_NODES
from truestep.machine.layout import OUTPUT_NODE, OUTPUT_START
from truestep.node.loop.backoff import Backoff
from truestep.ports.blobs import Blobs, OutputFolder, OutputKey
from truestep.ports.engine import Machine
from truestep.ports.executor import ShouldStop
from truestep.ports.reporter import Reporter
from truestep.protocol.claims import ClaimedState

PIECE_SIZE_BYTES = 1 << 20
"""Bytes read from a machine in one piece, so that an output of half a gigabyte needs no more memory."""
OFFER_WAIT = Backoff(first_seconds=2.0, limit_seconds=600.0)
"""Pause after a failed offer; it doubles with each failure, up to ten minutes."""
GIVE_UP_FAILURES = 150
"""About a day of offers. An output of a final task that no store has taken by then is dropped."""
CHECK_AGAIN_SECONDS = 900.0
"""Interval at which a store is asked whether it still has an output: four small requests per hour."""


def key_of(claimed: ClaimedState) -> OutputKey:
    """The output of a claim."""
    return OutputKey(output_root=claimed.output_root, size_bytes=claimed.output_size)


def read_output(machine: Machine, size_bytes: int) -> Iterator[bytes]:
    """The output range in pieces: at least `size_bytes`, and on to its last byte that is not zero.

    A claim's root is of the whole range, so what a guest wrote behind its output belongs to the proof.
    """
    end = max(size_bytes, written_bytes(machine))
    for start in range(0, end, PIECE_SIZE_BYTES):
        yield machine.read_memory(OUTPUT_START + start, min(PIECE_SIZE_BYTES, end - start))


def written_bytes(machine: Machine) -> int:
    """The size of the output range without the zeros at its end, found along one path of the memory tree."""
    level, index = OUTPUT_NODE
    first_page = index << (level - PAGE_LEVEL)
    while level > PAGE_LEVEL:
        level, index = level - 1, 2 * index + 1
        if machine.node(level, index) == ZERO_NODES[level]:
            index -= 1
    start = (index - first_page) * PAGE_SIZE_BYTES
    page = machine.read_memory(OUTPUT_START + start, PAGE_SIZE_BYTES)
    return start + len(page.rstrip(b"\0")) if page.strip(b"\0") else 0


def keep_output(folder: OutputFolder, machine: Machine, claimed: ClaimedState) -> str:
    """Put the output of a finished run on this node's disk; why that failed, empty if it did not.

    The claim is true in any case, so trouble is for a person to read and not a reason to lose it.
    """
    if not claimed.is_accepted:
        return ""
    try:
        folder.keep(key_of(claimed), read_output(machine, claimed.output_size))
    except Unavailable as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What came of an offer: why the store does not have the output, empty if it does."""

    key: OutputKey
    trouble: str


def offer_output(blobs: Blobs, folder: OutputFolder, key: OutputKey, should_stop: ShouldStop) -> Offered:
    """Make sure that a store has an output. May take as long as an upload; raises `Stopped` when asked to."""
    try:
        if not _has_output(blobs, key, should_stop):
            content = folder.content(key)
            blobs.put_output(key.output_root, content, key.size_bytes, should_stop=should_stop)
    except (Rejected, Unavailable) as error:
        return Offered(key=key, trouble=str(error))
    return Offered(key=key, trouble="")


def _has_output(blobs: Blobs, key: OutputKey, should_stop: ShouldStop) -> bool:
    try:
        return blobs.has_output(key.output_root, key.size_bytes, should_stop=should_stop)
    except Unavailable:
        return False  # some stores do not answer such questions


@dataclass(slots=True)
class _Shelved:
    """One output: when to offer it next, and how often that failed since it last went well."""

    due_seconds: float
    failures: int = 0
    is_published: bool = False
    """Whether a store said so in the life of this process."""


class OutputShelf:
    """Which outputs to offer when. One thread uses it; what it must not forget is on the folder's disk."""

    def __init__(self, folder: OutputFolder, reporter: Reporter) -> None:
        """Takes up what was kept before a restart. Raises `Unavailable` if the disk fails."""
        self._folder = folder
        self._reporter = reporter
        self._shelved = {key: _Shelved(0.0) for key in folder.kept()}

    def add(self, claimed: ClaimedState) -> None:
        """Offer the output of a claim from now on, if there is one."""
        if claimed.is_accepted:
            self._shelved.setdefault(key_of(claimed), _Shelved(0.0))

    def due(self, now_seconds: float) -> list[OutputKey]:
        """What to offer now, the longest overdue first, by a clock that never goes back.

        An output is due until the end of its offer is recorded: do not offer it twice at a time.
        """
        due = [(shelved.due_seconds, key) for key, shelved in self._shelved.items()]
        return [key for seconds, key in sorted(due, key=lambda each: each[0]) if seconds <= now_seconds]

    def record(self, offered: Offered, now_seconds: float) -> None:
        """Note what came of an offer, and report what a person should know."""
        shelved = self._shelved.get(offered.key)
        if shelved is None:
            return
        if not offered.trouble:
            if shelved.failures:
                self._report("published", offered.key, "the output is now in the blob store")
            shelved.failures, shelved.due_seconds = 0, now_seconds + CHECK_AGAIN_SECONDS
            shelved.is_published = True
            return
        shelved.failures += 1
        wait_seconds = OFFER_WAIT.seconds(shelved.failures)
        shelved.due_seconds = now_seconds + wait_seconds
        self._report(
            "unpublished",
            offered.key,
            "the output of a claim is not in the blob store yet, so its requester cannot fetch it; it stays"
            f" on this node's disk and is offered again in {wait_seconds:.0f} s: {offered.trouble}",
        )

    def forget_except(
        self,
        claims: Collection[ClaimedState],
        before: Callable[[Collection[OutputKey]], object] = lambda _: None,
    ) -> None:
        """Drop the outputs that belong to none of these claims, as their tasks are final.

        An output that no store has taken yet is offered a while longer: it has been paid for. `before` is
        told what is about to be deleted; nothing is if it raises.
        """
        needed = {key_of(claimed) for claimed in claims}
        over = [
            key
            for key, shelved in self._shelved.items()
            if key not in needed and (shelved.is_published or shelved.failures >= GIVE_UP_FAILURES)
        ]
        if over:
            before(over)
        for key in over:
            try:
                self._folder.remove(key)
            except Unavailable as error:
                self._report("unremoved", key, f"an output is no longer needed, but {error}")
            del self._shelved[key]

    def _report(self, kind: str, key: OutputKey, message: str) -> None:
        self._reporter.report(kind, message, output_root=key.output_root.hex(), output_size=key.size_bytes)
