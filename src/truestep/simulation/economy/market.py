"""The market: jobs come in, operators take them, challengers look at claims, batches end."""

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from truestep.base import ids
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.protocol import calls
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.contracts import disputes, jobs, operators, programs
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.ids import NATIVE, NOBODY, LeafId, batch_of_claim, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS, Parameters, whole_minutes
from truestep.protocol.settlement.records import BatchStage, Order
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles.actions import Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker_policy import WorkerPolicy
from truestep.simulation.economy.assumptions import COIN, GAS, YEAR_SECONDS, Assumptions
from truestep.simulation.economy.chain import START, account, deployment_of
from truestep.simulation.economy.nodes import Challenger, Node, Operator
from truestep.simulation.economy.referee import Referee
from truestep.simulation.economy.rogues import Rogue
from truestep.simulation.economy.strategies import HONEST, LYING, Strategy
from truestep.simulation.economy.world import Trouble, World

LEASE_SECONDS = 6 * 3_600
LIFETIME_DAYS = 30
HONEST_FROM, RIVALS_FROM, LIARS_FROM = 10**6, 2 * 10**6, 3 * 10**6
CHALLENGERS_FROM, ROGUES_FROM, REQUESTER, FLOODER = 4 * 10**6, 6 * 10**6, 500, 501
"""Where the numbers of accounts of each kind begin."""
LOOKS = 64
"""Operators that look at a task one after the other, a block apart, before it waits for an hour."""
LATER_LOOKS = 8
WAIT_SECONDS = 3_600
BESIEGED_SECONDS = 3_600
TAKING_BLOCKS = 3
"""Until a task that somebody is taking is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Who takes part, and in what."""

    operators: int = 100
    """Honest ones, with equal stakes."""
    challengers: int = 6
    jobs: int = 200
    shards: int = 1
    days: int = 2
    """In which the jobs are posted."""
    strategy: Strategy = HONEST
    share_bps: int = 0
    """Of all stake, what follows the strategy."""
    liars_bps: int = 0
    """Of all stake, what lies besides, so that challengers and copycats have something to do."""
    rogues: int = 4
    """Its challengers, if it has any."""
    stake_wei: int = 100 * COIN
    """Of each honest operator."""
    checks_at_once: int = 4
    """Claims that a challenger checks at a time."""
    trouble: Trouble = field(default_factory=Trouble)
    are_rivals_first: bool = False
    """Whether the strategy's operators are always the quickest to take."""
    is_exact: bool = False
    is_recorded: bool = False
    max_cycles: int = 0
    """Of the program; 0: those of a usual task."""


class Market:
    """One simulation from the first deposit to the last reward."""

    policy = OPTIMISTIC
    """Of all jobs."""

    def __init__(
        self,
        rules: Parameters,
        assumptions: Assumptions,
        setting: Setting,
        seed: int,
        deployment: Deployment | None = None,
    ) -> None:
        self.setting, self.assumptions, self.rules = setting, assumptions, rules
        self.world = World(
            rules=rules,
            assumptions=assumptions,
            seed=seed,
            trouble=setting.trouble,
            is_exact=setting.is_exact,
            deployment=deployment or deployment_of(),
        )
        if setting.is_recorded:
            self.world.chain.record = []
        self.nodes: dict[Address, Node] = {}
        self.operators: list[Operator] = []
        self._operators: dict[Address, Operator] = {}
        self._weights: list[int] = []
        self.challengers: list[Challenger] = []
        self.rogues: list[Rogue] = []
        self.posted_at: dict[ids.JobId, int] = {}
        self.final_at: dict[TaskId, int] = {}
        self.false_final: list[TaskId] = []
        self.false_claims = 0
        self.besieged: LeafId | None = None
        self.struck_true: Counter[Address] = Counter()
        """True claims that were lost, by operator."""
        self.attempts: Counter[str] = Counter()
        self.told_by: dict[TaskId, Address] = {}
        """Who told the false results that became final."""
        self.income_wei: Counter[Address] = Counter()
        """The rewards of claims, by operator."""
        self.paid_wei: Counter[Address] = Counter()
        """What won games have paid, by challenger."""
        self.deposits_wei: Counter[Address] = Counter()
        self.bonds_wei: Counter[Address] = Counter()
        self.locked_wei_seconds: Counter[Address] = Counter()
        self.unchecked = 0
        """Claims that no challenger had time for."""
        self.reward_wei = self.fair_reward_wei()
        self.referee = Referee(self.world, self.nodes)
        self.referee.on_opened = self._opened
        self._listen()

    def _listen(self) -> None:
        listeners = self.world.chain.listeners
        listeners[jobs.Taken] = self._taken
        listeners[jobs.Claimed] = self._claimed
        listeners[jobs.Expired] = self._given_up
        listeners[jobs.Released] = self._given_up
        listeners[jobs.Finalized] = self._finalized
        listeners[jobs.LeafFinalized] = self._leaf_finalized
        listeners[jobs.Struck] = self._struck
        listeners[operators.Locked] = self._locked
        listeners[operators.Unlocked] = self._unlocked
        listeners[operators.Burned] = self._unlocked
        listeners[operators.Seized] = self._unlocked
        listeners[disputes.Rewarded] = self._rewarded

    # --- before the first job -----------------------------------------------------------------------

    def fair_reward_wei(self) -> int:
        """What a shard pays: an honest operator's costs at usual prices, and a margin."""
        assumed, shards = self.assumptions, self.setting.shards
        gas = GAS["Take"] + GAS["Claim"] + GAS["Finalize"]
        gas_wei = gas * assumed.gas_price_wei // shards
        window = whole_minutes(self.rules.window_for(self.max_cycles))
        bond_wei = self.rules.operator_bond_wei
        interest_wei = bond_wei * assumed.stake_interest_bps * window // (BPS * YEAR_SECONDS)
        costs_wei = gas_wei + interest_wei + self.max_cycles * assumed.cycle_price_wei
        return costs_wei * (BPS + assumed.margin_bps) // BPS

    @property
    def max_cycles(self) -> int:
        """Of the program."""
        return self.setting.max_cycles or self.assumptions.task_cycles

    def prepare(self) -> None:
        """Accounts, stakes, the program, and when jobs come."""
        setting, chain = self.setting, self.world.chain
        register = programs.Register(
            image_root=keccak256(b"program"), entry=0, max_cycles=self.max_cycles, workload=1,
            digest=keccak256(b"digest"), uri="",
        )  # fmt: skip
        chain.send(account(REQUESTER), register)
        self._program_hash = program_hash(chain.life.programs[0])
        for number in range(setting.operators):
            self._add_operator(account(HONEST_FROM + number), HONEST, setting.stake_wei)
        for number in range(self._count_of(setting.liars_bps, setting.stake_wei)):
            self._add_operator(account(LIARS_FROM + number), LYING, setting.stake_wei, "other liars")
        if setting.strategy.takes_tasks:
            for number in range(self._count_of(setting.share_bps, self.identity_wei)):
                self._add_operator(account(RIVALS_FROM + number), setting.strategy, self.identity_wei)
        for number in range(setting.challengers):
            self._add_challenger(account(CHALLENGERS_FROM + number))
        for number in range(self._rogue_count):
            name = account(ROGUES_FROM + number)
            rogue = Rogue(world=self.world, name=name, strategy=setting.strategy, number=number)
            self.rogues.append(rogue)
            self._add(rogue, setting.strategy.name)
            if setting.strategy.runs_ahead:
                self.world.mempool.append(partial(self._read, rogue))
        self.world.sides[account(REQUESTER)] = "requesters"
        self.world.sides[account(FLOODER)] = setting.strategy.name
        span = setting.days * DAY_SECONDS
        for number in range(setting.jobs * (1 + setting.strategy.floods)):
            second = START + self.world.random.randrange(span)
            is_flood = number >= setting.jobs
            self.world.clock.at(second, lambda number=number, is_flood=is_flood: self._post(number, is_flood))

    @property
    def identity_wei(self) -> int:
        """The stake of each name of the strategy: at least what half of it can lock for one task."""
        return max(self.setting.strategy.identity_wei, 2 * self.rules.operator_bond_wei)

    def _count_of(self, share_bps: int, identity_wei: int) -> int:
        """How many names a share of all stake makes; at least one of a share that is not nothing."""
        honest_wei = self.setting.operators * self.setting.stake_wei
        return max(honest_wei * share_bps // (BPS - share_bps) // identity_wei, min(share_bps, 1))

    @property
    def _rogue_count(self) -> int:
        strategy = self.setting.strategy
        if strategy.friends:
            return strategy.friends
        has_rogues = strategy.griefs_bps or strategy.copies or strategy.besieges
        return self.setting.rogues if has_rogues else 0

    def _add(self, node: Node, side: str) -> None:
        self.nodes[node.name] = node
        self.world.sides[node.name] = side

    def _add_operator(self, name: Address, strategy: Strategy, stake_wei: int, side: str = "") -> None:
        is_honest = strategy is HONEST
        side = side or strategy.name
        policy = WorkerPolicy(
            struck_tolerated=0 if is_honest else 10**6,
            batch_limit=self.setting.shards,
            reward_min_wei=self.reward_wei * BPS // (BPS + self.assumptions.margin_bps) if is_honest else 0,
        )
        node = Operator(world=self.world, name=name, strategy=strategy, policy=policy)
        self.operators.append(node)
        self._operators[name] = node
        self._weights.append(stake_wei + (self._weights[-1] if self._weights else 0))
        self._add(node, side)
        self.world.chain.send(name, operators.DepositFor(operator=name), stake_wei)
        self.deposits_wei[name] = stake_wei

    def _add_challenger(self, name: Address) -> None:
        salt = keccak256(name.encode())
        policy = ChallengerPolicy(salt=salt, check_limit=self.setting.checks_at_once)
        cores = [0] * self.setting.checks_at_once
        node = Challenger(world=self.world, name=name, strategy=HONEST, policy=policy, cores=cores)
        self.challengers.append(node)
        self._add(node, HONEST.name)

    # --- jobs ---------------------------------------------------------------------------------------

    def _post(self, number: int, is_flood: bool) -> None:
        """Post a job. One that only keeps challengers busy pays nothing, and its poster does it itself."""
        chain, setting = self.world.chain, self.setting
        reward_wei, poster = (0, account(FLOODER)) if is_flood else (self.reward_wei, account(REQUESTER))
        order = Order(
            program_id=ids.ProgramId(1),
            program_hash=self._program_hash,
            input_root=Bytes32(bytes(32)),
            input_size=0,
            input_uri="",
            seed=Bytes32(number.to_bytes(32, "big")),
            shard_count=setting.shards,
            reward=reward_wei,
            asset=NATIVE,
            lease_seconds=LEASE_SECONDS,
            deadline=chain.now + LIFETIME_DAYS * DAY_SECONDS,
            window_seconds=0,
            bond_multiple=1,
            policy=self.policy,
            parameters_id=1,
            consumer=NOBODY,
            callback_gas=0,
            reducer_of=0,
        )
        chain.send(poster, jobs.Post(order=order), reward_wei * setting.shards)
        job_id = ids.JobId(chain.life.job_count)
        if is_flood:
            self.world.floods.add(job_id)
        else:
            self.posted_at[job_id] = chain.now
        self.offer(tuple(ids.task_of(job_id, shard) for shard in range(setting.shards)))

    def offer(self, tasks: tuple[TaskId, ...], looks: int = 0) -> None:
        """Open tasks are seen by one operator after the other, as chance has it."""
        is_flood = ids.job_of_task(tasks[0]) in self.world.floods
        rounds = 1 if is_flood else LOOKS if looks <= LOOKS else LATER_LOOKS
        wait = WAIT_SECONDS if looks and looks % rounds == 0 else 0
        second = self.world.next_block() + wait
        self.world.clock.at(second, lambda: self._look(tasks, looks))

    def _look(self, tasks: tuple[TaskId, ...], looks: int) -> None:
        chain = self.world.chain
        job = chain.life.jobs[ids.job_of_task(tasks[0])]
        opened = tuple(task for task in tasks if not job.busy >> ids.shard_of_task(task) & 1)
        if not opened:
            return
        if chain.now >= job.deadline:
            shards = tuple(ids.shard_of_task(task) for task in opened)
            cancel = jobs.Cancel(
                job_id=ids.job_of_task(tasks[0]), work=job.work, terms=job.terms, shards=shards
            )
            chain.send(job.terms.requester, cancel)
            return
        is_flood = ids.job_of_task(tasks[0]) in self.world.floods
        operator = self.world.random.choice(self._rivals) if is_flood else self._by_stake()
        first = self._rivals if self.setting.are_rivals_first else []
        if any(rival.look(opened) for rival in first) or operator.look(opened):  # the others see it sent
            second = self.world.clock.now + TAKING_BLOCKS * self.assumptions.block_seconds
            self.world.clock.at(second, lambda: self._look(opened, looks + 1))
        else:
            self.offer(opened, looks + 1)

    @property
    def _rivals(self) -> list[Operator]:
        """The operators of the strategy, which do its own jobs."""
        return [node for node in self.operators if node.strategy is self.setting.strategy]

    def _by_stake(self) -> Operator:
        """Who looks first, with chances as its stake: a crowd of names has no more of them than one."""
        weights, last = self._weights, len(self.operators) - 1
        return self.operators[bisect(weights, self.world.random.random() * weights[last], 0, last)]

    def _operator(self, name: Address) -> Operator:
        return self._operators[name]

    def _taken(self, event: jobs.Taken) -> None:
        operator, tasks = self._operator(event.operator), self.world.chain.tasks[event.batch_id]
        operator.taken(event.batch_id, tasks)
        if operator.strategy.withholds:
            self.attempts[operator.strategy.name] += len(tasks)
        self.world.clock.at(event.until + 1, lambda: self._expire(event.batch_id))

    def _expire(self, batch_id: BatchId) -> None:
        """A lease was missed: an operator that has time ends it."""
        batch = self.world.chain.life.batches[batch_id]
        if batch.stage is not BatchStage.TAKEN:
            return
        call = calls.ExpireBatch(batch_id=batch_id)
        helper = self.world.random.choice(self.operators[: self.setting.operators])
        self._batch_duty(helper, batch_id, Action.EXPIRE, call, batch.operator)
        self.world.clock.at(self.world.clock.now + WAIT_SECONDS, lambda: self._expire(batch_id))

    def _given_up(self, event: jobs.Expired | jobs.Released) -> None:
        self._operator(event.operator).lost(event.batch_id)
        self.offer(self.world.chain.tasks.pop(event.batch_id))

    # --- claims -------------------------------------------------------------------------------------

    def _claimed(self, event: jobs.Claimed) -> None:
        batch_id, world = event.batch_id, self.world
        operator = self._operator(event.operator)
        operator.claimed(batch_id)
        for leaf_index, task_id in enumerate(world.chain.tasks[batch_id]):
            told, leaf_id = world.told[batch_id, task_id], claim_of(batch_id, leaf_index)
            if not told.is_true:
                self.false_claims += 1
                self.attempts[operator.strategy.name] += 1
                self._befriend(operator, leaf_id, told.task_id)
            elif operator.strategy is HONEST:
                self._grief(leaf_id)
                if self.setting.strategy.besieges and not self.besieged:
                    self.besieged = leaf_id
                    self._besiege(leaf_id, event.until)
            checkers = self._checkers()
            self.unchecked += not checkers
            for challenger in checkers:
                challenger.watch(leaf_id, told, event.until)
        world.clock.at(event.until + 1, lambda: self._finalize(batch_id))

    def _checkers(self) -> Sequence[Challenger]:
        """The challengers that look at a claim."""
        count = min(self.assumptions.checkers, len(self.challengers))
        return self.world.random.sample(self.challengers, count)

    def _befriend(self, operator: Operator, leaf_id: LeafId, task_id: TaskId) -> None:
        if operator.strategy.friends:
            for rogue in self.rogues:
                rogue.open(leaf_id, self.world.run_of(task_id).end_hash)

    def _besiege(self, leaf_id: LeafId, until: int) -> None:
        """All open within the last hour of the window."""
        begin = until - BESIEGED_SECONDS
        for rogue in self.rogues:
            second = begin + self.world.random.randrange(BESIEGED_SECONDS - self.assumptions.block_seconds)
            self.attempts[self.setting.strategy.name] += 1
            self.world.clock.at(second, lambda rogue=rogue: rogue.open(leaf_id, Bytes32(bytes(32))))

    def _grief(self, leaf_id: LeafId) -> None:
        strategy, random = self.setting.strategy, self.world.random
        if strategy.griefs_bps and self.rogues and random.randrange(BPS) < strategy.griefs_bps:
            self.attempts[strategy.name] += 1
            random.choice(self.rogues).open(leaf_id, Bytes32(bytes(32)))

    def _rewarded(self, event: disputes.Rewarded) -> None:
        self.paid_wei[self.referee.challenger_of[event.game_id]] += event.amount_wei

    def _locked(self, event: operators.Locked) -> None:
        self.locked_wei_seconds[event.operator] -= event.amount_wei * (self.world.clock.now - START)

    def _unlocked(self, event: operators.Unlocked | operators.Burned | operators.Seized) -> None:
        self.locked_wei_seconds[event.operator] += event.amount_wei * (self.world.clock.now - START)

    def _opened(self, event: disputes.Opened) -> None:
        """A copycat sees a game and opens its own."""
        self.bonds_wei[event.challenger] += event.game.bond_wei
        strategy = self.setting.strategy
        if strategy.copies and not strategy.runs_ahead and self.world.sides[event.challenger] == HONEST.name:
            for rogue in self.rogues:
                self.attempts[strategy.name] += event.claim_id not in rogue.stated
                rogue.open(event.claim_id, Bytes32(bytes(32)))

    def _read(self, rogue: Rogue, sender: Address, send: Send) -> None:
        """What honest nodes send can be read before it is in a block."""
        if self.world.sides[sender] == HONEST.name:
            before = len(rogue.stated)
            rogue.read(send)
            self.attempts[rogue.strategy.name] += len(rogue.stated) - before

    def _struck(self, event: jobs.Struck) -> None:
        operator = self._operator(event.operator)
        operator.struck_count += 1
        if operator.strategy is HONEST:
            self.struck_true[operator.name] += 1
        self.referee.fell(event)
        self.offer((event.task_id,))

    # --- ends ---------------------------------------------------------------------------------------

    def _finalize(self, batch_id: BatchId) -> None:
        batch = self.world.chain.life.batches[batch_id]
        if batch.stage is not BatchStage.CLAIMED or batch.struck == (1 << batch.leaf_count) - 1:
            return
        call = calls.FinalizeBatch(batch_id=batch_id)
        self._batch_duty(self._operator(batch.operator), batch_id, Action.FINALIZE, call, batch.operator)

    def _batch_duty(
        self, node: Operator, batch_id: BatchId, action: Action, call: calls.Call, beneficiary: Address
    ) -> None:
        job_id = ids.job_of_task(self.world.chain.tasks[batch_id][0])
        node.do(Duty(action=action, call=call, beneficiary=beneficiary, job_id=job_id))

    def _finalized(self, event: jobs.Finalized) -> None:
        batch = self.world.chain.life.batches[event.batch_id]
        self.income_wei[event.operator] += event.reward
        for leaf_index, task_id in enumerate(self.world.chain.tasks[event.batch_id]):
            if not (batch.struck | batch.held) >> leaf_index & 1:
                self._made_final(claim_of(event.batch_id, leaf_index), task_id)
        if not batch.held and not batch.struck:
            self._forget(event.batch_id)

    def _leaf_finalized(self, event: jobs.LeafFinalized) -> None:
        batch_id = batch_of_claim(event.claim_id)
        self.income_wei[event.operator] += event.reward
        self._made_final(event.claim_id, self.world.chain.tasks[batch_id][event.claim_id & 255])

    def _made_final(self, leaf_id: LeafId, task_id: TaskId) -> None:
        batch_id = batch_of_claim(leaf_id)
        self.final_at[task_id] = self.world.clock.now
        if not self.world.told[batch_id, task_id].is_true:
            self.false_final.append(task_id)
            self.told_by[task_id] = self.world.chain.life.batches[batch_id].operator
        self.referee.made_final(leaf_id, task_id)

    def _forget(self, batch_id: BatchId) -> None:
        """Free the memory of a batch that nobody has disputed."""
        world = self.world
        tasks = world.chain.tasks[batch_id]
        if any(claim_of(batch_id, index) in world.games_on for index in range(len(tasks))):
            return
        if any(self.referee.is_wanted(task) for task in tasks):
            return
        world.chain.forget(batch_id)
        for task_id in tasks:
            world.told.pop((batch_id, task_id), None)
            world.runs.pop(task_id, None)

    def run(self) -> "Market":
        """From the beginning to the end."""
        self.prepare()
        self.world.run()
        self.world.chain.check_coins()
        return self
