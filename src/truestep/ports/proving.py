"""What a worker needs to prove its claims by itself (docs/validity.md V4.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from truestep.base.ids import Address, Bytes32, TaskId
from truestep.ports.executor import ShouldStop
from truestep.protocol.records import JobRecord
from truestep.protocol.settlement.records import JobTerms, Leaf, Work

Tell = Callable[[str], None]


class CannotProve(Exception):
    """What is to be proven is not what the prover's model gives, or the prover fails: words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOrder:
    """An item of work: prove a claim for the verifier with this key digest. All that the proof depends on."""

    chain_id: int
    jobs: Address
    key_digest: Bytes32
    task_id: TaskId
    job: JobRecord
    """Says where its input may be."""
    work: Work
    terms: JobTerms
    leaf: Leaf


class Prover(Protocol):
    """Makes seals, for the circuits that it has. For any thread; ends with the process that has it."""

    @property
    def circuits(self) -> Mapping[Bytes32, int]:
        """How many bytes of input each of its circuits takes, by key digest, as entries name them."""
        ...

    def seal(self, order: SealOrder, content: bytes, should_stop: ShouldStop, tell: Tell) -> bytes:
        """The proof of a claim on this input, as Verifiers takes it; `tell` hears what is being done.

        Raises `CannotProve`; `Unavailable` if it may succeed later, as after a limit of time or memory;
        `Stopped` when asked to stop.
        """
        ...
