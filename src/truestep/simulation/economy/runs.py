"""Runs that nobody computes: what a task's run truly ends in, and how a false claim of it looks."""

from dataclasses import dataclass
from functools import cached_property

from truestep.base.ids import Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement.claims import initial_state_hash, inner_root
from truestep.protocol.settlement.records import Leaf, Work

ZERO_HASH = Bytes32(bytes(32))


@dataclass(kw_only=True)
class Run:
    """One side's story of a task: true up to state `lie_at`, and false after it.

    The hash of a state is drawn, not computed: the game needs only that two sides agree up to some state and
    disagree from there on.
    """

    task_id: TaskId
    work: Work
    cycles: int
    lie_at: int
    """The last state that is true; `cycles` of a true run."""
    liar: bytes = b""
    """Names the lie: two liars tell different ones."""

    @property
    def is_true(self) -> bool:
        """Whether it is what the machine would do."""
        return self.lie_at >= self.cycles

    @property
    def leaf(self) -> Leaf:
        """What a claim says of it."""
        head = Status.EXITED << 192 | self.cycles << 64 | 32
        return Leaf(head=head, output_root=self._output_root, left_root=self.work.image_root)

    @property
    def _output_root(self) -> Bytes32:
        return keccak256(self._names[not self.is_true])

    @cached_property
    def claimed(self) -> ClaimedState:
        """The end, with all that its hash is made of."""
        return self._end(inner_root(self.task_id, self.work))

    @cached_property
    def stated(self) -> ClaimedState:
        """The end, as far as a claim on the chain says it: without what follows from the task (S5.1)."""
        return self._end(ZERO_HASH)

    @cached_property
    def end_hash(self) -> Bytes32:
        """The hash of the last state."""
        return self.claimed.state_hash()

    def _end(self, inner: Bytes32) -> ClaimedState:
        return ClaimedState(
            status=Status.EXITED,
            code=0,
            cycle=self.cycles,
            output_size=32,
            output_root=self._output_root,
            left_root=self.work.image_root,
            inner_root=inner,
            running_state=ZERO_HASH,
        )

    def hash_at(self, number: int) -> Bytes32:
        """The hash of state number `number`."""
        if number == 0:
            return initial_state_hash(self.task_id, self.work)
        if number == self.cycles:
            return self.end_hash
        return keccak256(self._names[number > self.lie_at] + number.to_bytes(8, "big"))

    @cached_property
    def _names(self) -> tuple[bytes, bytes]:
        """What the hashes of its true and of its false states are made of."""
        task = self.work.seed + self.task_id.to_bytes(32, "big")
        return b"true" + task, b"false" + self.liar + task
