"""The SDK: what a requester does, from code."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.keepers.publishing import public_url
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, JobId, ProgramId
from truestep.client import committees, dealing, stakes
from truestep.client.audits import foreseen_audits, pay_audits
from truestep.client.believed import believed_entries, expiry_notice
from truestep.client.committees import FUND_GAS
from truestep.client.costs import POST_GAS, PROGRAM_GAS, SUPPLY_GAS, Costs, refuse_poor, total_of
from truestep.client.extending import Extender
from truestep.client.files import ProgramFile, program_of, read_program
from truestep.client.job import EVENT_RANGE_BLOCKS, Job
from truestep.client.job_status import known_job
from truestep.client.keeping import KeepingTerms, Tell
from truestep.client.orders import Availability, Order, post_call, wanted_of
from truestep.client.runs import DEFAULT_MAX_CYCLES, RunReport, run_task
from truestep.client.sending import event_of, transact_once
from truestep.client.stakes import Withdrawn
from truestep.client.stored import stored_image, stored_input
from truestep.client.supplying import Supplier, keeping_world
from truestep.client.tokens import allow
from truestep.commitments.keccak import keccak256
from truestep.composition.engines import EngineName, open_engine
from truestep.engine.hashing import hash_many_pairs
from truestep.guest import BuiltGuest, build_c, build_python
from truestep.guest.python.build import PYTHON_SUFFIX
from truestep.machine.program import Task
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.calls import NATIVE, PostJob, RegisterProgram
from truestep.protocol.events import ChainEvent, JobPosted, ProgramRegistered
from truestep.protocol.settlement.tasks.records import program_record

OwnEvent = TypeVar("OwnEvent", ProgramRegistered, JobPosted)


def build(sources: Sequence[Path], output: Path, *, defines: Mapping[str, str] | None = None) -> BuiltGuest:
    """Compile C sources, or one Python guest, into an ELF file. Raises GuestBuildError if that fails."""
    if len(sources) == 1 and sources[0].suffix == PYTHON_SUFFIX and not defines:
        return build_python(sources[0], output)
    return build_c(sources, output, defines=defines)


def run(
    program: Path | bytes,
    content: bytes = b"",
    *,
    shard_index: int = 0,
    shard_count: int = 1,
    seed: bytes = bytes(32),
    max_cycles: int = DEFAULT_MAX_CYCLES,
    engine: EngineName = EngineName.JIT,
    debug_sink: Callable[[bytes], None] | None = None,
) -> RunReport:
    """Run one shard of a program (ELF, C or Python file, or an ELF file's bytes) on this computer.

    A guest that fails raises nothing: look at `is_accepted`, `exit_code` and `trap`. Its debug output is
    discarded by default; `DebugOutput` shows it safely, even if the guest is hostile.
    """
    file = _opened(program)
    task = Task(seed=seed, shard_index=shard_index, shard_count=shard_count, input=content)
    return run_task(open_engine(engine), file.program, task, max_cycles=max_cycles, debug_sink=debug_sink)


class Client:
    """One requester's account on one network."""

    def __init__(
        self,
        chain: Chain,
        blobs: Blobs,
        deployment: Deployment,
        *,
        places: Sequence[str] = (),
        is_remembering: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`places` are where `blobs` are, of which keepers are told the first URL.

        `is_remembering`: the chain's journal outlives the process, so equal orders are one order.
        """
        self.chain = chain
        self.blobs = blobs
        self.deployment = deployment
        self._places = places
        self._is_remembering = is_remembering
        self._clock = clock

    @classmethod
    def connect(
        cls,
        *,
        rpc: str | Sequence[str],
        deployment: Path,
        blobs: str | Sequence[str],
        keystore: Path,
        password: str,
        state: Path | None = None,
        policy: TransactionPolicy | None = None,
        on_unknown_code: Callable[[str], None] | None = None,
    ) -> "Client":
        """A client of the network that `deployment` describes, sending from the account in `keystore`.

        `rpc` is a URL, or several of nodes that stand in for each other; `blobs` is a URL or a directory, or
        several. The file `state` keeps the journal of what was sent, so that an order is posted only once,
        whatever interrupts it. `policy` says what gas may cost. Contracts with code that this version does
        not know are refused, unless `on_unknown_code` is told about them. Raises Rejected for a wrong
        password, file or chain, and Unavailable if no node answers.
        """
        from truestep.adapters.chain.deployment import read_deployment
        from truestep.adapters.keystore import open_keystore
        from truestep.adapters.store.sqlite import SqliteStore
        from truestep.composition.network import deployment_store, open_blobs, open_chain

        network = read_deployment(deployment)
        store = deployment_store(SqliteStore(state), network)
        signer = open_keystore(keystore, password)
        chain = open_chain(rpc, network, signer, store, policy, on_unknown_code=on_unknown_code)
        places = [blobs] if isinstance(blobs, str) else list(blobs)
        return cls(chain, open_blobs(places), network, places=places, is_remembering=state is not None)

    def register(self, program: Path | bytes, *, max_cycles: int = DEFAULT_MAX_CYCLES) -> ProgramId:
        """The program's number on the chain. Registers it if nobody has done so with these maximum cycles.

        The file is published in any case: the store may have lost it since it was registered. Raises
        Rejected if the file is not a program or the chain refuses it, otherwise Unavailable.
        """
        file = _opened(program)
        image_root = file.program.root(hash_many_pairs)
        uri = self.blobs.put(file.elf)
        self.blobs.put_program(image_root, file.program.entry, file.elf)
        known = self._registered(file, max_cycles)
        if known is not None:
            return known
        call = RegisterProgram(
            image_root=image_root,
            entry=file.program.entry,
            max_cycles=max_cycles,
            digest=file.digest,
            uri=uri,
        )
        intent = f"register:{file.digest.hex()}:{max_cycles}"
        name = transact_once(
            self.chain, call, intent, is_done=lambda: self._registered(file, max_cycles) is not None
        )
        if not name:
            return self.register(program, max_cycles=max_cycles)
        return self._own_event(name, ProgramRegistered).program_id

    def submit(
        self,
        program: Path | bytes,
        content: bytes = b"",
        *,
        order: Order | None = None,
        tell: Tell = lambda _: None,
        leave_behind: Tell = lambda _: None,
    ) -> Job:
        """Post a job and return its handle. The whole reward goes into escrow.

        If the order asks for keepers, they have program and input before; `tell` hears how far that is, and
        `leave_behind` what there is on the chain if this is interrupted, and how to go on. What too few
        keepers can take, or the account cannot pay for, is refused before anything is sent. Raises Rejected
        if the program or input is bad, keepers do not take them, or the chain refuses; Unavailable if
        something outside fails.
        """
        order, file = order or Order(), _opened(program)
        is_kept = order.availability is not Availability.NONE
        supplier = self._supplier(order.availability, order.keeping, tell, leave_behind) if is_kept else None
        draft = post_call(self.chain, self.blobs, content, order)
        self._refuse(draft, order, file, content, supplier, tell)
        call = replace(draft, program_id=self.register(file.elf, max_cycles=order.max_cycles))
        intent = f"post:{order.name or self._order_name(call, order)}"
        if self.chain.transaction(intent) is None:
            if supplier is not None and order.reducer_of is None:
                call = supplier.kept_order(call, file.program, content, order.lifetime_seconds)
            allow(self.chain, order.asset, order.reward_wei * order.shard_count)
        leave_behind(self._before_post)
        job = self._post(call, intent)
        leave_behind(self._after_post(job.job_id, order))
        if supplier is not None and order.reducer_of is None:
            supplier.supply(job.job_id, file.program, content)
        if order.is_judged:
            committees.fund(self.chain, job.job_id, order.committee_fee_wei)
        if order.is_audited:
            pay_audits(self.chain, job.job_id)
        if order.is_drawn:
            dealing.offer(self.chain, job.job_id, order.lot_tasks)
        return job

    def supply(
        self,
        job_id: JobId,
        *,
        availability: Availability = Availability.KEEPERS,
        keeping: KeepingTerms | None = None,
        tell: Tell = lambda _: None,
        leave_behind: Tell = lambda _: None,
    ) -> bool:
        """Have the data of a posted job kept, and name it, so that the job can be taken (A5.1).

        Returns whether that was left to do. Program and input come from the blob stores. A reducer is
        supplied once it is fed. Raises as `submit`.
        """
        job, known = known_job(self.chain, job_id), self.chain.facts().jobs.get(job_id)
        if known is None or known.job.is_supplied:
            return False
        if not known.job.is_fed:
            raise Rejected(
                Reject.JOB_WAITS, f"job {job_id} reduces another and has no input yet: truestep feed {job_id}"
            )
        program = self.chain.program(job.program_id)
        elf = stored_image(self.blobs, program.image_root, program.entry, program.digest, program.uri)
        content = stored_input(self.blobs, job.input_root, job.input_size, job.input_uri)
        supplier, opened = self._supplier(availability, keeping, tell, leave_behind), program_of(elf).program
        costs = supplier.foresee_supply(job_id, opened, content)
        refuse_poor(self.chain, total_of([costs, Costs(gas=SUPPLY_GAS)]), f"supply job {job_id}")
        supplier.supply(job_id, opened, content)
        return True

    def extend(
        self,
        item_id: ItemId,
        keep_seconds: int,
        *,
        keeping: KeepingTerms | None = None,
        tell: Tell = lambda _: None,
        leave_behind: Tell = lambda _: None,
    ) -> ItemId:
        """Have the bytes of an item kept for so long from now, by another item. Returns its number.

        Anybody may, whoever has registered the first one. Begun again, it goes on. Raises as `submit`.
        """
        world = keeping_world(self.chain, self.blobs, self.deployment, self._clock)
        terms = keeping or KeepingTerms(url=public_url(self._places))
        return Extender(world, terms, tell, leave_behind).extend(item_id, keep_seconds)

    def _refuse(
        self,
        draft: PostJob,
        order: Order,
        file: ProgramFile,
        content: bytes,
        supplier: Supplier | None,
        tell: Tell,
    ) -> None:
        """Refuse what cannot be proven, kept or paid for, before anything is sent; not what is posted."""
        program_id = self._registered(file, order.max_cycles)
        if program_id is not None:
            call = replace(draft, program_id=program_id)
            if self.chain.transaction(f"post:{order.name or self._order_name(call, order)}") is not None:
                return
        if order.is_proven:
            image_root = file.program.root(hash_many_pairs)
            found = believed_entries(self.chain, image_root, file.program.entry, order)
            if (notice := expiry_notice(self.chain, found, order)) is not None:
                tell(notice)
        costs = [Costs(gas=POST_GAS + (PROGRAM_GAS if program_id is None else 0))]
        if order.is_audited:
            costs.append(foreseen_audits(self.chain, order))
        if order.asset == NATIVE:
            costs.append(Costs(sent_wei=(("of rewards", order.reward_wei * order.shard_count),)))
        if order.is_judged:
            fees_wei = committees.purse_wei(self.chain, wanted_of(order))
            costs.append(Costs(gas=FUND_GAS, sent_wei=(("of fees of its committee", fees_wei),)))
        if order.is_drawn:
            costs.append(Costs(gas=dealing.OFFER_GAS))
        if supplier is not None:
            costs.append(Costs(gas=SUPPLY_GAS))
            if order.reducer_of is None:
                costs.append(
                    supplier.foresee(draft, order.max_cycles, file.program, content, order.lifetime_seconds)
                )
        refuse_poor(self.chain, total_of(costs), "submit this job")

    @property
    def _before_post(self) -> str:
        if self._is_remembering:
            return "the job may have been posted: the same command with the same --state goes on, once only"
        return (
            f"the job may have been posted: see whether `truestep status {self.chain.facts().job_count + 1}`"
            " shows it before you run this command again, or it may post another; with --state FILE it would"
            " know"
        )

    def _after_post(self, job_id: JobId, order: Order) -> str:
        """How to go on once a job is posted."""
        if order.is_judged:
            return (
                f"job {job_id} is posted. Nobody can take it before its committee is paid:"
                f" truestep quorum fund {job_id}"
            )
        if order.is_drawn:
            return f"job {job_id} is posted. Nobody can take it before it is offered: truestep offer {job_id}"
        if order.availability is Availability.NONE:
            return f"job {job_id} is posted and goes on without this command: truestep status {job_id}"
        again = (
            "The same command with the same --state goes on"
            if self._is_remembering
            else "Do not run the same command again, which would post another job, but"
            f" `truestep supply {job_id} --availability {order.availability}`"
        )
        return f"job {job_id} is posted. Nobody can take it before it is supplied. {again}"

    def _supplier(
        self, availability: Availability, terms: KeepingTerms | None, tell: Tell, leave_behind: Tell
    ) -> Supplier:
        if terms is None:
            needs_url = availability is Availability.KEEPERS
            terms = KeepingTerms(url=public_url(self._places) if needs_url else "")
        return Supplier(
            self.chain,
            self.blobs,
            self.deployment,
            availability,
            terms,
            tell,
            self._clock,
            leave_behind,
        )

    def _post(self, call: PostJob, intent: str) -> Job:
        name = transact_once(self.chain, call, intent, is_done=lambda: self._posted(call) is not None)
        event = self._own_event(name, JobPosted) if name else self._posted(call)
        if event is None:
            raise Unavailable("the job was posted, and is gone from the node's events; try another node")
        return self._handle(event.job_id, event.at.block_number)

    def job(self, job_id: JobId) -> Job:
        """The handle of a job that anybody posted earlier. Raises Rejected if there is no such job."""
        known_job(self.chain, job_id)
        return self._handle(job_id, self.chain.first_block)

    # --- coins ----------------------------------------------------------------------------------------

    def withdraw(self, receiver: Address | None = None) -> Withdrawn:
        """Take all that the contracts owe this account, of native coins and tokens, for itself or a receiver.

        Raises Rejected if a token or the receiver refuses it, Unavailable if something outside fails.
        """
        return stakes.withdraw(self.chain, receiver)

    def deposit(self, amount_wei: int, operator: Address | None = None) -> None:
        """Add to the stake of an operator, of this account if none is named."""
        stakes.deposit(self.chain, amount_wei, operator)

    def withdraw_stake(self, amount_wei: int, receiver: Address | None = None) -> None:
        """Take stake of this account that no bond locks. Raises Rejected if less is free."""
        stakes.withdraw_stake(self.chain, amount_wei, receiver)

    def set_delegate(self, delegate: Address, roles: int) -> bool:
        """Say what a delegate may do for this account: a sum of `Role`, 0 for nothing.

        Returns whether that is a change.
        """
        return stakes.set_delegate(self.chain, delegate, roles)

    # --- how ------------------------------------------------------------------------------------------

    def _handle(self, job_id: JobId, first_block: int) -> Job:
        return Job(self.chain, self.blobs, self.deployment, job_id, first_block)

    def _registered(self, file: ProgramFile, max_cycles: int) -> ProgramId | None:
        """The number under which this program is already registered with these maximum cycles."""
        image_root, facts = file.program.root(hash_many_pairs), self.chain.facts()
        for number in range(1, len(facts.programs) + 1):
            known = program_record(facts, ProgramId(number))
            if (
                known is not None
                and (known.image_root, known.entry) == (image_root, file.program.entry)
                and (known.digest, known.max_cycles) == (file.digest, max_cycles)
            ):
                return known.program_id
        return None

    def _all_events(self) -> Sequence[ChainEvent]:
        head = self.chain.head().number
        starts = range(self.chain.first_block, head + 1, EVENT_RANGE_BLOCKS)
        return [
            event
            for start in starts
            for event in self.chain.events(start, min(start + EVENT_RANGE_BLOCKS - 1, head))
        ]

    def _own_event(self, name: str, kind: type[OwnEvent]) -> OwnEvent:
        """The event that our own transaction emitted."""
        _, event = event_of(self.chain, name, lambda event: isinstance(event, kind))
        return cast(OwnEvent, event)

    def _posted(self, call: PostJob) -> JobPosted | None:
        """The job that another program posted from this account for the same call."""
        wanted = (self.chain.account, call.program_id, call.seed, call.reducer_of)
        for event in self._all_events():
            if (
                isinstance(event, JobPosted)
                and (event.requester, event.program_id, event.seed, event.reducer_of) == wanted
                and (call.reducer_of is not None or event.input_root == call.input_root)
            ):
                return event
        return None

    def _order_name(self, call: PostJob, order: Order) -> str:
        """A name that equal orders share, if they are remembered; else one of its own."""
        if not self._is_remembering:
            return secrets.token_hex(16)
        terms = (call.program_id, call.input_root.hex(), call.input_size, *order.words)
        return keccak256(repr(terms).encode()).hex()


def _opened(program: Path | bytes) -> ProgramFile:
    return program_of(program) if isinstance(program, bytes) else read_program(program)
