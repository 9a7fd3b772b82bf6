"""Games by their events are what the contracts say, and outrun a node that answers from an older block."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.floats import FLOAT_ELF
from tests.e2e.network import ELF, Log, Network
from tests.e2e.test_floats import LIE_STATE
from tests.roles.views import GAME
from truestep.base.ids import claim_of, game_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.ports.engine import Engine
from truestep.protocol.game_course import course_of, furthest, is_past
from truestep.protocol.records import GameRecord, GameStage
from truestep.protocol.state_numbers import micro_number
from truestep.simulation.false_float import FalseFloatEngine, FalseResult
from truestep.simulation.faulty_engine import Fault, FaultyEngine

WHERE = ("stage", "low", "high", "low_hash", "high_hash", "rounds", "operator", "challenger")
LIES = {
    "integer": (ELF, FaultyEngine(ReferenceEngine(), Fault(cycle=77, address=OUTPUT_START + 3, mask=0x10))),
    "float": (FLOAT_ELF, FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=LIE_STATE))),
}


def where(game: GameRecord) -> dict[str, object]:
    return {name: getattr(game, name) for name in WHERE}


def course_on_chain(network: Network, game_id: int) -> GameRecord | None:
    chain = network.requester
    found = [each for each in chain.events(0, chain.head().number) if getattr(each, "game_id", 0) == game_id]
    return course_of(found, clock_seconds=500)


@pytest.mark.parametrize("lie", LIES)
def test_the_course_by_events_is_the_contracts(network: Network, lie: str) -> None:
    elf, engine = LIES[lie]
    job_id, log = network.post(elf=elf), Log()
    game_id = game_of(claim_of(task_of(job_id, 0), 1), 1)
    liar_engine: Engine = engine
    liar = network.worker("liar", network.store("liar"), log, liar_engine)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    seen: list[GameRecord] = []
    for _ in range(60):
        challenger.tick()
        liar.tick()
        game = network.requester.games([game_id]).get(game_id)
        course = course_on_chain(network, game_id)
        if game is None:
            assert course is None
            continue
        assert course is not None
        assert where(course) == where(game)
        if not seen or where(seen[-1]) != where(game):
            seen.append(game)
        if game.stage is GameStage.CLOSED:
            break
    assert seen[-1].stage is GameStage.CLOSED, log.lines
    assert len(seen) >= 4
    for number, earlier in enumerate(seen):
        for later in seen[number:]:
            assert where(furthest(earlier, later, 9) or earlier) == where(later)
            assert furthest(later, earlier, 9) is later


def test_a_late_answer_never_makes_a_clock_look_run_out() -> None:
    late = replace(GAME, moved_at=10, operator_clock_seconds=7)
    course = replace(GAME, stage=GameStage.CHALLENGER_TURN, moved_at=0)
    assert furthest(late, course, 1_000) == replace(course, operator_clock_seconds=7, moved_at=1_000)
    assert furthest(None, course, 1_000) == replace(course, moved_at=1_000)
    assert furthest(late, None, 1_000) is late
    assert furthest(None, None, 1_000) is None


def test_a_record_from_before_a_split_is_known_for_one() -> None:
    assert is_past(GAME, 0, 500)
    assert is_past(GAME, micro_number(7, 0), micro_number(7, 9))
    assert not is_past(GAME, GAME.low, GAME.high)
    assert not is_past(replace(GAME, low=500, high=600), 0, 500)
    assert not is_past(replace(GAME, low=micro_number(7, 0), high=micro_number(7, 9)), 0, 500)
