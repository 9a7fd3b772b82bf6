"""Random schedules under the policy *drawn*: holders take, sleep, decline and fail (docs/drawn.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.protocol.lots.world import DRAW_SECONDS, DRAWN_POLICY, POOL, RULES, LotsWorld
from tests.protocol.settlement.endings import wind_down
from tests.protocol.settlement.schedule import Maker, Schedule
from tests.protocol.settlement.world import PEOPLE, Step, free_shards
from truestep.base.ids import JobId
from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.policy import UNDRAWN, is_turn_over
from truestep.protocol.lots.rules import LOT_LIMIT
from truestep.protocol.lots.state import Lot, LotKey, Offered
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Job
from truestep.protocol.settlement.trees import tasks_root


@dataclass(slots=True)
class LotsSchedule(Schedule):
    """The next step, again and again."""

    policies: tuple[int, ...] = (OPTIMISTIC, DRAWN_POLICY, DRAWN_POLICY, DRAWN_POLICY)

    @property
    def lots_world(self) -> LotsWorld:
        """The world, with what Lots keeps."""
        if not isinstance(self.world, LotsWorld):
            raise TypeError(f"expected a world with Lots, got {self.world}")
        return self.world

    def _makers(self) -> dict[Maker, float]:
        makers = Schedule._makers(self)
        del makers[self.supply], makers[self.strike_by_policy]
        return makers | {
            self.strike: 6,
            self.release: 6,
            self.offer: 24,
            self.draw: 30,
            self.take_lot: 30,
            self.decline: 8,
            self.end_turn: 24,
            self.withdraw_lots: 3,
        }

    def offer(self) -> Step | None:
        kept = self.lots_world.lots
        found = self._some_job(
            lambda job: self._is_worth(job.terms.policy == DRAWN_POLICY and not job.is_supplied)
        )
        if found is None or not self._is_worth(found[0] not in kept.offers):
            return None
        job_id, job = found
        lot_tasks = self.rng.choice((RULES.lot_tasks, 1, 2, 20, LOT_LIMIT))
        if not self._is_worth(True):
            lot_tasks = self.rng.choice((0, LOT_LIMIT + 1))
        sender = self.rng.choice((job.terms.requester, job.terms.requester, self.rng.choice(PEOPLE)))
        call = lots.Offer(job_id=job_id, work=job.work, terms=job.terms, lot_tasks=lot_tasks)
        return self._message(sender, call)

    def draw(self) -> Step | None:
        found = self._some_offer()
        if found is None:
            return None
        job_id, job, offered = found
        shards = [shard for shard in self._some_shards(job, offered) if self._waits(job_id, offered, shard)]
        if not shards:
            return None
        if self.rng.random() < 0.9:
            self.now += DRAW_SECONDS + 1
        if self.rng.random() < 0.1:
            self.now += RULES.open_seconds
        return self._message(self.rng.choice(PEOPLE), lots.Draw(job_id=job_id, shards=tuple(shards)))

    def _waits(self, job_id: JobId, offered: Offered, shard: int) -> bool:
        lot = self._lot(job_id, offered, shard)
        return self._is_worth(lot.holder == NOBODY and not lot.is_open)

    def _lot(self, job_id: JobId, offered: Offered, shard: int) -> Lot:
        return self.lots_world.lots.lots.get((job_id, offered.lot_of(shard)), UNDRAWN)

    def _some_offer(self) -> tuple[JobId, Job, Offered] | None:
        kept, known = self.lots_world.lots, self.world.state.jobs
        found = [
            (job_id, known[job_id], offered)
            for job_id, offered in kept.offers.items()
            if self._is_worth(self.now < known[job_id].deadline)
        ]
        return self.rng.choice(found) if found else None

    def _some_shards(self, job: Job, offered: Offered) -> list[int]:
        """A free shard of each of some lots, or another one now and then."""
        free, shards = free_shards(job), list[int]()
        count = -(-job.work.shard_count // offered.lot_tasks)
        for lot in self.rng.sample(range(count), min(count, self.rng.choice((1, 2, 5)))):
            those = [each for each in offered.shards_of(lot, job.work.shard_count) if free >> each & 1]
            if those:
                shards.append(self.rng.choice(those))
        if not self._is_worth(True):
            shards.append(self.rng.choice((job.work.shard_count, 0, 2**16, 2**32 + 1)))
        return shards

    def take_lot(self) -> Step | None:
        """What is free of a lot, by its holder, most of the time."""
        found = self._some_held()
        if found is None:
            return None
        (job_id, number), lot = found
        job, offered = self.world.state.jobs[job_id], self.lots_world.lots.offers[job_id]
        free = free_shards(job)
        those = [each for each in offered.shards_of(number, job.work.shard_count) if free >> each & 1]
        if not those or not self._is_worth(not is_turn_over(RULES, lot, self.now)):
            return None
        last = those[0]
        while last + 1 in those and self.rng.random() < 0.9:
            last += 1
        item = Item(job_id=job_id, first_shard=those[0], count=last + 1 - those[0], offset=0).pack()
        call = jobs.Take(
            operator=lot.holder,
            items=(item,),
            tasks_root=tasks_root([(item, job.digest)]),
            min_reward=0,
            min_until=0,
        )
        return self._message(lot.holder, call)

    def _some_held(self) -> tuple[LotKey, Lot] | None:
        found = [entry for entry in self.lots_world.lots.lots.items() if self._is_worth(bool(entry[1].since))]
        found = [entry for entry in found if entry[1].holder != NOBODY]
        return self.rng.choice(found) if found else None

    def decline(self) -> Step | None:
        found = self._some_held()
        if found is None or not self._is_worth(not is_turn_over(RULES, found[1], self.now)):
            return None
        (job_id, number), lot = found
        job, offered = self.world.state.jobs[job_id], self.lots_world.lots.offers[job_id]
        free = free_shards(job)
        those = offered.shards_of(number, job.work.shard_count)
        those = [each for each in those if self._is_worth(bool(free >> each & 1))]
        if not those:
            return None
        operator = lot.holder if self.rng.random() < 0.8 else self.rng.choice(POOL)
        call = lots.Decline(
            operator=operator, job_id=job_id, job_digest=job.digest, shards=(self.rng.choice(those),)
        )
        return self._message(self._agent(operator), call)

    def end_turn(self) -> Step | None:
        found = self._some_held()
        if found is None:
            return None
        (job_id, number), lot = found
        job, offered = self.world.state.jobs[job_id], self.lots_world.lots.offers[job_id]
        free = free_shards(job)
        those = offered.shards_of(number, job.work.shard_count)
        those = [each for each in those if self._is_worth(bool(free >> each & 1))]
        if not those or not self._is_worth(self.now < job.deadline):
            return None
        if self.rng.random() < 0.5:
            self.now = max(self.now, lot.since + RULES.turn_seconds + self.rng.choice((0, 1, 1)))
        call = lots.EndTurn(job_id=job_id, shard=self.rng.choice(those))
        return self._message(self.rng.choice(PEOPLE), call)

    def withdraw_lots(self) -> Step | None:
        owed_to = self.lots_world.lots.credits
        accounts = [account for account, owed in owed_to.items() if self._is_worth(owed > 0)]
        if not accounts:
            return None
        account = self.rng.choice(accounts)
        receiver, stranger = self._receiver(account, NATIVE)
        return self._message(account, lots.WithdrawTo(receiver=receiver), stranger=stranger)


def wind_down_lots(schedule: LotsSchedule) -> Iterator[Step]:
    """What is left to do: batches end, and all is withdrawn."""
    world = schedule.lots_world
    yield from wind_down(schedule)
    for account, amount_wei in world.lots.credits.items():
        if amount_wei:
            yield Message(sender=account, now=schedule.now, call=lots.WithdrawTo(receiver=account))


def lots_schedule(seed: int, world: LotsWorld) -> LotsSchedule:
    """A schedule with its seed."""
    return LotsSchedule(rng=Random(seed), world=world)
