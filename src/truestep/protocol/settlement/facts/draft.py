"""Facts while events change them: a mapping is copied once, when it is first changed."""

from dataclasses import replace
from typing import Any

from truestep.base.errors import Bug
from truestep.base.ids import Address, BatchId, JobId, TaskId, job_of_task
from truestep.protocol.availability.facts import Draft as DataDraft
from truestep.protocol.availability.kept_state import Kept
from truestep.protocol.settlement.facts.records import Facts, KnownBatch, KnownDispute, KnownJob
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.tables import Table, add_to


class Draft:
    """Facts that change."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        """As they were, but for what `change` has set."""
        self.job_count, self.batch_count = facts.job_count, facts.batch_count
        self.stakes = Table(facts.stakes)
        self.roles = Table(facts.roles)
        self.jobs = Table(facts.jobs)
        self.batches = Table(facts.batches)
        self.outcomes = Table(facts.outcomes)
        self.credits = Table(facts.credits)
        self.disputes = Table(facts.disputes)
        self.games = Table(facts.games)
        self.ordinals = Table(facts.ordinals)
        self.splits = Table(facts.splits)
        self.shown = Table(facts.shown)
        self.bond_credits = Table(facts.bond_credits)
        self.pots = Table(facts.pots)
        self.results = Table(facts.results)
        self.data = DataDraft(facts.data, facts.keeps or frozenset())
        self.supplied = Table(facts.kept.supplied)
        self.kept_batches = Table(facts.kept.batches)
        self.holds = Table(facts.kept.holds)
        self.entries = facts.entries
        self.proofs = Table(facts.proofs)
        self.proven = Table(facts.proven)
        self.reopened_until = Table(facts.reopened_until)
        self.funds = Table(facts.funds)
        self.audited = Table(facts.audited)
        self.audits = Table(facts.audits)
        self.purses = Table(facts.purses)
        self.committees = Table(facts.committees)
        self.failed = Table(facts.failed)
        self.sittings = Table(facts.sittings)
        self.commitments = Table(facts.commitments)
        self.dissents = Table(facts.dissents)
        self.quorum_load = facts.quorum_load
        self.offers = Table(facts.offers)
        self.lots = Table(facts.lots)
        self.late = Table(facts.late)

    def finish(self) -> Facts:
        """The facts as they are now. They change with the draft, if it is changed again."""
        return replace(
            self.facts,
            job_count=self.job_count,
            batch_count=self.batch_count,
            stakes=self.stakes.entries,
            roles=self.roles.entries,
            jobs=self.jobs.entries,
            batches=self.batches.entries,
            outcomes=self.outcomes.entries,
            credits=self.credits.entries,
            disputes=self.disputes.entries,
            games=self.games.entries,
            ordinals=self.ordinals.entries,
            splits=self.splits.entries,
            shown=self.shown.entries,
            bond_credits=self.bond_credits.entries,
            pots=self.pots.entries,
            results=self.results.entries,
            data=self.data.facts(),
            kept=Kept(
                supplied=self.supplied.entries,
                batches=self.kept_batches.entries,
                holds=self.holds.entries,
            ),
            entries=self.entries,
            proofs=self.proofs.entries,
            proven=self.proven.entries,
            reopened_until=self.reopened_until.entries,
            funds=self.funds.entries,
            audited=self.audited.entries,
            audits=self.audits.entries,
            purses=self.purses.entries,
            committees=self.committees.entries,
            failed=self.failed.entries,
            sittings=self.sittings.entries,
            commitments=self.commitments.entries,
            dissents=self.dissents.entries,
            quorum_load=self.quorum_load,
            offers=self.offers.entries,
            lots=self.lots.entries,
            late=self.late.entries,
        )

    def change(self, **fields: Any) -> None:
        """Set what seldom changes: numbers and short tuples."""
        self.facts = replace(self.facts, **fields)

    def job(self, job_id: JobId) -> KnownJob:
        """A job that an event is about and that cannot be over (`gaps.fits`)."""
        known = self.jobs.get(job_id)
        if known is None:
            raise Bug(f"expected to know job {job_id}")
        return known

    def batch(self, batch_id: BatchId) -> KnownBatch:
        """A batch that an event is about and that cannot be over (`gaps.fits`)."""
        known = self.batches.get(batch_id)
        if known is None:
            raise Bug(f"expected to know batch {batch_id}")
        return known

    def dispute(self, claim_id: LeafId, task_id: TaskId) -> KnownDispute:
        """What is known of the games on a claim, which needs its job from now on."""
        known = self.disputes.get(claim_id)
        if known is None:
            known = KnownDispute(task_id=task_id)
            self.disputes.put(claim_id, known)
            self.need_job(job_of_task(task_id), 1)
        return known

    def put_dispute(self, claim_id: LeafId, known: KnownDispute, **claim_fields: Any) -> None:
        """Keep a challenged claim, with changes of what the contract keeps of it."""
        self.disputes.put(claim_id, replace(known, claim=replace(known.claim, **claim_fields)))

    def put_job(self, job_id: JobId, known: KnownJob, **job_fields: Any) -> None:
        """Keep a job, with changes of what the contracts keep of it."""
        self.jobs.put(job_id, replace(known, job=replace(known.job, **job_fields)) if job_fields else known)

    def put_batch(self, batch_id: BatchId, known: KnownBatch, **batch_fields: Any) -> None:
        """Keep a batch, with changes of what the contracts keep of it."""
        self.batches.put(batch_id, replace(known, batch=replace(known.batch, **batch_fields)))

    def need_job(self, job_id: JobId, count: int) -> None:
        """So many more things in the facts need the job, or fewer. Not for one that is over already."""
        known = self.jobs.get(job_id)
        if known is not None:
            self.jobs.put(job_id, replace(known, needed_by=known.needed_by + count))

    def owe(self, asset: Address, account: Address, amount: int) -> None:
        """Jobs owes an account more."""
        add_to(self.credits, (asset, account), amount)
