"""A market whose jobs are drawn: liars and sleepers that wait for their turns (docs/drawn.md T5).

Jobs, Disputes and Lots are the model's, and holders are drawn by Sortition's own selection. Roles take,
decline, draw and end turns. Every round has a seed that nobody knew before; pledges stand beside the stakes.
"""

from dataclasses import dataclass, field, replace

from truestep.base.errors import Bug, Reject
from truestep.base.ids import Address, Bytes32, JobId, TaskId, job_of_task
from truestep.commitments.keccak import keccak256
from truestep.protocol import lot_calls
from truestep.protocol.assignment import pools
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.assignment.pools import Pool
from truestep.protocol.assignment.rules import DrawRules, weight_of
from truestep.protocol.deployment.lots import POLICY
from truestep.protocol.events import LogPosition
from truestep.protocol.lots.contracts import lots as contract
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.lots.dealing import Dealing
from truestep.protocol.lots.lots import apply_lots
from truestep.protocol.lots.policy import drawn_policy
from truestep.protocol.lots.state import Links, Lots
from truestep.protocol.settlement.assurances import POLICIES
from truestep.protocol.settlement.dispute_apply import held_by
from truestep.protocol.settlement.facts.records import Facts, KnownJob
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.state import Turn
from truestep.roles import lots as role
from truestep.roles.actions import Send
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.chain import account, deployment_of
from truestep.simulation.economy.market import RIVALS_FROM, Market, Setting
from truestep.simulation.economy.nodes import Operator
from truestep.simulation.economy.sight import PROGRAM
from truestep.simulation.economy.strategies import WITHHOLDING

LOTS, SORTITION = account(115), account(112)
PLEDGES = 250
"""What each honest operator pledges, in least pledges: so a tenth of the pool can be a thousand names."""
BONDS = 4_000
"""What each rival has staked, in bonds: what a lie costs is measured, not limited."""
GAS = {"Offer": 75_405, "Draw": 100_148, "Decline": 41_218, "EndTurn": 130_557}
"""Of calls of Lots, for lots of one task (docs/drawn-gas.md)."""
TASK_GAS = 1_500
"""Of the end of a turn, for each further task of the lot."""
SLEEPING = replace(WITHHOLDING, name="sleeping", words="lets each of its turns pass, to delay jobs")
_NOWHERE = LogPosition(block_number=0, log_index=0, transaction_hash=Bytes32(bytes(32)))


@dataclass(kw_only=True)
class Dealer:
    """Lots, and the pool from which it draws."""

    rules: Rules
    drawn_by: DrawRules
    seed: int
    state: Lots = field(default_factory=Lots)
    pledges: dict[Address, int] = field(default_factory=dict[Address, int])
    pool: Pool = field(default_factory=Pool)

    def __post_init__(self) -> None:
        """What Lots asks, and what nodes know of it."""
        self.links = Links(
            lots=LOTS,
            sortition=SORTITION,
            rules=self.rules,
            seed=self._seed,
            select=self._select,
            pledge_of=lambda member: self.pledges[member],
            penalise=self._penalise,
        )
        self.dealing = Dealing(
            policy=POLICY, lots=LOTS, sortition=SORTITION, rules=self.rules, phases=self.drawn_by.phases
        )
        self.policy = drawn_policy(lambda: self.state, self.links)

    def can_draw(self, since: int, now: int) -> bool:
        """Whether the round of now draws what began to wait then (assignment D2.4)."""
        phases = self.drawn_by.phases
        return phases.phase_at(now) is Phase.DRAW and since <= phases.ends(phases.round_at(now))[0]

    def next_draw(self, since: int, now: int) -> int:
        """The first second of a draw phase, from now on, that draws what began to wait then."""
        phases = self.drawn_by.phases
        if self.can_draw(since, now):
            return now
        number = phases.round_at(now)
        while phases.ends(number)[1] < now or since > phases.ends(number)[0]:
            number += 1
        return phases.ends(number)[1] + 1

    def _seed(self, since: int, now: int) -> Bytes32 | Reject:
        number = self.drawn_by.phases.round_at(now)
        known = keccak256(f"{self.seed} {number}".encode())
        return known if self.can_draw(since, now) else Reject.DRAW_TIME

    def _select(self, pool: int, seed: Bytes32, excluded: tuple[Address, ...]) -> Address | None:
        return next(iter(pools.select(self.pool, seed, 1, excluded)), None)

    def _penalise(self, member: Address, amount_wei: int) -> int:
        taken_wei = min(amount_wei, self.pledges[member])
        self.pledges[member] -= taken_wei
        return taken_wei


class DrawnMarket(Market):
    """A market under the policy *drawn*. Each job is one lot."""

    policy = POLICY

    def __init__(
        self, rules: Parameters, assumptions: Assumptions, setting: Setting, dealer: Dealer, names: int
    ) -> None:
        """The strategy's share of the setting is its share of the pledges, under so many names."""
        deployment = deployment_of()
        policies = {**POLICIES, POLICY: dealer.policy}
        self.dealer, self.names, self.share_bps = dealer, names, setting.share_bps
        alone = replace(setting, share_bps=0)
        super().__init__(rules, assumptions, alone, dealer.seed, replace(deployment, policies=policies))
        self.late: list[contract.Ended] = []
        """Turns that were let pass, and what they cost."""

    def prepare(self) -> None:
        """Operators pledge, too; the strategy's are added here."""
        super().prepare()
        honest = [node.name for node in self.operators]
        least_wei, stake_wei = self.dealer.drawn_by.least_pledge_wei, BONDS * self.rules.operator_bond_wei
        for number in range(self.names):
            self._add_operator(account(RIVALS_FROM + number), self.setting.strategy, stake_wei)
        for name in honest:
            self._pledge(name, PLEDGES * least_wei)
        if self.names:
            all_wei = len(honest) * PLEDGES * least_wei * self.share_bps // (BPS - self.share_bps)
            for node in self._rivals:
                self._pledge(node.name, all_wei // self.names)
        weights = {name: weight_of(wei, least_wei) for name, wei in self.dealer.pledges.items()}
        if not all(weights.values()):
            raise Bug("expected pledges of at least what a member must pledge")
        self.dealer.pool = pools.pool_of(weights)

    def _pledge(self, member: Address, amount_wei: int) -> None:
        coins = self.world.chain.coins
        coins[member] -= amount_wei
        coins[SORTITION] += amount_wei
        self.dealer.pledges[member] = self.dealer.pledges.get(member, 0) + amount_wei

    def wealth_wei(self, member: Address) -> int:
        """What a member has more than at first."""
        kept_wei = self.dealer.pledges.get(member, 0) + self.dealer.state.credits.get(member, 0)
        return self.world.chain.wealth_wei(member) - self.world.chain.tallies[member].compute_wei + kept_wei

    # --- lots ---------------------------------------------------------------------------------------

    def offer(self, tasks: tuple[TaskId, ...], looks: int = 0) -> None:
        """A new job is offered; tasks of an open lot are for whoever is first, others wait to be drawn."""
        job_id = job_of_task(tasks[0])
        lot = self.dealer.state.lots.get((job_id, 0))
        if lot is not None and lot.is_open:
            super().offer(tasks, looks)
            return
        if job_id not in self.dealer.state.offers:
            job = self.world.chain.life.jobs[job_id]
            call = contract.Offer(
                job_id=job_id, work=job.work, terms=job.terms, lot_tasks=self.dealer.rules.lot_tasks
            )
            self._call(job.terms.requester, call)
        self._wake_later(job_id)

    def _wake_later(self, job_id: JobId) -> None:
        """Look again when the lot can be drawn, or when its turn is over."""
        lot, now = self.dealer.state.lots.get((job_id, 0)), self.world.next_block()
        rules, offered = self.dealer.rules, self.dealer.state.offers[job_id]
        if lot is None or lot.holder == NOBODY:
            second = self.dealer.next_draw(lot.since if lot else offered.at, now)
        else:
            second = max(now, lot.since + rules.turn_seconds + 1)
        self.world.clock.at(second, lambda: self._wake(job_id))

    def _wake(self, job_id: JobId) -> None:
        """Some honest worker does what its role says: draws the lot, or ends its turn."""
        if self._facts(job_id, NOBODY).jobs:
            honest = self.operators[: self.setting.operators]
            self._decide(self.world.random.choice(honest), job_id)

    def _decide(self, node: Operator, job_id: JobId) -> None:
        now, facts = self.world.clock.now, self._facts(job_id, node.name)
        actions = role.decide(
            node.view(()),
            facts,
            self.dealer.dealing,
            lambda since: self.dealer.can_draw(since, now),
            lambda _: True,
            (),
        )
        for action in actions:
            if isinstance(action, Send):
                self._do(node.name, action.call)

    def _do(self, sender: Address, call: object) -> None:
        if isinstance(call, lot_calls.DrawLots):
            self._call(sender, contract.Draw(job_id=call.job_id, shards=call.shards))
        elif isinstance(call, lot_calls.EndTurn):
            self._call(sender, contract.EndTurn(job_id=call.job_id, shard=call.shard))
        elif isinstance(call, lot_calls.DeclineLots):
            digest = self.world.chain.life.jobs[call.job_id].digest
            made = contract.Decline(
                operator=call.operator, job_id=call.job_id, job_digest=digest, shards=call.shards
            )
            self._call(sender, made)
        else:
            raise Bug(f"expected a call of Lots, got {call}")

    def _facts(self, job_id: JobId, operator: Address) -> Facts:
        """What a node knows of one job; nothing if no shard of it is free."""
        chain, kept = self.world.chain, self.dealer.state
        job = chain.life.jobs[job_id]
        if job.busy == (1 << job.work.shard_count) - 1:
            return Facts(deployment=chain.deployment)
        known = KnownJob(job=job, program_id=PROGRAM, input_uri="", at=_NOWHERE, is_wanted=False)
        stake = chain.life.stakes.get(operator)
        pledged_wei = self.dealer.pledges.get(operator, 0)
        lot = kept.lots.get((job_id, 0))
        return Facts(
            deployment=chain.deployment,
            dealing=self.dealer.dealing,
            stakes={operator: replace(stake, pledged_wei=pledged_wei)} if stake is not None else {},
            jobs={job_id: known},
            offers={job_id: kept.offers[job_id]},
            lots={(job_id, 0): lot} if lot is not None else {},
            late={each: True for each in kept.failed if each[0] == job_id},
        )

    def _call(self, sender: Address, call: contract.Call) -> None:
        """One call of Lots; a refusal is an error of the simulation."""
        chain = self.world.chain
        message = Message(sender=sender, now=chain.now, call=call)
        turn = Turn(state=chain.life, message=message, held=held_by(chain.games))
        self.dealer.state, chain.life, effects = apply_lots(self.dealer.state, turn, self.dealer.links)
        further = self.dealer.rules.lot_tasks - 1 if isinstance(call, contract.EndTurn) else 0
        gas = GAS[type(call).__name__] + TASK_GAS * further
        chain.tallies[sender].gas_wei += gas * chain.gas_price_wei
        for effect in effects:
            chain.take_in(effect)

    def _listen(self) -> None:
        super()._listen()
        listeners = self.world.chain.listeners
        listeners[contract.Drawn] = self._drawn
        listeners[contract.Ended] = self._ended
        listeners[contract.Opened] = self._opened_lot
        listeners[contract.Declined] = lambda event: self._wake_later(event.job_id)

    def _drawn(self, event: contract.Drawn) -> None:
        """The holder looks at its lot, and again before its turn is over, unless it sleeps."""
        node, turn_seconds = self._operator(event.holder), self.dealer.rules.turn_seconds
        now = self.world.clock.now
        self.world.clock.at(now + turn_seconds + 1, lambda: self._wake(event.job_id))
        if node.strategy is SLEEPING:
            return
        declines_at = now + turn_seconds * role.WAITED_PARTS // role.PARTS + 1
        self.world.clock.at(self.world.next_block(), lambda: self._look_at(node, event.job_id))
        self.world.clock.at(declines_at, lambda: self._decline(node, event.job_id))

    def _opened_lot(self, event: contract.Opened) -> None:
        for each in role.lots_in(self._facts(event.job_id, NOBODY), event.job_id, self.world.clock.now):
            self.offer(tuple(each.tasks))

    def _look_at(self, node: Operator, job_id: JobId) -> None:
        facts, now = self._facts(job_id, node.name), self.world.clock.now
        for each in role.held_by(facts, self.dealer.dealing, node.name, now) if facts.jobs else ():
            tasks = [
                task
                for task in each.tasks
                if role.may_take_task(facts, self.dealer.dealing, node.name, task, now)
            ]
            node.look(tasks)

    def _decline(self, node: Operator, job_id: JobId) -> None:
        facts, now = self._facts(job_id, node.name), self.world.clock.now
        if facts.jobs and role.held_by(facts, self.dealer.dealing, node.name, now):
            self._decide(node, job_id)

    def _ended(self, event: contract.Ended) -> None:
        """Who has failed pledges as much again: the next job meets the same shares."""
        if event.late_tasks:
            self.late.append(event)
            self._pledge(event.holder, event.penalty_wei)
        self._wake_later(event.job_id)
