"""A game that has descended, on a chain that changes its past: what was sent is refused, or true there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from web3 import Account

from tests.e2e.floats import DIVISION, FLOAT_ELF, state_before
from tests.e2e.network import COIN_WEI, INPUT, POLICY, Log, Network
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.base.ids import BatchId, GameId, claim_of, game_of, task_of
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.state_numbers import micro_number
from truestep.roles.challenger import ChallengerPolicy
from truestep.simulation.false_float import FalseFloatEngine, FalseResult

LIE_STATE, OTHER_LIE_STATE = state_before(DIVISION, 6), state_before(DIVISION, 2)


def chain_itself(network: Network) -> Any:
    return getattr(network.devnet.node, "ethereum_tester")  # noqa: B009 - only eth-tester's provider has it


def history(network: Network) -> list[ChainEvent]:
    chain = network.requester
    return list(chain.events(chain.first_block, chain.head().number))


def settlement(network: Network) -> list[GameStage]:
    return [event.stage for event in history(network) if isinstance(event, events.GameSettled)]


def descents(network: Network) -> list[int]:
    return [event.low for event in history(network) if isinstance(event, events.GameDescended)]


def stage(network: Network, game_id: GameId) -> GameStage | None:
    found = network.requester.games([game_id], network.requester.head().time_seconds)
    return found[game_id].stage if game_id in found else None


def liar(network: Network, name: str, log: Log, lie_state: int) -> Daemon:
    engine = FalseFloatEngine(ReferenceEngine(), FalseResult(cycle=lie_state))
    return network.worker(name, network.store(name), log, engine)


def quick_challenger(network: Network, log: Log) -> Daemon:
    """One that does not wait a minute for the receipt of a transaction whose nonce another one has used."""
    store = network.store("challenger")
    network.chain("challenger", store)
    account = Account.from_key(keccak256(b"challenger"))
    policy = replace(POLICY, nonce_grace_seconds=0.0)
    chain = Web3Chain(network.devnet.node, network.deployment, account, store, policy)
    world = network.world("challenger", store, log, ReferenceEngine(), chain=chain)
    return challenger_node(world, ChallengerPolicy())


def test_moves_that_a_reorganisation_took_back_are_made_again(network: Network) -> None:
    job_id, log = network.post(elf=FLOAT_ELF, content=INPUT[:9]), Log()
    game_id = game_of(claim_of(task_of(job_id, 0), BatchId(1)), 1)
    everybody = [
        liar(network, "liar", log, LIE_STATE),
        network.challenger("challenger", network.store("challenger"), log),
    ]
    network.drive(everybody, lambda: "open_landed" in log.kinds())
    network.drive(everybody, lambda: stage(network, game_id) is GameStage.STEP_DUE)
    snapshot = chain_itself(network).take_snapshot()
    network.drive(everybody, lambda: "reveal_landed" in log.kinds())
    chain_itself(network).revert_to_snapshot(snapshot)
    network.devnet.advance(5)
    assert stage(network, game_id) is GameStage.STEP_DUE
    network.drive(everybody, lambda: bool(settlement(network)))
    assert settlement(network) == [GameStage.CHALLENGER_WON]
    assert descents(network) == [micro_number(LIE_STATE, 0)]


def test_the_same_game_about_another_lie_is_won_too(network: Network) -> None:
    """Ids are counters: in the other past the claim, its game and their intents have the same names."""
    job_id, log = network.post(elf=FLOAT_ELF, content=INPUT[:9]), Log()
    first, second = (
        liar(network, "first", log, LIE_STATE),
        liar(network, "second", log, OTHER_LIE_STATE),
    )
    challenger = quick_challenger(network, log)
    snapshot = chain_itself(network).take_snapshot()
    network.drive([first, challenger], lambda: "reveal_landed" in log.kinds())
    assert descents(network) == [micro_number(LIE_STATE, 0)]
    chain_itself(network).revert_to_snapshot(snapshot)
    network.devnet.advance(5)
    assert network.requester.task(task_of(job_id, 0)).stage is TaskStage.OPEN
    network.drive([second, challenger], lambda: bool(settlement(network)), idle_limit=9)
    assert settlement(network) == [GameStage.CHALLENGER_WON]
    assert descents(network) == [micro_number(OTHER_LIE_STATE, 0)]
    assert network.requester.balances(network.account("first")).stake_wei == 3 * COIN_WEI
    assert network.requester.balances(network.account("second")).stake_wei == 2 * COIN_WEI
