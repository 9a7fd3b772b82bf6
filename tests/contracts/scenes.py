"""Common beginnings of tests: a program, a job, a claim, a game."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.contracts.evm import Receipt
from tests.contracts.network import (
    ALICE,
    HONEST,
    KEEPER,
    LIAR,
    MALICE,
    PARAMETERS,
    REQUESTER,
    Network,
    rejects,
)
from tests.contracts.runs import (
    ENTRY,
    FLOATS,
    INPUT,
    MAX_CYCLES,
    SEED,
    SHARD_COUNT,
    SUM,
    Run,
    falsified_float_run,
    falsified_run,
    program_of,
    run,
)
from truestep.base.errors import Reject
from truestep.base.ids import ClaimId, GameId, JobId, TaskId, claim_of, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.bisection import Interval, first_disagreement, part_siblings
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import run_number_of

REWARD_WEI = 10**16
LEASE_SECONDS = 1_000
LIFETIME_SECONDS = 100_000
STAKE_WEI = 10**20
LIE = falsified_run(SUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What `post` takes, with defaults that it accepts. The deadline counts from now."""

    program_id: int = 1
    input_root: bytes = root_of_bytes(INPUT, RANGE_LEVEL)
    input_size: int = len(INPUT)
    input_uri: str = "https://example.org/input"
    seed: bytes = SEED
    shard_count: int = SHARD_COUNT
    reward_wei: int = REWARD_WEI
    lease_seconds: int = LEASE_SECONDS
    lifetime_seconds: int = LIFETIME_SECONDS

    def arguments(self, now: int) -> tuple[Any, ...]:
        """The struct."""
        counts = (self.shard_count, self.reward_wei, self.lease_seconds, now + self.lifetime_seconds)
        return (self.program_id, self.input_root, self.input_size, self.input_uri, self.seed, *counts)


def register(net: Network, words: tuple[int, ...] = SUM, max_cycles: int = MAX_CYCLES) -> int:
    """Register a program of these instructions."""
    program = program_of(words)
    arguments = (program.root(), ENTRY, max_cycles, b"\0" * 32, "https://example.org/program.elf")
    return net.programs.transact("register", *arguments, sender=REQUESTER).result


def post(net: Network, order: Order | None = None, value_wei: int | None = None) -> JobId:
    """Post a job; pays what it costs unless told otherwise."""
    order = order or Order()
    price_wei = order.reward_wei * order.shard_count if value_wei is None else value_wei
    receipt = net.jobs.transact("post", order.arguments(net.now), sender=REQUESTER, value=price_wei)
    return JobId(receipt.result)


def post_program(net: Network, words: tuple[int, ...] = SUM, **changes: Any) -> JobId:
    """Register a program and post a job for it."""
    return post(net, replace(Order(program_id=register(net, words)), **changes))


def take(net: Network, job_id: JobId, shard_index: int = 0, operator: str = ALICE) -> TaskId:
    """Take a task; stakes first if the operator has nothing."""
    if net.account(operator).stake == 0:
        net.deposit(operator, STAKE_WEI)
    net.jobs.transact("take", job_id, shard_index, sender=operator)
    return task_of(job_id, shard_index)


def claim(net: Network, task_id: TaskId, made: Run, operator: str = ALICE) -> ClaimId:
    """Claim the end of a run."""
    net.jobs.transact("claim", task_id, made.claimed.as_struct(), made.running_state, sender=operator)
    return claim_of(task_id, net.task(task_id).attempt)


def finalize(net: Network, task_id: TaskId, claimed: ClaimedState) -> None:
    """Make a claim the result, after its window."""
    net.jobs.transact("finalize", task_id, claimed.as_struct())


def open_game(net: Network, claim_id: ClaimId, claimed: ClaimedState, challenger: str = MALICE) -> GameId:
    """Challenge a claim."""
    bond_wei = net.parameters.challenger_bond_wei
    receipt = net.disputes.transact("open", claim_id, claimed.as_struct(), sender=challenger, value=bond_wei)
    return GameId(receipt.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revelation:
    """What `reveal` takes."""

    low: int
    after: bytes
    cycles: int
    memory_root: bytes

    def arguments(self) -> tuple[Any, ...]:
        """In the contract's order."""
        return self.low, self.after, self.cycles, self.memory_root


@dataclass(slots=True, kw_only=True)
class Play:
    """One game between two who each believe in a run; `interval` and `hashes` follow the chain."""

    net: Network
    game_id: GameId
    asserted: Run
    operator: str = LIAR
    believed: Run
    challenger: str = MALICE
    hashes: list[bytes] | None = None

    def interval(self) -> Interval:
        """What is disputed."""
        game = self.net.game(self.game_id)
        return Interval(low=game.low, high=game.high)

    def asserted_hashes(self) -> list[bytes]:
        """The hashes at the boundaries of the split that is due, the ends as the chain has them."""
        game, arity = self.net.game(self.game_id), self.net.parameters.arity
        inner = [self.asserted.hash_at(i) for i in self.interval().boundaries(arity)[1:-1]]
        return [game.low_hash, *inner, game.high_hash]

    def split(self) -> list[bytes]:
        """The operator splits; the boundary hashes."""
        self.hashes = self.asserted_hashes()
        self.send_split(self.hashes[1:-1])
        return self.hashes

    def send_split(self, inner: Sequence[bytes], sender: str | None = None) -> Receipt:
        """A split of these hashes."""
        game = self.net.game(self.game_id)
        arguments = (self.game_id, game.low, game.high, inner)
        return self.net.disputes.transact("split", *arguments, sender=sender or self.operator)

    def pick(self, part: int | None = None) -> Receipt:
        """The challenger picks the first part that it disagrees with, or the one it is told."""
        assert self.hashes is not None
        if part is None:
            boundaries = self.interval().boundaries(self.net.parameters.arity)
            part = first_disagreement(self.hashes, [self.believed.hash_at(i) for i in boundaries])
        siblings = part_siblings(self.hashes, self.net.parameters.arity, part)
        proof = (part, self.hashes[part], self.hashes[part + 1], siblings)
        return self.net.disputes.transact("pick", self.game_id, *proof, sender=self.challenger)

    def to_last_step(self) -> None:
        """Split and pick until one step is left."""
        while self.interval().length > 1:
            self.split()
            self.pick()

    def step(self, run: Run | None = None) -> Receipt:
        """Somebody executes the step."""
        witness = (run or self.believed).witness_at(self.interval().low)
        return self.net.disputes.transact("step", self.game_id, witness)

    def descend(self, run: Run | None = None, sender: str = KEEPER) -> Receipt:
        """Somebody goes on over the micro-run of the float instruction that is left."""
        witness = (run or self.believed).witness_at(self.interval().low)
        return self.net.disputes.transact("descend", self.game_id, witness, sender=sender)

    def revelation(self) -> Revelation:
        """What the operator has to say of the float instruction."""
        low = self.net.game(self.game_id).low
        index = run_number_of(low)
        shown = self.asserted.micro_run_at(index)
        after = self.asserted.states[index + 1].pack()
        return Revelation(low=low, after=after, cycles=shown.cycles, memory_root=shown.memory_root)

    def reveal(self, shown: Revelation | None = None, sender: str | None = None) -> Receipt:
        """The operator reveals what it believes, or what it is told."""
        arguments = (shown or self.revelation()).arguments()
        sender = sender or self.operator
        return self.net.disputes.transact("reveal", self.game_id, *arguments, sender=sender)

    def to_micro_run(self) -> None:
        """Down to a float instruction, and into its micro-run."""
        self.to_last_step()
        self.descend()
        self.reveal()

    def settle(self) -> Any:
        """Somebody settles; the receipt."""
        return self.net.disputes.transact("settle", self.game_id)


def claimed(net: Network, made: Run, words: tuple[int, ...] = SUM, operator: str = LIAR) -> ClaimId:
    """A claim of `made` for a new job."""
    return claim(net, take(net, post_program(net, words), 0, operator), made, operator)


def lie_challenged(net: Network) -> Play:
    """A game of the honest challenger on a false claim."""
    game_id = open_game(net, claimed(net, LIE), LIE.claimed, HONEST)
    return Play(net=net, game_id=game_id, asserted=LIE, believed=run(SUM), challenger=HONEST)


def truth_challenged(net: Network) -> Play:
    """A game of a malicious challenger on a true claim."""
    game_id = open_game(net, claimed(net, run(SUM), operator=ALICE), run(SUM).claimed)
    return Play(net=net, game_id=game_id, asserted=run(SUM), operator=ALICE, believed=LIE)


def float_lie_challenged(net: Network, index: int = 6, micro_lie_at: int | None = None) -> Play:
    """A game of the honest challenger on a run in which the float result after state `index` is false."""
    false = replace(falsified_float_run(index), micro_lie_at=micro_lie_at)
    game_id = open_game(net, claimed(net, false, FLOATS), false.claimed, HONEST)
    return Play(net=net, game_id=game_id, asserted=false, believed=run(FLOATS), challenger=HONEST)


def float_truth_challenged(net: Network, index: int = 6, micro_lie_at: int | None = None) -> Play:
    """A game of a malicious challenger on a true run, about the result after state `index`."""
    false = replace(falsified_float_run(index), micro_lie_at=micro_lie_at)
    game_id = open_game(net, claimed(net, run(FLOATS), FLOATS, ALICE), run(FLOATS).claimed)
    return Play(net=net, game_id=game_id, asserted=run(FLOATS), operator=ALICE, believed=false)


def loses_on_time(play: Play, move: Callable[[], object]) -> None:
    """The challenger's time runs out: to its last second nothing is decided, then nobody may move."""
    play.net.pass_time(PARAMETERS.clock_seconds)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    play.net.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        move()
    assert play.settle().events[-1].fields["stage"] == GameStage.OPERATOR_WON
