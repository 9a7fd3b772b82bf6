"""What a worker does about lots: whoever follows it pays nothing, and no lot is forgotten (docs/drawn.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from tests.protocol.lots.echo import DEALING, Echo
from tests.protocol.lots.world import DRAW_SECONDS, RULES
from tests.protocol.settlement.world import OPERATORS
from tests.roles.views import view
from truestep.base.ids import Address, JobId, job_of_task, shard_of_task
from truestep.protocol.lot_calls import DeclineLots, DrawLots, EndTurn
from truestep.protocol.lots.contracts import lots as contract
from truestep.protocol.lots.policy import UNDRAWN, is_open, is_turn_over
from truestep.protocol.lots.rules import CALL_LIMIT
from truestep.protocol.lots.state import Lot, Offered
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.ids import NOBODY, Item
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.records import Stake
from truestep.protocol.settlement.tasks.lot_calls import BUILDERS
from truestep.protocol.settlement.trees import tasks_root
from truestep.roles import intents
from truestep.roles import lots as role
from truestep.roles.actions import Send

AWAKE = OPERATORS[:2]
"""The others of the pool take, sleep and lose what they have taken."""
TICK_SECONDS = RULES.turn_seconds // (2 * role.PARTS)
PATIENCE_SECONDS = DRAW_SECONDS + 10 * TICK_SECONDS
"""The largest jobs have so many lots that some ticks are needed to draw them."""


@dataclass
class Node:
    """A worker of an operator that is drawn. What it sends lands before it decides again, but for takes."""

    operator: Address
    wants: Callable[[JobId], bool]
    taking: dict[str, int] = field(default_factory=dict[str, int])
    """Takes that have not landed, and when they would."""


class Neighbours(Echo):
    """Nodes that follow the role, among jobs that are posted, taken, lost and ended at random."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.rng = Random(seed + 1)
        self.nodes = [Node(AWAKE[0], lambda _: True), Node(AWAKE[1], lambda job_id: job_id % 3 != 0)]
        self.schedule.now += 1
        makers, schedule = self.schedule._makers, self.schedule
        left_out = {schedule.hold, schedule.set_delegate, schedule.post}
        left_out |= {schedule.draw, schedule.decline, schedule.end_turn}  # nodes do that
        kept = {maker: weight for maker, weight in makers().items() if maker not in left_out}
        self.makers = kept | {schedule.take_lot: 5, self._post: 8}
        for maker in (schedule.register, *[schedule.deposit] * 9):
            step = maker()
            assert step is not None
            self.read_of(self.world.play(step).effects)

    def _post(self) -> Any:
        return self.schedule._post(shard_count=self.rng.choice((1, 2, 3, 8, 33, 100)), reducer_of=0)

    def tick(self) -> None:
        """Time passes, somebody does something, and the nodes look."""
        self.schedule.now += self.rng.randrange(1, TICK_SECONDS + 1)
        self.read_of(self.world.play(self._some_step()).effects)
        for node in self.nodes:
            self.look(node)

    def _some_step(self) -> Any:
        if self.schedule.follow_ups:
            return self.schedule.follow_ups.pop()
        step = None
        while step is None:
            (maker,) = self.rng.choices(list(self.makers), weights=list(self.makers.values()))
            step = maker()
        return step

    def read_of(self, effects: Sequence[Any]) -> None:
        self.read([each for each in effects if type(each).__name__ != "Transfer"])

    def look(self, node: Node) -> None:
        """Everything that the role wants is accepted; takes land later, or never."""
        self._land(node)
        facts = self.known_to(node)
        for action in list(self.decided(node, facts)):
            ready = BUILDERS[type(action.call)](
                facts, Caller(account=node.operator, now=self.schedule.now), action.call
            )
            assert isinstance(ready, Ready), f"{action}: {ready}"
            message = Message(sender=node.operator, now=self.schedule.now, call=ready.call)
            outcome = self.world.play(message)
            assert outcome.refusal is None, f"{action}: {outcome.refusal}"
            self.read_of(outcome.effects)
        self._begin(node)

    def decided(self, node: Node, facts: Facts) -> Iterator[Send]:
        """What the role wants now."""
        now = self.schedule.now
        seen = view(account=node.operator, now=now, in_flight=frozenset(node.taking))

        def can_draw(since: int) -> bool:
            return now > since + DRAW_SECONDS

        found = role.decide(seen, facts, DEALING, can_draw, node.wants, ())
        for action in found:
            assert isinstance(action, Send)
            call = action.call
            assert isinstance(call, DrawLots | DeclineLots | EndTurn)
            assert not isinstance(call, DrawLots) or 0 < len(call.shards) <= CALL_LIMIT
            yield action

    def known_to(self, node: Node) -> Facts:
        """The facts, with a pledge of this operator."""
        stake = self.facts.stakes.get(node.operator, Stake())
        return replace(self.facts, stakes={**self.facts.stakes, node.operator: replace(stake, pledged_wei=1)})

    def _begin(self, node: Node) -> None:
        for each in role.held_by(self.facts, DEALING, node.operator, self.schedule.now):
            tasks = tuple(each.tasks)
            intent = intents.of_take(tasks, 1)
            if node.wants(each.job_id) and self.rng.random() < 0.3 and intent not in node.taking:
                node.taking[intent] = self.schedule.now + self.rng.choice((1, 5, 20, 10**9))

    def _land(self, node: Node) -> None:
        for intent, at in [*node.taking.items()]:
            tasks = sorted(intents.tasks_taken(intent))
            job_id, shards = job_of_task(tasks[0]), [shard_of_task(task) for task in tasks]
            known = self.facts.jobs.get(job_id)
            lot = self.world.lots.lots.get((job_id, self._offer(job_id).lot_of(shards[0])), UNDRAWN)
            is_gone = lot.holder != node.operator or is_turn_over(RULES, lot, self.schedule.now)
            if known is None or is_gone:
                del node.taking[intent]
            elif self.schedule.now >= at:
                del node.taking[intent]
                self._take(node, job_id, shards)

    def _take(self, node: Node, job_id: JobId, shards: list[int]) -> None:
        """A row of them. Without the stake for it, nothing happens."""
        job = self.world.state.jobs[job_id]
        count = next((place for place, shard in enumerate(shards) if shard != shards[0] + place), len(shards))
        item = Item(job_id=job_id, first_shard=shards[0], count=count, offset=0).pack()
        root = tasks_root([(item, job.digest)])
        call = jobs.Take(operator=node.operator, items=(item,), tasks_root=root, min_reward=0, min_until=0)
        self.read_of(self.world.play(Message(sender=node.operator, now=self.schedule.now, call=call)).effects)

    def _offer(self, job_id: JobId) -> Offered:
        return self.world.lots.offers[job_id]

    # --- what must hold ---------------------------------------------------------------------------

    def late(self) -> Iterator[contract.Ended]:
        """Turns that have cost something."""
        for logged in self.logs:
            if isinstance(logged.event, contract.Ended) and logged.event.late_tasks:
                yield logged.event

    def forgotten(self) -> Iterator[tuple[JobId, int, Lot]]:
        """Lots with a free shard, of jobs that can be taken, that a node should have done something about."""
        now = self.schedule.now
        for job_id, offered in self.facts.offers.items():
            for each in role.lots_in(self.facts, job_id, now):
                if each.lot.holder != NOBODY:
                    is_idle = is_turn_over(RULES, each.lot, now) and each.lot.holder != AWAKE[0]
                else:
                    since = offered.at if each.lot == UNDRAWN else each.lot.since
                    is_idle = not is_open(RULES, offered, each.lot, now) and now > since + PATIENCE_SECONDS
                if is_idle:
                    yield job_id, each.number, each.lot


@pytest.mark.parametrize("seed", range(2))
def test_whoever_follows_the_role_pays_only_for_what_it_took_and_lost(seed: int) -> None:
    scene = Neighbours(seed)
    for number in range(400):
        try:
            scene.tick()
            assert not [*scene.forgotten()]
        except BaseException as error:
            error.add_note(f"seed {seed}, tick {number}")
            raise
    late = [*scene.late()]
    assert {each.holder for each in late} - {*AWAKE}, "nobody has slept"
    for each in late:
        shards = scene.world.lots.offers[each.job_id].shards_of(each.lot, 2**16)
        lost = {key[1] for key in scene.world.busy_until if key[0] == each.job_id and key[2] == each.holder}
        assert each.holder not in AWAKE or len(lost & {*shards}) >= each.late_tasks, f"{each}"
    declined = {each.event.holder for each in scene.logs if isinstance(each.event, contract.Declined)}
    assert declined == {*AWAKE}
