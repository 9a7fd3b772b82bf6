"""What a requester orders, and the call that posts it."""

import secrets
from dataclasses import dataclass, field

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32, JobId, ProgramId, task_of
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.client.committees import Wanted, check_wanted
from truestep.client.dealing import check_drawn
from truestep.client.job_status import known_job, read_status
from truestep.client.keeping import KeepingTerms
from truestep.client.reducing import check_slots, slot_level
from truestep.client.runs import DEFAULT_MAX_CYCLES
from truestep.client.supplies import Availability
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.program import Task
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.calls import NATIVE, NOBODY, PostJob
from truestep.protocol.deployment.audits import POLICY as AUDITED
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.deployment.quorum import POLICY as QUORUM
from truestep.protocol.deployment.validity import POLICY as VALIDITY
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.jobs import LEASE_LIMIT_SECONDS, LIFETIME_LIMIT_SECONDS
from truestep.protocol.settlement.parameters import WINDOW_LIMIT_SECONDS

DEFAULT_LEASE_SECONDS = 3_600
DEFAULT_LIFETIME_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The terms of a job, besides its program and input. `reward_wei` is per shard."""

    shard_count: int = 1
    reward_wei: int = 0
    """In wei, or in the smallest unit of the asset."""
    asset: Address = NATIVE
    """A token (ERC-20) in which workers are paid, in place of native coins."""
    seed: Bytes32 | None = None
    """None means 32 random bytes."""
    max_cycles: int = DEFAULT_MAX_CYCLES
    """A shard that has not halted by then is a failed run. At most 2^48."""
    lease_seconds: int = DEFAULT_LEASE_SECONDS
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    """Time from posting to the deadline. After it, the rewards of unfinished shards can be reclaimed."""
    window_seconds: int = 0
    """Time in which a claim can be challenged; 0: the shortest that the network allows for `max_cycles`."""
    bond_multiple: int = 1
    """How many times the network's bond an operator locks for each shard, 1 to 255."""
    consumer: Address = NOBODY
    """A contract to call once all shards are written out."""
    callback_gas: int = 0
    """The gas of that call, at most 10,000,000."""
    reducer_of: JobId | None = None
    """The job whose outputs are the input; this one has one shard then, and `Job.feed` gives it the input."""
    slot_bytes: int = 0
    """Room for each of these outputs; 0: for the largest one, once that job is complete."""
    name: str | None = None
    """A client with a state file posts an order of a given name only once, even after an interruption."""
    availability: Availability = field(default=Availability.NONE, repr=False)
    is_proven: bool = field(default=False, repr=False)
    """Whether claims must be proven, and are final at once then: the policy *validity*."""
    is_judged: bool = field(default=False, repr=False)
    """Whether a drawn committee finds the results too, and makes them final at once: the policy *quorum*."""
    committee_fee_wei: int = field(default=0, repr=False)
    """With `is_judged`: for each member and shard; 0 means the least that the network takes."""
    is_audited: bool = field(default=False, repr=False)
    """Whether claims are drawn, and run again by an auditor: the policy *audited*."""
    is_drawn: bool = field(default=False, repr=False)
    """Whether each part of it is one drawn operator's to take: the policy *drawn*."""
    lot_tasks: int = field(default=0, repr=False)
    """With `is_drawn`: the shards of a part, 1 to 256; 0 means the network's usual number."""
    system: str | None = field(default=None, repr=False)
    """With `is_proven`: the proof system that must be able to prove the claims, else nothing is posted."""
    keeping: KeepingTerms | None = field(default=None, repr=False)
    """What keepers are offered; None: the usual, at the client's first blob store with a URL."""

    @property
    def words(self) -> tuple[object, ...]:
        """What makes it another order than others, besides its program and input."""
        kept = () if self.availability is Availability.NONE else (str(self.availability),)
        judged = ("quorum", self.committee_fee_wei) if self.is_judged else ()
        named = (("validity",) if self.is_proven else ()) + (("audited",) if self.is_audited else ())
        drawn = ("drawn", self.lot_tasks) if self.is_drawn else ()
        return (self, *kept, *named, *judged, *drawn)

    @property
    def policy(self) -> int:
        """The number of its policy (S8). Raises Rejected for what no policy does."""
        if self.is_proven and self.availability is not Availability.NONE:
            raise Rejected(
                Reject.POLICY_UNKNOWN,
                f"no policy both proves claims and keeps data, got validity and {self.availability}; choose"
                " one of them",
            )
        several = self.is_proven + self.is_judged + self.is_audited + self.is_drawn
        if several > 1 or (several and self.availability is not Availability.NONE):
            raise Rejected(
                Reject.POLICY_UNKNOWN,
                "a job has one policy: choose one of proofs, a quorum, audits, drawn operators and data, or"
                " post the job under each",
            )
        if self.is_judged:
            return QUORUM
        if self.is_proven:
            return VALIDITY
        if self.is_audited:
            return AUDITED
        if self.is_drawn:
            return DRAWN
        return OPTIMISTIC if self.availability is Availability.NONE else KEPT


def wanted_of(order: Order) -> Wanted:
    """What an order asks of a committee."""
    return Wanted(
        shard_count=order.shard_count,
        max_cycles=order.max_cycles,
        lease_seconds=order.lease_seconds,
        window_seconds=order.window_seconds,
        fee_wei=order.committee_fee_wei,
    )


NO_PROGRAM = ProgramId(0)


def post_call(chain: Chain, blobs: Blobs, content: bytes, order: Order) -> PostJob:
    """The call that posts an order, still without its program. Publishes the input.

    Raises Rejected for times, an input or a reducer that no job can have.
    """
    _check_times(chain, order)
    _check_policy(chain, order)
    level = 0
    if order.reducer_of is not None:
        level = reducer_level(chain, order.reducer_of, content, order)
        input_root, input_uri = Bytes32(bytes(32)), ""
    else:
        task = Task(shard_count=order.shard_count, input=content)
        input_root, input_uri = task.input_root(hash_many_pairs), blobs.put(content)
        blobs.put_input(input_root, content)
    return PostJob(
        program_id=NO_PROGRAM,
        input_root=input_root,
        input_size=len(content),
        input_uri=input_uri,
        seed=order.seed or Bytes32(secrets.token_bytes(32)),
        shard_count=order.shard_count,
        reward=order.reward_wei,
        lease_seconds=order.lease_seconds,
        deadline=chain.head().time_seconds + order.lifetime_seconds,
        asset=order.asset,
        window_seconds=order.window_seconds,
        bond_multiple=order.bond_multiple,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        reducer_of=order.reducer_of,
        slot_level=level,
        policy=order.policy,
    )


def _check_policy(chain: ChainReader, order: Order) -> None:
    """Refuse a policy that the network does not have, before anything is published."""
    if order.policy == VALIDITY and chain.facts().proving is None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "this network believes no proofs; submit without --policy validity, or to another network",
        )
    if order.policy == QUORUM:
        check_wanted(chain, wanted_of(order))
    if order.policy == DRAWN:
        check_drawn(chain, order.lot_tasks, is_reducer=order.reducer_of is not None)
    if order.policy == AUDITED and chain.facts().auditing is None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "this network audits no claims; submit without --policy audited, or to another network",
        )


def _check_times(chain: ChainReader, order: Order) -> None:
    """Refuse what the contracts would refuse (S3.1), before anything is published, registered or paid."""
    shortest = chain.parameters().window_seconds
    window_seconds = order.window_seconds or shortest
    of_window = Reject.WINDOW_SHORT if window_seconds < shortest else Reject.PARAMETER_WINDOW
    for reason, name, seconds, least, most in (
        (Reject.LEASE_BOUNDS, "a lease", order.lease_seconds, 1, LEASE_LIMIT_SECONDS),
        (Reject.DEADLINE_BOUNDS, "a deadline", order.lifetime_seconds, 1, LIFETIME_LIMIT_SECONDS),
        (of_window, "a window", window_seconds, shortest, WINDOW_LIMIT_SECONDS),
    ):
        if not least <= seconds <= most:
            raise Rejected(
                reason,
                f"expected {name} of {duration(least)} to {duration(most)}, got {duration(seconds)}",
            )


def reducer_level(chain: ChainReader, source_id: JobId, content: bytes, order: Order) -> int:
    """The level of a reducer's slots: of the size that the order names, else of the largest output."""
    if content or order.shard_count != 1:
        raise Rejected(
            Reject.REDUCER_SHAPE,
            "expected a reducer with one shard and no input of its own, got"
            f" {counted(order.shard_count, 'shard')} and"
            f" {counted(len(content), 'byte')}; its input is the outputs of job {source_id}",
        )
    source = known_job(chain, source_id)
    level = slot_level(order.slot_bytes or _largest_output(chain, source_id))
    check_slots(source.shard_count, level)
    return level


def _largest_output(chain: ChainReader, source_id: JobId) -> int:
    status = read_status(chain, source_id)
    if not status.is_complete:
        raise Rejected(
            Reject.REDUCER_SHAPE,
            f"job {source_id} is not complete, so the size of its largest output is not known; say how many"
            " bytes an output may have, or wait for it",
        )
    shards = range(status.job.shard_count)
    return max(chain.result(task_of(source_id, shard)).output_size for shard in shards)
