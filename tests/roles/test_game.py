"""Both policies play a game over invented runs: it ends at the lie, wherever that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from tests.machine.encode import encode
from tests.protocol.test_float_steps import DIVISION, witness_before
from tests.roles.views import CHALLENGER, CLAIMED, GAME, WORKER, claimed_view, view
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.protocol.bisection import Interval
from truestep.protocol.calls import DescendGame, RevealGame, SubmitPick, SubmitSplit, SubmitStep
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.records import GameRecord, GameStage
from truestep.protocol.state_numbers import (
    MICRO_INDEX_LIMIT,
    is_micro,
    micro_index_of,
    micro_number,
    run_number_of,
)
from truestep.roles import challenger, worker
from truestep.roles.actions import Action, BuildReveal, BuildWitness, ComputeHashes, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.estimates import round_count
from truestep.roles.views import Reveal
from truestep.roles.worker import WorkerPolicy

FLOAT_WITNESS = witness_before(DIVISION)
INTEGER_WITNESS = witness_before(encode("add", rd=5, rs1=6, rs2=7))

Trace = Callable[[int], Bytes32]


@dataclass(frozen=True, kw_only=True)
class Runs:
    """An honest run, and one that is false after `fault_number`, which executes a float or an integer."""

    fault_number: int
    is_float: bool
    micro_length: int
    """Steps of the honest micro-run; the state at its end stays."""
    claimed_length: int
    false_from: int
    """From which state on the operator's micro-run is invented; its claimed end is in any case."""

    def true_state(self, number: int) -> Bytes32:
        if is_micro(number):
            index = min(micro_index_of(number), self.micro_length)
            number = micro_number(run_number_of(number), index)
        return keccak256(b"true" + number.to_bytes(8, "big"))

    def false_state(self, number: int) -> Bytes32:
        truth = self.true_state(number)
        if is_micro(number):
            is_false = micro_index_of(number) >= min(self.false_from, self.claimed_length)
        else:
            is_false = number > self.fault_number
        return keccak256(truth) if is_false else truth


@dataclass(kw_only=True)
class Table:
    """The game as the contract has it, and what each side knows."""

    runs: Runs
    game: GameRecord
    moves: int = 0
    """Splits so far."""
    hashes: dict[Address, dict[int, Bytes32]] = field(default_factory=lambda: {WORKER: {}, CHALLENGER: {}})
    witnesses: dict[int, bytes] = field(default_factory=dict)
    reveals: dict[int, Reveal] = field(default_factory=dict)

    def actions_of(self, account: Address) -> list[Action]:
        claimed = replace(CLAIMED, status=Status.RUNNING, cycle=self.game.high, running_state=ZERO_HASH)
        task = claimed_view(
            self.game,
            claimed=claimed,
            hashes=self.hashes[account],
            witnesses=self.witnesses if account == CHALLENGER else {},
            reveals=self.reveals if account == WORKER else {},
        )
        seen = view(task, account=account)
        if account == WORKER:
            return worker.decide(seen, WorkerPolicy())
        return challenger.decide(seen, ChallengerPolicy())

    def do(self, account: Address, action: Action) -> bool:
        """Do it as a node and the contract would; whether it was the last move."""
        game = self.game
        match action:
            case ComputeHashes():
                trace = self.runs.false_state if account == WORKER else self.runs.true_state
                self.hashes[account] |= {number: trace(number) for number in action.cycles}
            case BuildWitness():
                assert (account, action.cycle) == (CHALLENGER, game.low)
                is_float = self.runs.is_float and not is_micro(game.low)
                self.witnesses[game.low] = FLOAT_WITNESS if is_float else INTEGER_WITNESS
            case BuildReveal():
                assert (account, action.low) == (WORKER, game.low)
                reveal = Reveal(after=b"", cycles=self.runs.claimed_length, memory_root=ZERO_HASH)
                self.reveals[game.low] = reveal
            case Send(call=SubmitSplit() as call):
                self.game, self.moves = after_split(game, call), self.moves + 1
            case Send(call=SubmitPick() as call):
                self.game = after_pick(game, call)
            case Send(call=DescendGame()):
                assert (account, game.stage) == (CHALLENGER, GameStage.STEP_DUE)
                low = micro_number(game.low, 0)
                start = self.runs.true_state(low)
                self.game = replace(game, stage=GameStage.REVEAL_DUE, low=low, low_hash=start)
            case Send(call=RevealGame() as call):
                assert (account, game.stage) == (WORKER, GameStage.REVEAL_DUE)
                high = game.low + call.cycles
                ends = {"high": high, "high_hash": self.runs.false_state(high)}
                self.game = replace(game, stage=stage_at(call.cycles), **ends)
            case Send(call=SubmitStep()):
                assert (account, game.stage) == (CHALLENGER, GameStage.STEP_DUE)
                return True
            case other:
                raise AssertionError(f"unexpected {other}")
        return False


def stage_at(length: int) -> GameStage:
    return GameStage.STEP_DUE if length == 1 else GameStage.OPERATOR_TURN


def after_split(game: GameRecord, call: SubmitSplit) -> GameRecord:
    """As the contract does it (S6.4)."""
    parts = Interval(low=game.low, high=game.high).part_count(game.arity)
    assert game.stage is GameStage.OPERATOR_TURN
    assert (call.low, call.high, len(call.hashes)) == (game.low, game.high, parts - 1)
    return replace(game, stage=GameStage.CHALLENGER_TURN, split_hashes=call.hashes)


def after_pick(game: GameRecord, call: SubmitPick) -> GameRecord:
    """As the contract does it (S11.5)."""
    assert game.stage is GameStage.CHALLENGER_TURN
    hashes = (game.low_hash, *game.split_hashes, game.high_hash)
    part = Interval(low=game.low, high=game.high).part(call.part, game.arity)
    return replace(
        game,
        stage=stage_at(part.length),
        low=part.low,
        high=part.high,
        low_hash=hashes[call.part],
        high_hash=hashes[call.part + 1],
        split_hashes=(),
    )


def play(runs: Runs, arity: int, high: int) -> tuple[GameRecord, int]:
    """The game at its last move, and how many splits led there."""
    ends = {"low_hash": runs.true_state(0), "high_hash": runs.false_state(high)}
    game = replace(GAME, stage=stage_at(high), low=0, high=high, arity=arity, **ends)
    table = Table(runs=runs, game=game)
    for _ in range(8 * (round_count(high, arity) + round_count(MICRO_INDEX_LIMIT, arity) + 4)):
        for account in (WORKER, CHALLENGER):
            for action in table.actions_of(account):
                if table.do(account, action):
                    return table.game, table.moves
    raise AssertionError(f"no end: {table.game}")


@given(
    arity=st.sampled_from([2, 4, 16, 64]),
    high=st.integers(1, 2**40),
    lie=st.floats(0, 1, allow_nan=False),
    is_float=st.booleans(),
    micro_length=st.integers(1, 2_000),
    claimed_length=st.integers(1, MICRO_INDEX_LIMIT),
    false_from=st.integers(1, MICRO_INDEX_LIMIT),
)
def test_a_game_ends_at_the_step_into_the_lie(
    arity: int,
    high: int,
    lie: float,
    is_float: bool,
    micro_length: int,
    claimed_length: int,
    false_from: int,
) -> None:
    """Also if the operator's micro-run is too short or too long, or becomes false anywhere in it."""
    fault_number = min(high - 1, round(lie * high))
    runs = Runs(
        fault_number=fault_number,
        is_float=is_float,
        micro_length=micro_length,
        claimed_length=claimed_length,
        false_from=false_from,
    )
    end, splits = play(runs, arity, high)
    micro_rounds = round_count(claimed_length, arity) if is_float else 0
    assert splits <= round_count(high, arity) + micro_rounds
    assert end.high == end.low + 1
    assert end.low_hash == runs.true_state(end.low)
    assert end.high_hash != runs.true_state(end.high)
    if is_float:
        first_false = min(false_from, claimed_length)
        assert end.low == micro_number(fault_number, first_false - 1)
    else:
        assert end.low == fault_number
