"""Both policies play a game over invented runs: it ends at the lie, wherever that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.roles.views import CHALLENGER, CLAIMED, GAME, PARAMETERS, WORKER, claimed_view, view
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import climb
from truestep.machine.state import Status
from truestep.protocol.bisection import Interval, split_root
from truestep.protocol.calls import SubmitPick, SubmitSplit
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.records import GameRecord, GameStage
from truestep.roles import challenger, worker
from truestep.roles.actions import Action, BuildWitness, ComputeHashes, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.estimates import round_count
from truestep.roles.worker import WorkerPolicy

Trace = Callable[[int], Bytes32]


def true_state(cycle: int) -> Bytes32:
    return keccak256(b"true" + cycle.to_bytes(8, "big"))


def lie_from(fault_cycle: int) -> Trace:
    return lambda cycle: true_state(cycle) if cycle < fault_cycle else keccak256(true_state(cycle))


def stage_at(length: int) -> GameStage:
    return GameStage.STEP_DUE if length == 1 else GameStage.OPERATOR_TURN


def after_split(game: GameRecord, call: SubmitSplit, arity: int) -> GameRecord:
    """As the contract does it (P4.4)."""
    parts = Interval(low=game.low, high=game.high).part_count(arity)
    assert (call.low, call.high, len(call.hashes)) == (game.low, game.high, parts - 1)
    root = split_root((game.low_hash, *call.hashes, game.high_hash), arity)
    return replace(game, stage=GameStage.CHALLENGER_TURN, split_root=root)


def after_pick(game: GameRecord, call: SubmitPick, arity: int) -> GameRecord:
    """As the contract does it (P4.5)."""
    assert climb(keccak256(call.start + call.end), call.part, call.siblings) == game.split_root
    part = Interval(low=game.low, high=game.high).part(call.part, arity)
    return replace(
        game,
        stage=stage_at(part.length),
        low=part.low,
        high=part.high,
        low_hash=call.start,
        high_hash=call.end,
        rounds=game.rounds + 1,
    )


def moves_of(
    game: GameRecord, splits: tuple[Bytes32, ...], arity: int, account: Address, known: dict[int, Bytes32]
) -> list[Action]:
    claimed = replace(CLAIMED, status=Status.RUNNING, cycle=game.high, running_state=ZERO_HASH)
    task = claimed_view(game, claimed=claimed, split_hashes=splits, hashes=known)
    seen = view(task, account=account, parameters=replace(PARAMETERS, arity=arity))
    if account == WORKER:
        return worker.decide(seen, WorkerPolicy())
    return challenger.decide(seen, ChallengerPolicy())


@given(
    arity=st.sampled_from([2, 4, 16, 64]),
    high=st.integers(1, 2**40),
    lie=st.floats(0, 1, allow_nan=False),
)
def test_a_game_ends_at_the_step_into_the_lie(arity: int, high: int, lie: float) -> None:
    fault_cycle = max(1, min(high, round(lie * high)))
    operator_trace = lie_from(fault_cycle)
    traces: dict[Address, Trace] = {WORKER: operator_trace, CHALLENGER: true_state}
    known: dict[Address, dict[int, Bytes32]] = {WORKER: {}, CHALLENGER: {}}
    ends = {"low_hash": true_state(0), "high_hash": operator_trace(high)}
    game, splits = replace(GAME, stage=stage_at(high), low=0, high=high, **ends), ()
    for _ in range(8 * (round_count(high, arity) + 2)):
        for account in (WORKER, CHALLENGER):
            for action in moves_of(game, splits, arity, account, known[account]):
                match action:
                    case ComputeHashes():
                        known[account] |= {cycle: traces[account](cycle) for cycle in action.cycles}
                    case Send(call=SubmitSplit() as call):
                        game, splits = after_split(game, call, arity), call.hashes
                    case Send(call=SubmitPick() as call):
                        game, splits = after_pick(game, call, arity), ()
                    case BuildWitness():
                        assert account == CHALLENGER
                        assert action.cycle == game.low == fault_cycle - 1
                        assert game.rounds <= round_count(high, arity)
                        return
                    case other:
                        raise AssertionError(f"unexpected {other}")
    raise AssertionError(f"no end: {game}")
