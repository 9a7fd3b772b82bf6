"""Disputes.vy: the moves of a game, who may make them and when (docs/protocol.md P4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.evm import Event
from tests.contracts.network import (
    ALICE,
    BOB,
    HONEST,
    LIAR,
    MALICE,
    NOBODY,
    PARAMETERS,
    Network,
    deploy_network,
    disputes_arguments,
    rejects,
)
from tests.contracts.runs import (
    ENDLESS,
    FAIL,
    INPUT,
    MAX_CYCLES,
    SEED,
    SHARD_COUNT,
    SUM,
    TRAP,
    program_of,
    run,
)
from tests.contracts.scenes import (
    LIE,
    Play,
    claim,
    claimed,
    lie_challenged,
    open_game,
    post_program,
    take,
)
from truestep.base.errors import Reject
from truestep.base.ids import ClaimId, TaskId, claim_of
from truestep.commitments.keccak import keccak256
from truestep.machine.program import Task, initial_memory
from truestep.machine.state import initial_state
from truestep.protocol.bisection import part_siblings, split_leaves, split_root
from truestep.protocol.records import GameStage

CLOCK = PARAMETERS.clock_seconds
BOND_WEI = PARAMETERS.challenger_bond_wei


@pytest.fixture
def net() -> Network:
    return deploy_network()


# --- deployment ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "value", "reason"),
    [
        (0, NOBODY, Reject.NO_CONTRACT),
        (1, ALICE, Reject.NO_CONTRACT),
        (2, ALICE, Reject.NO_CONTRACT),
        (3, 0, Reject.PARAMETER_BOND),
        (3, PARAMETERS.operator_bond_wei // 10 + 1, Reject.PARAMETER_BOND),
        (4, 0, Reject.PARAMETER_CLOCK),
        (4, PARAMETERS.window_seconds // 2 + 1, Reject.PARAMETER_CLOCK),
        (4, 2**28, Reject.PARAMETER_CLOCK),
        (5, 0, Reject.PARAMETER_ARITY),
        (5, 1, Reject.PARAMETER_ARITY),
        (5, 48, Reject.PARAMETER_ARITY),
        (5, 128, Reject.PARAMETER_ARITY),
        (6, 5_001, Reject.PARAMETER_SHARE),
        (7, 2**50, Reject.PARAMETER_GAS_PRICE),
    ],
)
def test_parameters_are_bounded(net: Network, position: int, value: Any, reason: Reject) -> None:
    arguments = [*disputes_arguments(net.operators, net.jobs, net.step, PARAMETERS)]
    arguments[position] = value
    with rejects(reason):
        net.evm.deploy("Disputes", *arguments)


def test_contracts_belong_together(net: Network) -> None:
    """Jobs must lock its bonds where Disputes seizes them."""
    others = net.evm.deploy("Operators")
    with rejects(Reject.WIRING):
        net.evm.deploy("Disputes", *disputes_arguments(others, net.jobs, net.step, PARAMETERS))


def test_parameters_can_be_read(net: Network) -> None:
    names = ("challenger_bond_wei", "clock_seconds", "arity", "winner_share_bps", "gas_price_cap_wei")
    assert [net.disputes.call(name) for name in names] == [getattr(PARAMETERS, name) for name in names]


@pytest.mark.parametrize("arity", [2, 4, 8, 16, 32, 64])
def test_every_arity_plays(arity: int) -> None:
    rules = replace(PARAMETERS, arity=arity)
    play = lie_challenged(deploy_network(rules))
    play.to_last_step()
    play.step()
    assert play.net.game(play.game_id).stage == GameStage.CHALLENGER_WON


# --- open ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [SUM, FAIL, TRAP, ENDLESS])
def test_open(net: Network, words: tuple[int, ...]) -> None:
    """The contract computes both ends of the interval from what it knows itself."""
    made = run(words)
    claim_id = claimed(net, made, words)
    receipt = net.disputes.transact("open", claim_id, made.claimed.as_struct(), sender=HONEST, value=BOND_WEI)
    game_id = claim_id << 32 | 1
    ends = {"high": made.claimed.cycle, "low_hash": made.hashes[0], "high_hash": made.hashes[-1]}
    parties = {"operator": LIAR, "challenger": HONEST}
    ids = {"game_id": game_id, "claim_id": claim_id}
    assert receipt.result == game_id
    assert receipt.events == [Event(name="Opened", fields=ids | parties | ends)]
    clocks = {"operator_clock_seconds": CLOCK, "challenger_clock_seconds": CLOCK, "moved_at": net.now}
    rest = {"stage": GameStage.OPERATOR_TURN, "low": 0, "split_root": bytes(32), "rounds": 0}
    assert vars(net.game(game_id)) == parties | ends | clocks | rest
    assert net.disputes.call("open_games", claim_id) == 1
    assert net.disputes.call("game_of", claim_id, HONEST) == game_id
    assert net.disputes.call("game_of", claim_id, MALICE) == 0
    assert net.balance(net.disputes.address) == BOND_WEI


@pytest.mark.parametrize("shard_index", range(SHARD_COUNT))
def test_initial_state_of_each_shard(net: Network, shard_index: int) -> None:
    job_id = post_program(net)
    claim_id = claim(net, take(net, job_id, shard_index), run(SUM, shard_index))
    game = net.game(open_game(net, claim_id, run(SUM, shard_index).claimed))
    task = Task(seed=SEED, shard_index=shard_index, shard_count=SHARD_COUNT, input=INPUT)
    program = program_of(SUM)
    root = initial_memory(program, task).root()
    assert game.low_hash == initial_state(memory_root=root, entry=program.entry).hash()


def test_bond_is_exact(net: Network) -> None:
    claim_id = claimed(net, LIE)
    for value_wei in (0, BOND_WEI - 1, BOND_WEI + 1):
        with rejects(Reject.WRONG_VALUE):
            net.disputes.transact("open", claim_id, LIE.claimed.as_struct(), sender=HONEST, value=value_wei)


def test_only_standing_claims_are_challenged(net: Network) -> None:
    """No claim yet, an attempt that is over or to come, ids with bits where none belong."""
    job_id = post_program(net)
    task_id = take(net, job_id)
    with rejects(Reject.CLAIM_NOT_STANDING):
        open_game(net, claim_of(task_id, 1), LIE.claimed)
    claim_id = claim(net, task_id, LIE)
    wrong = [claim_of(task_id, 0), claim_of(task_id, 2), claim_of(TaskId(task_id + 1), 1), ClaimId(0)]
    wrong += [ClaimId(claim_id | 1 << bit) for bit in (96, 192, 223, 224, 255)]
    for other in wrong:
        with rejects(Reject.CLAIM_NOT_STANDING):
            open_game(net, other, LIE.claimed)


def test_challenge_shows_the_claim(net: Network) -> None:
    claim_id = claimed(net, LIE)
    with rejects(Reject.CLAIM_MISMATCH):
        open_game(net, claim_id, run(SUM).claimed)


def test_window_is_closed_in_time(net: Network) -> None:
    claim_id = claimed(net, LIE)
    net.pass_time(PARAMETERS.window_seconds)
    open_game(net, claim_id, LIE.claimed, HONEST)
    net.pass_time(1)
    with rejects(Reject.WINDOW_OVER):
        open_game(net, claim_id, LIE.claimed)


def test_one_game_each(net: Network) -> None:
    claim_id = claimed(net, LIE)
    with rejects(Reject.OWN_CLAIM):
        open_game(net, claim_id, LIE.claimed, LIAR)
    open_game(net, claim_id, LIE.claimed, HONEST)
    with rejects(Reject.ALREADY_CHALLENGED):
        open_game(net, claim_id, LIE.claimed, HONEST)
    assert open_game(net, claim_id, LIE.claimed, MALICE) == claim_id << 32 | 2
    assert net.disputes.call("open_games", claim_id) == 2


# --- split and pick --------------------------------------------------------------------------------


def test_split(net: Network) -> None:
    play = lie_challenged(net)
    net.pass_time(100)
    hashes = play.asserted_hashes()
    receipt = play.send_split(hashes[1:-1])
    fields = {"game_id": play.game_id, "low": 0, "high": LIE.claimed.cycle, "hashes": (*hashes[1:-1],)}
    assert receipt.events == [Event(name="Split", fields=fields)]
    game = net.game(play.game_id)
    assert (game.stage, game.rounds, game.moved_at) == (GameStage.CHALLENGER_TURN, 0, net.now)
    assert (game.operator_clock_seconds, game.challenger_clock_seconds) == (CLOCK - 100, CLOCK)
    assert game.split_root == split_root(hashes, PARAMETERS.arity)


def test_pick(net: Network) -> None:
    play = lie_challenged(net)
    hashes = play.split()
    boundaries = play.interval().boundaries(PARAMETERS.arity)
    net.pass_time(70)
    play.pick(3)
    game = net.game(play.game_id)
    assert (game.low, game.high) == (boundaries[3], boundaries[4])
    assert (game.low_hash, game.high_hash) == (hashes[3], hashes[4])
    assert (game.stage, game.rounds, game.moved_at) == (GameStage.OPERATOR_TURN, 1, net.now)
    assert (game.operator_clock_seconds, game.challenger_clock_seconds) == (CLOCK, CLOCK - 70)


def test_only_the_operator_or_its_delegate_splits(net: Network) -> None:
    play = lie_challenged(net)
    for sender in (HONEST, BOB, MALICE):
        with rejects(Reject.NOT_ASSERTER):
            play.send_split(play.asserted_hashes()[1:-1], sender)
    net.operators.transact("set_delegate", BOB, sender=LIAR)
    play.send_split(play.asserted_hashes()[1:-1], BOB)


def test_only_the_challenger_picks(net: Network) -> None:
    play = lie_challenged(net)
    play.split()
    for sender in (LIAR, BOB, MALICE):
        with rejects(Reject.NOT_CHALLENGER):
            replace(play, challenger=sender).pick(0)


def test_turns(net: Network) -> None:
    """Each move has its stage."""
    play = lie_challenged(net)
    witness = LIE.witnesses[0]
    play.hashes = play.asserted_hashes()
    with rejects(Reject.GAME_STAGE):
        play.pick(0)
    with rejects(Reject.GAME_STAGE):
        net.disputes.transact("step", play.game_id, witness)
    play.split()
    with rejects(Reject.GAME_STAGE):
        play.split()
    with rejects(Reject.GAME_STAGE):
        net.disputes.transact("step", play.game_id, witness)
    play.pick()
    play.to_last_step()
    with rejects(Reject.GAME_STAGE):
        play.send_split([])
    with rejects(Reject.GAME_STAGE):
        play.pick(0)
    play.step()
    with rejects(Reject.GAME_STAGE):
        play.step()


def test_unknown_game(net: Network) -> None:
    play = lie_challenged(net)
    wrong = [play.game_id + 1, play.game_id - 1, play.game_id >> 32, 0]
    wrong += [play.game_id | 1 << bit for bit in (128, 224, 255)]
    for game_id in wrong:
        with rejects(Reject.GAME_UNKNOWN):
            net.disputes.transact("split", game_id, 0, 1, [], sender=LIAR)
        with rejects(Reject.GAME_UNKNOWN):
            net.disputes.transact("pick", game_id, 0, bytes(32), bytes(32), [])
        with rejects(Reject.GAME_UNKNOWN):
            net.disputes.transact("step", game_id, b"")
        with rejects(Reject.GAME_UNKNOWN):
            net.disputes.transact("settle", game_id)
        assert net.game(game_id).stage == GameStage.NONE
        assert net.game(game_id).operator == NOBODY


@pytest.mark.parametrize("change", [-1, 1])
def test_split_has_one_hash_less_than_parts(net: Network, change: int) -> None:
    play = lie_challenged(net)
    hashes = [b"\1" * 32] * (PARAMETERS.arity - 1 + change)
    with rejects(Reject.SPLIT_COUNT):
        play.send_split(hashes)


def test_split_names_its_interval(net: Network) -> None:
    """True hashes of another interval would be false here; so after a reorganisation they are refused."""
    play = lie_challenged(net)
    hashes, high = play.asserted_hashes()[1:-1], LIE.claimed.cycle
    for low_and_high in ((1, high), (0, high - 1), (1, high + 1), (0, 2**64 - 1)):
        with rejects(Reject.SPLIT_INTERVAL):
            net.disputes.transact("split", play.game_id, *low_and_high, hashes, sender=LIAR)


def test_pick_is_proved(net: Network) -> None:
    play = lie_challenged(net)
    hashes = play.split()
    part = 2
    siblings = _siblings(hashes, part)
    start, end = hashes[part : part + 2]
    bad = {
        "another part": (part + 1, start, end, siblings),
        "another start": (part, bytes(32), end, siblings),
        "another end": (part, start, bytes(32), siblings),
        "swapped": (part, end, start, siblings),
        "another sibling": (part, start, end, [bytes(32), *siblings[1:]]),
        "a sibling too few": (part, start, end, siblings[:-1]),
        "a sibling too many": (part, start, end, [*siblings, bytes(32)]),
    }
    for proof in bad.values():
        with rejects(Reject.PICK_PROOF):
            net.disputes.transact("pick", play.game_id, *proof, sender=HONEST)
    for no_part in (PARAMETERS.arity, PARAMETERS.arity + part, 2**256 - 1):
        with rejects(Reject.PICK_PART):
            net.disputes.transact("pick", play.game_id, no_part, start, end, siblings, sender=HONEST)
    net.disputes.transact("pick", play.game_id, part, start, end, siblings, sender=HONEST)


def _siblings(hashes: list[bytes], part: int) -> list[bytes]:
    return part_siblings(hashes, PARAMETERS.arity, part)


def test_node_of_the_tree_is_no_part(net: Network) -> None:
    """Two leaves side by side hash to their parent: with a sibling less it would climb to the same root."""
    play = lie_challenged(net)
    leaves = split_leaves(play.split())
    for part in range(PARAMETERS.arity // 2):
        siblings = _siblings(play.hashes or [], 2 * part)[1:]
        with rejects(Reject.PICK_PROOF):
            net.disputes.transact(
                "pick", play.game_id, part, leaves[2 * part], leaves[2 * part + 1], siblings, sender=HONEST
            )


def test_no_part_beyond_a_short_interval(net: Network) -> None:
    """An interval shorter than the arity has fewer parts; the zero leaves are none."""
    made = run(FAIL)
    assert made.claimed.cycle == 3
    claim_id = claimed(net, made, FAIL)
    play = Play(net=net, game_id=open_game(net, claim_id, made.claimed), asserted=made, believed=made)
    hashes = play.split()
    with rejects(Reject.PICK_PART):
        net.disputes.transact(
            "pick", play.game_id, 3, bytes(32), bytes(32), _siblings(hashes, 3), sender=MALICE
        )
    play.pick(2)
    assert net.game(play.game_id).stage == GameStage.STEP_DUE


@given(seed=st.binary(min_size=1), length=st.integers(2, MAX_CYCLES), path=st.lists(st.integers(0, 63)))
@pytest.mark.parametrize("arity", [2, 8, 64])
def test_intervals_and_roots_equal_the_reference(
    arity: int, seed: bytes, length: int, path: list[int]
) -> None:
    """Whatever is split and picked, contract and `protocol.bisection` agree on every interval and root."""
    net = deploy_network(replace(PARAMETERS, arity=arity))
    endless = replace(run(SUM), claimed=replace(run(SUM).claimed, cycle=length))
    play = Play(
        net=net,
        game_id=open_game(net, claimed(net, endless), endless.claimed),
        asserted=endless,
        believed=endless,
    )
    choices = iter([*path, *[0] * MAX_CYCLES])
    while (interval := play.interval()).length > 1:
        game = net.game(play.game_id)
        inner = [keccak256(seed + bytes([i])) for i in interval.boundaries(arity)[1:-1]]
        hashes = [game.low_hash, *inner, game.high_hash]
        play.send_split(inner)
        assert net.game(play.game_id).split_root == split_root(hashes, arity)
        part = next(choices) % interval.part_count(arity)
        play.hashes = hashes
        play.pick(part)
        assert play.interval() == interval.part(part, arity)
    assert net.game(play.game_id).stage == GameStage.STEP_DUE
