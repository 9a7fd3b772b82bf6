"""A job under the policy *kept*: its data is kept first, and then named (docs/availability.md A5)."""

from collections.abc import Iterable
from dataclasses import replace

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.clock import SystemClock
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId
from truestep.client.costs import Costs
from truestep.client.job_status import known_job
from truestep.client.keeping import ROUNDS, Keeping, KeepingTerms, KeepingWorld, Tell
from truestep.client.sending import transact_once
from truestep.client.supplies import Availability, Need, input_content, need_of, program_content
from truestep.composition.network import DEVNET_CHAINS
from truestep.machine.program import Program
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.calls import PostJob, SupplyJob
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.tasks.records import job_rules


def keeping_world(
    chain: Chain, blobs: Blobs, deployment: Deployment, clock: Clock | None = None
) -> KeepingWorld:
    """What it takes to have data kept in a network. Raises Rejected if the network keeps no data."""
    rules = deployment.kept_by
    if rules is None:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            "expected a network with keepers, this one has none; submit with --availability none, or get"
            " the network's file again",
        )
    return KeepingWorld(
        chain=chain,
        blobs=blobs,
        kzg=open_kzg(),
        rules=rules,
        clock=clock or SystemClock(),
        may_be_private=deployment.chain_id in DEVNET_CHAINS,
    )


class Supplier:
    """Keeps and names the data of one account's jobs. After an interruption, call its methods again."""

    def __init__(
        self,
        chain: Chain,
        blobs: Blobs,
        deployment: Deployment,
        availability: Availability,
        terms: KeepingTerms,
        tell: Tell = lambda _: None,
        clock: Clock | None = None,
        leave_behind: Tell = lambda _: None,
    ) -> None:
        """Raises Rejected if the network keeps no data."""
        self._chain = chain
        world = keeping_world(chain, blobs, deployment, clock)
        self._rules = world.rules
        self._keeping = Keeping(world, terms, tell, availability, leave_behind)

    def foresee(
        self, call: PostJob, max_cycles: int, program: Program, content: bytes, lifetime_seconds: int
    ) -> Costs:
        """What keeping the data of a job will send. Refuses data that would be refused then."""
        need = need_of(self._rules, self._rules_of(call, max_cycles), self._now() + lifetime_seconds)
        return self._keeping.foresee(program_content(program), input_content(content), need)

    def foresee_supply(self, job_id: JobId, program: Program, content: bytes) -> Costs:
        """The same of a job that is posted."""
        job = known_job(self._chain, job_id)
        need = need_of(self._rules, job.parameters, job.deadline)
        return self._keeping.foresee(program_content(program), input_content(content), need)

    def kept_order(self, call: PostJob, program: Program, content: bytes, lifetime_seconds: int) -> PostJob:
        """The call that posts a job, once its data is kept for as long as it needs from now on.

        Raises Rejected if keepers do not take it, or the data is too large for the bond.
        """
        rules = self._rules_of(call, self._chain.program(call.program_id).max_cycles)
        for _ in range(ROUNDS):
            ids = self._keep(rules, self._now() + lifetime_seconds, program, content)
            deadline = self._now() + lifetime_seconds
            if self._are_lasting(ids, need_of(self._rules, rules, deadline)):
                return replace(call, deadline=deadline)
        raise Unavailable("it took too long until the data was kept; run the same command again")

    def supply(self, job_id: JobId, program: Program, content: bytes) -> None:
        """Name the kept items of a posted job, so that it can be taken. Does nothing if that is done.

        Raises Rejected if keepers do not take the data, if the job is another account's, or a reducer without
        its input.
        """
        job = known_job(self._chain, job_id)
        if self._is_supplied(job_id):
            return
        program_item, input_item = self._keep(job.parameters, job.deadline, program, content)
        call = SupplyJob(job_id=job_id, program_item=program_item, input_item=input_item)
        transact_once(self._chain, call, f"supply:{job_id}", is_done=lambda: self._is_supplied(job_id))

    def _is_supplied(self, job_id: JobId) -> bool:
        """Whether its policy has seen its data; so it has for a job that is over."""
        known = self._chain.facts().jobs.get(job_id)
        return known is None or known.job.is_supplied

    def _keep(
        self, rules: Parameters, deadline: int, program: Program, content: bytes
    ) -> tuple[ItemId, ItemId]:
        need = need_of(self._rules, rules, deadline)
        return self._keeping.keep(program_content(program), input_content(content), need)

    def _rules_of(self, call: PostJob, max_cycles: int) -> Parameters:
        """The rules that the job will have."""
        newest = self._chain.facts().parameters[-1]
        window_seconds = call.window_seconds or newest.window_for(max_cycles)
        return job_rules(newest, window_seconds, call.bond_multiple)

    def _are_lasting(self, item_ids: Iterable[ItemId], need: Need) -> bool:
        """Whether items last as long as a job may need them."""
        items = self._chain.facts().data.items
        return all(each in items and need.is_met_by(items[each]) for each in item_ids)

    def _now(self) -> int:
        return self._chain.head().time_seconds
