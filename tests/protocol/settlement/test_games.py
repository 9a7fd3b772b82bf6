"""The games of the pure model: moves, ends, rewards (docs/protocol.md S6, S7)."""

from __future__ import annotations

import re
from pathlib import Path

import truestep.contracts
from tests.protocol.settlement.scene import (
    DISPUTES,
    OPERATOR,
    PARAMETERS,
    Scene,
    account,
)
from truestep.protocol.settlement.games import DESCEND_GAS, OPEN_GAS, PICK_GAS, STEP_GAS
from truestep.protocol.settlement.ids import LeafGameId

ALICE = account("alice")
FOLDER = Path(truestep.contracts.__path__[0])


def play_to_step(scene: Scene, game_id: LeafGameId) -> None:
    while scene.game(game_id).stage == 1:
        if not scene.is_split(game_id):
            scene.split(game_id)
        scene.pick(game_id, scene.true_part(game_id))


def test_a_lie_falls_by_a_step_and_its_challenger_is_paid() -> None:
    scene = Scene(lie_at=12_345_678)
    game_id = scene.open(ALICE)
    play_to_step(scene, game_id)
    scene.step(game_id)
    assert scene.state.claims[scene.claim_id].striker == 1
    scene.show(game_id)
    final_id = scene.make_final()
    scene.reward(game_id, final_id)
    scene.withdraw(ALICE)
    scene.check_coins()
    gas = (50_000 + 7 * 8_000 + 30_000) * PARAMETERS.gas_price_cap_wei
    assert scene.coins_wei[ALICE] == PARAMETERS.operator_bond_wei * 4_000 // 10_000 + gas


def test_who_challenges_the_truth_loses_its_bond() -> None:
    scene = Scene()
    game_id = scene.open(ALICE)
    play_to_step(scene, game_id)
    scene.step(game_id)
    scene.withdraw(OPERATOR)
    scene.check_coins()
    assert scene.coins_wei[ALICE] == -PARAMETERS.challenger_bond_wei
    assert scene.state.credits[OPERATOR] == 0
    assert scene.coins_wei[OPERATOR] == PARAMETERS.challenger_bond_wei * 4_000 // 10_000
    assert scene.coins_wei[DISPUTES] == scene.state.burned_wei


def test_who_strikes_a_true_claim_gets_its_bond_and_no_reward() -> None:
    """The operator was away: its bond is lost, but nobody has won (S7.5)."""
    scene = Scene()
    game_id = scene.open(ALICE)
    scene.now += PARAMETERS.clock_seconds + PARAMETERS.rescue_seconds + 1
    scene.settle(game_id)
    final_id = scene.make_final()
    scene.reward(game_id, final_id)
    scene.withdraw(ALICE)
    scene.check_coins()
    assert scene.coins_wei[ALICE] == 0
    assert scene.state.burned_wei == PARAMETERS.operator_bond_wei


def test_the_units_are_those_of_the_contract() -> None:
    source = (FOLDER / "modules" / "move_gas.vy").read_text("utf-8")
    units = {name: int(number) for name, number in re.findall(r"(\w+): constant.* = ([\d_]+)", source)}
    assert units == {
        "OPEN_GAS": OPEN_GAS,
        "PICK_GAS": PICK_GAS,
        "STEP_GAS": STEP_GAS,
        "DESCEND_GAS": DESCEND_GAS,
    }
