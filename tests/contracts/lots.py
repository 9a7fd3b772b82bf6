"""All contracts with Lots as policy 2: a pool that the test knows, games on real runs."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from tests.contracts.evm import Receipt
from tests.contracts.playing import HONEST, LIAR, MALICE, STAKE_WEI, Arena
from tests.contracts.settings import ALICE, BOB, FUNDS_WEI, KEEPER, NOBODY
from tests.contracts.settlement import PostedJob
from truestep.protocol.lots.contracts.lots import Rules

POLICY = 2
POOL = (LIAR, HONEST, MALICE, ALICE)
"""Who is drawn: somebody, or the next one that is not left out."""
PLEDGE_WEI = 10**18
EXIT_SECONDS = 20 * 86_400
LOTS = Rules(pool=0, lot_tasks=2, turn_seconds=600, open_seconds=3_600, late_wei=10**16)


class LotsArena(Arena):
    """The contracts, with lots drawn among everybody in the pool."""

    def __init__(self, rules: Rules = LOTS) -> None:
        super().__init__()
        arguments = (self.assurances.address, EXIT_SECONDS, 0, list(POOL), PLEDGE_WEI)
        self.sortition = self.double("SortitionDouble", *arguments)
        self.evm.chain.set_balance(self.sortition.address, PLEDGE_WEI * len(POOL))
        self.lots = self.deploy("Lots", self.assurances.address, self.sortition.address, astuple(rules))
        self.by_owner(self.assurances, "add", self.lots.address, POLICY)
        for account in POOL:
            self.evm.chain.set_balance(account, FUNDS_WEI)
            self.operators.transact("deposit_for", account, sender=KEEPER, value=STAKE_WEI)

    def posted_job(self, *, shard_count: int = 1, lot_tasks: int = 2, **order: Any) -> PostedJob:
        """A job that is offered."""
        job = self.post_runs(policy=POLICY, shard_count=shard_count, **order)
        self.offer(job, lot_tasks)
        self.pass_time(1)
        return job

    def offer(self, job: PostedJob, lot_tasks: int, sender: str = BOB) -> Receipt:
        """Cut a job into lots."""
        arguments = (job.job_id, astuple(job.work), astuple(job.terms))
        return self.lots.transact("offer", *arguments, lot_tasks, sender=sender)

    def draw(self, job: PostedJob, *shards: int) -> list[str]:
        """Draw the lots of these shards; who holds each, or nobody if it is open."""
        events = self.lots.transact("draw", job.job_id, list(shards)).events
        return [event.fields.get("holder", NOBODY).lower() for event in events]

    def end_turn(self, job: PostedJob, shard: int, sender: str = KEEPER) -> dict[str, Any]:
        """End a turn; what the contract says of it."""
        receipt = self.lots.transact("end_turn", job.job_id, shard, sender=sender)
        return next(event.fields for event in receipt.events if event.name == "Ended")

    def decline(self, job: PostedJob, *shards: int, operator: str, sender: str = "") -> Receipt:
        """Give lots up."""
        arguments = (operator, job.job_id, job.digest, list(shards))
        return self.lots.transact("decline", *arguments, sender=sender or operator)

    def pledge(self, operator: str) -> int:
        """What is left of an operator's pledge."""
        return self.sortition.call("pledges", operator)
