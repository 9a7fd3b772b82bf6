"""The contracts with everybody on them: what honest parties do by themselves, and what must always hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contracts.evm import EvmContract, Receipt, Reverted
from tests.contracts.network import (
    ACCOUNTS,
    ALICE,
    BOB,
    FUNDS_WEI,
    HONEST,
    KEEPER,
    LIAR,
    MALICE,
    PARAMETERS,
    REQUESTER,
    Network,
    deploy_network_with_base_fee,
)
from tests.contracts.runs import (
    ENDLESS,
    FLOAT_STEPS,
    FLOATS,
    MAX_CYCLES,
    SUM,
    TRAP,
    Run,
    falsified_float_run,
    falsified_run,
    run,
)
from tests.contracts.scenes import Order, register
from truestep.base.errors import Reject
from truestep.base.ids import ClaimId, GameId, JobId, TaskId, claim_of, task_of, task_of_claim
from truestep.commitments.keccak import keccak256
from truestep.protocol.bisection import Interval, first_disagreement, part_siblings
from truestep.protocol.float_steps import float_step
from truestep.protocol.records import GameStage, Parameters, TaskStage
from truestep.protocol.state_numbers import run_number_of

RULES: Parameters = replace(PARAMETERS, arity=4, gas_price_cap_wei=10**12)
SHARD_COUNT = 4
REWARD_WEI = 10**16
STAKE_WEI = 5 * 10**18
"""Five bonds: a liar can run out of them."""
SHORT_DELAY_SECONDS = RULES.clock_seconds // 12
"""Honest parties answer within this. A run of 64 cycles and a micro-run of 250 have ten moves a side."""
HONEST_OPERATORS = (ALICE, BOB)
DISHONEST_CHALLENGERS = (MALICE, KEEPER, REQUESTER)
PROGRAMS = (SUM, TRAP, ENDLESS, FLOATS)
UNDECIDED = (
    *(GameStage.OPERATOR_TURN, GameStage.CHALLENGER_TURN, GameStage.STEP_DUE, GameStage.REVEAL_DUE),
    GameStage.CHALLENGER_WON,  # not settled, so the claim still stands
)
REASONS = {reason.value for reason in Reject}


def false_results(shard_index: int) -> list[Run]:
    """Runs of `FLOATS` in which an instruction gives a false result; micro-runs that do not hold."""
    runs = [falsified_float_run(index, shard_index) for index in FLOAT_STEPS]
    return [*runs, *(replace(runs[2], micro_lie_at=step) for step in (1, 30))]


def lies(words: tuple[int, ...], shard_index: int) -> list[Run]:
    """False claims about a shard, each with the hashes that its author will defend it with."""
    honest = run(words, shard_index)
    false = [replace(honest, claimed=replace(honest.claimed, code=honest.claimed.code ^ 1))]
    if words == SUM:
        late = replace(honest.claimed, cycle=honest.claimed.cycle + 7)
        false += [falsified_run(SUM, shard_index, at_cycle=cycle) for cycle in (1, 9, 20, 30)]
        false += [replace(honest, claimed=late)]
    if words == FLOATS:
        false += false_results(shard_index)
        false += [replace(false[1], states=honest.states)]  # reveals the truth, claimed another state
    if words == ENDLESS:
        false = [replace(run(SUM, shard_index), claimed=replace(run(SUM, shard_index).claimed))]
    else:
        false += [run(ENDLESS, shard_index)]
    return false


def garbage(number: int) -> bytes:
    """What an operator says of a state that has nothing to say."""
    return keccak256(b"%d" % number)


@dataclass(slots=True, kw_only=True)
class Task:
    """A task of the world."""

    words: tuple[int, ...]
    shard_index: int

    @property
    def honest(self) -> Run:
        """Its one true run."""
        return run(self.words, self.shard_index)


@dataclass(slots=True, kw_only=True)
class World:
    """One network, everything that ever happened on it, and the honest parties."""

    net: Network = field(default_factory=lambda: deploy_network_with_base_fee(RULES))
    tasks: dict[TaskId, Task] = field(default_factory=dict)
    claims: dict[ClaimId, Run] = field(default_factory=dict)
    games: dict[GameId, list[bytes]] = field(default_factory=dict)
    """The boundary hashes of each game's last split."""
    is_patient: bool = False
    """Whether the honest challenger waits for the end of the window, so that games outlast it."""
    stakes_wei: dict[str, int] = field(default_factory=dict)
    """What honest operators must find in Operators."""

    def __post_init__(self) -> None:
        for words in PROGRAMS:
            register(self.net, words)
        for operator in (*HONEST_OPERATORS, LIAR):
            self.net.deposit(operator, STAKE_WEI)
            self.stakes_wei[operator] = STAKE_WEI

    # --- what anybody may try ----------------------------------------------------------------------

    def attempt(self, contract: EvmContract, function: str, *arguments: Any, **how: Any) -> Receipt | None:
        """Call; None if it is refused, for which there must be a reason that has a name."""
        try:
            return contract.transact(function, *arguments, **how)
        except Reverted as reverted:
            if reverted.reason not in REASONS:
                raise
            return None

    def post(self, program: int, lifetime_seconds: int) -> None:
        """Order a job of a few shards."""
        order = Order(program_id=program + 1, lifetime_seconds=lifetime_seconds)
        price_wei = order.reward_wei * order.shard_count
        receipt = self.net.jobs.transact(
            "post", order.arguments(self.net.now), sender=REQUESTER, value=price_wei
        )
        for shard_index in range(SHARD_COUNT):
            task_id = task_of(JobId(receipt.result), shard_index)
            self.tasks[task_id] = Task(words=PROGRAMS[program], shard_index=shard_index)

    def take(self, task_id: TaskId, operator: str) -> bool:
        """Try to lease a task."""
        job_id, shard_index = task_id >> 32, self.tasks[task_id].shard_index
        return self.attempt(self.net.jobs, "take", job_id, shard_index, sender=operator) is not None

    def claim(self, task_id: TaskId, made: Run, operator: str) -> bool:
        """Try to claim the end of a run."""
        arguments = (task_id, made.claimed.as_struct(), made.running_state)
        is_claimed = self.attempt(self.net.jobs, "claim", *arguments, sender=operator) is not None
        if is_claimed:
            self.claims[claim_of(task_id, self.net.task(task_id).attempt)] = made
        return is_claimed

    def open(self, claim_id: ClaimId, challenger: str) -> None:
        """Try to challenge a claim."""
        claimed, bond_wei = self.claims[claim_id].claimed.as_struct(), RULES.challenger_bond_wei
        receipt = self.attempt(
            self.net.disputes, "open", claim_id, claimed, sender=challenger, value=bond_wei
        )
        if receipt is not None:
            self.games[GameId(receipt.result)] = []

    def split(self, game_id: GameId, inner: Callable[[int], bytes]) -> None:
        """Try to split, with what `inner` says about each state number."""
        game = self.net.game(game_id)
        interval = Interval(low=game.low, high=game.high)
        hashes = [inner(index) for index in interval.boundaries(RULES.arity)[1:-1]]
        arguments = (game_id, game.low, game.high, hashes)
        if self.attempt(self.net.disputes, "split", *arguments, sender=game.operator) is not None:
            self.games[game_id] = [game.low_hash, *hashes, game.high_hash]

    def pick(self, game_id: GameId, part: int) -> None:
        """Try to pick a part."""
        hashes, challenger = self.games[game_id], self.net.game(game_id).challenger
        proof = (part, hashes[part], hashes[part + 1], part_siblings(hashes, RULES.arity, part))
        self.attempt(self.net.disputes, "pick", game_id, *proof, sender=challenger)

    def step(self, game_id: GameId) -> None:
        """Try to execute the step or to descend, if somebody's run knows the state before it."""
        game, claim_id = self.net.game(game_id), ClaimId(game_id >> 32)
        for known in (self.tasks[task_of_claim(claim_id)].honest, self.claims[claim_id]):
            if known.hash_at(game.low) == game.low_hash:
                witness = known.witness_at(game.low)
                move = "step" if float_step(witness) is None else "descend"
                self.attempt(self.net.disputes, move, game_id, witness)
                return

    def reveal(self, game_id: GameId, known: Run, *, cycles: int | None = None) -> None:
        """Try to reveal the float's result in a run, after so many cycles or as many as it takes."""
        low = self.net.game(game_id).low
        index = run_number_of(low)
        if index + 1 >= len(known.states):
            return
        shown, after = known.micro_run_at(index), known.states[index + 1].pack()
        arguments = (low, after, shown.cycles if cycles is None else cycles, shown.memory_root)
        sender = self.net.game(game_id).operator
        self.attempt(self.net.disputes, "reveal", game_id, *arguments, sender=sender)

    def settle(self, game_id: GameId) -> None:
        """Try to settle."""
        self.attempt(self.net.disputes, "settle", game_id)

    def finalize(self, task_id: TaskId) -> None:
        """Try to make a task's present claim its result."""
        made = self.claims.get(claim_of(task_id, self.net.task(task_id).attempt))
        if made is not None:
            self.attempt(self.net.jobs, "finalize", task_id, made.claimed.as_struct())

    def dishonest_move(self, game_id: GameId, how: int) -> None:
        """A move of whoever is dishonest in a game, sensible or not."""
        game, asserted = self.net.game(game_id), self.claims[ClaimId(game_id >> 32)]
        if game.stage == GameStage.OPERATOR_TURN and game.operator == LIAR:
            self.split(game_id, garbage if how % 4 == 0 else asserted.hash_at)
        elif game.stage == GameStage.REVEAL_DUE and game.operator == LIAR:
            self.reveal(game_id, asserted, cycles=how if how % 4 == 0 else None)
        elif game.stage == GameStage.CHALLENGER_TURN and game.challenger in DISHONEST_CHALLENGERS:
            self.pick(game_id, how % (len(self.games[game_id]) - 1))
        elif game.stage == GameStage.STEP_DUE:
            self.step(game_id)
        else:
            self.settle(game_id)

    # --- honest parties ----------------------------------------------------------------------------

    def is_true(self, claim_id: ClaimId) -> bool:
        """Whether a claim is what the run gives."""
        return self.claims[claim_id].claimed == self.tasks[task_of_claim(claim_id)].honest.claimed

    def act(self) -> None:
        """Every honest party does all that it can do now."""
        for task_id, task in self.tasks.items():
            known = self.net.task(task_id)
            if known.state == TaskStage.TAKEN and known.operator in HONEST_OPERATORS:
                self.claim(task_id, task.honest, known.operator)
        for claim_id in self._standing_claims():
            if not self._is_left_alone(claim_id):
                self.open(claim_id, HONEST)
        for game_id in self.games:
            self._act_in_game(game_id)

    def _is_left_alone(self, claim_id: ClaimId) -> bool:
        """Whether the honest challenger has nothing to do about a claim, or nothing yet."""
        if self.is_true(claim_id) or self.net.disputes.call("game_of", claim_id, HONEST):
            return True
        left_seconds = self.net.task(task_of_claim(claim_id)).until - self.net.now
        return self.is_patient and left_seconds > SHORT_DELAY_SECONDS

    def pass_time(self, seconds: int) -> None:
        """Time in which honest parties miss nothing: they have acted before, and look before windows end."""
        end = self.net.now + seconds
        self.act()
        for until in sorted(
            self.net.task(task_of_claim(claim_id)).until for claim_id in self._standing_claims()
        ):
            if self.net.now < until < end:
                self.net.pass_time(until - self.net.now)
                self.act()
        self.net.pass_time(max(0, end - self.net.now))
        self.act()

    def _standing_claims(self) -> Iterator[ClaimId]:
        for claim_id in self.claims:
            task = self.net.task(task_of_claim(claim_id))
            if (
                task.state == TaskStage.CLAIMED
                and claim_of(task_of_claim(claim_id), task.attempt) == claim_id
            ):
                yield claim_id

    def _act_in_game(self, game_id: GameId) -> None:
        game = self.net.game(game_id)
        honest = self.tasks[task_of_claim(ClaimId(game_id >> 32))].honest
        is_defending = game.operator in HONEST_OPERATORS
        is_attacking = game.challenger == HONEST
        if game.stage == GameStage.OPERATOR_TURN and is_defending:
            self.split(game_id, honest.hash_at)
        if game.stage == GameStage.REVEAL_DUE and is_defending:
            self.reveal(game_id, honest)
        if game.stage == GameStage.CHALLENGER_TURN and is_attacking:
            boundaries = Interval(low=game.low, high=game.high).boundaries(RULES.arity)
            own = [honest.hash_at(index) for index in boundaries]
            self.pick(game_id, first_disagreement(self.games[game_id], own))
        if is_attacking or is_defending:
            if self.net.game(game_id).stage == GameStage.STEP_DUE:
                self.step(game_id)
            self.settle(game_id)

    # --- what must hold ----------------------------------------------------------------------------

    def check(self) -> None:
        """Every coin is accounted for, no honest operator has lost one, no false claim is final."""
        self._check_operators()
        self._check_jobs()
        self._check_disputes()
        contracts = (self.net.operators, self.net.jobs, self.net.disputes)
        holders = (*ACCOUNTS, *(contract.address for contract in contracts))
        assert sum(self.net.balance(holder) for holder in holders) == FUNDS_WEI * len(ACCOUNTS)

    def _check_operators(self) -> None:
        accounts = {operator: self.net.account(operator) for operator in (*HONEST_OPERATORS, LIAR)}
        owed = sum(account.stake for account in accounts.values())
        burned = self.net.operators.call("burned_wei")
        assert self.net.balance(self.net.operators.address) == owed + burned
        for operator in HONEST_OPERATORS:
            assert accounts[operator].stake == self.stakes_wei[operator], f"{operator} lost stake"
        busy = [task for task in map(self.net.task, self.tasks) if task.state in (1, 2)]
        for operator, account in accounts.items():
            bonds = sum(task.operator == operator for task in busy)
            assert account.locked == bonds * RULES.operator_bond_wei

    def _check_jobs(self) -> None:
        states = {task_id: self.net.task(task_id).state for task_id in self.tasks}
        escrow = sum(state < TaskStage.FINAL for state in states.values()) * REWARD_WEI
        assert self.net.balance(self.net.jobs.address) == escrow + self.credits(self.net.jobs)
        assert self.net.jobs.call("burned_wei") == 0
        for task_id, state in states.items():
            result, honest = self.net.read(self.net.jobs, "result", task_id), self.tasks[task_id].honest
            assert result.is_final == (state == TaskStage.FINAL)
            if result.is_final:
                expected = honest.claimed
                assert (result.output_root, result.status) == (expected.output_root, expected.status)
                assert (result.cycle, result.code) == (expected.cycle, expected.code)

    def _check_disputes(self) -> None:
        stages = {game_id: self.net.game(game_id).stage for game_id in self.games}
        bonds = sum(stage != GameStage.CLOSED for stage in stages.values()) * RULES.challenger_bond_wei
        pots = sum(self.net.disputes.call("pots_wei", claim_id) for claim_id in self.claims)
        owed = bonds + pots + self.credits(self.net.disputes)
        burned = self.net.disputes.call("burned_wei")
        assert self.net.balance(self.net.disputes.address) == owed + burned
        for claim_id in self.claims:
            undecided = [g for g in stages if g >> 32 == claim_id and stages[g] in UNDECIDED]
            assert self.net.disputes.call("open_games", claim_id) == len(undecided)

    def credits(self, contract: EvmContract) -> int:
        """What a contract owes to all."""
        return sum(contract.call("credits", account) for account in ACCOUNTS)

    # --- the end -----------------------------------------------------------------------------------

    def drain(self) -> None:
        """Time passes, only honest parties and a broom are left: in the end every unburned coin is out."""
        for _ in range(4):
            self.pass_time(2 * RULES.window_seconds)
            for game_id in self.games:
                self.settle(game_id)
            for task_id in self.tasks:
                self.attempt(self.net.jobs, "expire", task_id)
                self.finalize(task_id)
        self.net.pass_time(10**6)
        for job_id in {task_id >> 32 for task_id in self.tasks}:
            self.attempt(self.net.jobs, "reclaim", job_id, [*range(SHARD_COUNT)])
        self.check()
        for account in ACCOUNTS:
            self.attempt(self.net.jobs, "withdraw", sender=account)
            self.attempt(self.net.disputes, "withdraw", sender=account)
            self.attempt(self.net.operators, "withdraw", self.net.account(account).stake, sender=account)
        for contract in (self.net.operators, self.net.jobs, self.net.disputes):
            assert self.net.balance(contract.address) == contract.call("burned_wei"), "coins are stranded"
        states = {self.net.task(task_id).state for task_id in self.tasks}
        assert states <= {TaskStage.FINAL, TaskStage.REFUNDED}
        for honest in (*HONEST_OPERATORS, HONEST):
            assert self.net.balance(honest) >= FUNDS_WEI, f"{honest} ends with less than it had"


assert len(run(ENDLESS).hashes) == MAX_CYCLES + 1
