"""The contracts do with a simulation's schedule what the simulation says: each refusal, event and coin."""

from __future__ import annotations

import pytest

from tests.contracts.fast_abi import Log
from tests.contracts.life_chain import CONTRACT_OF, FUNDS, LifeChain, deploy_life_chain, fast_contracts
from tests.simulation.economy.settings import ASSUMED, mainnet
from truestep.protocol.settlement.disputes import GameMessage
from truestep.protocol.settlement.effects import Effect, Transfer
from truestep.simulation.economy.chain import Chain
from truestep.simulation.economy.market import Market, Setting
from truestep.simulation.economy.strategies import (
    COLLUDING,
    GRIEFING,
    LAZY,
    LYING,
    RUNNING_AHEAD,
    WITHHOLDING,
    Strategy,
)

ATTACKED = (LAZY, LYING, COLLUDING, WITHHOLDING, GRIEFING, RUNNING_AHEAD)


@pytest.mark.parametrize("strategy", ATTACKED, ids=lambda each: each.name)
def test_a_schedule_of_the_simulation_moves_the_same_coins_on_the_contracts(strategy: Strategy) -> None:
    contracts = deploy_life_chain(mainnet(), has_games=True)
    liars_bps = 3_300 if strategy.copies else 0
    setting = Setting(
        operators=4,
        challengers=3,
        jobs=12,
        shards=2,
        rogues=2,
        strategy=strategy,
        share_bps=3_300,
        liars_bps=liars_bps,
        is_recorded=True,
    )
    market = Market(mainnet(), ASSUMED, setting, 1, contracts.deployment).run()
    chain = market.world.chain
    assert chain.record
    assert market.attempts[strategy.name] > 0
    names = {*market.world.sides, *(given.message.sender for given in chain.record)}
    for name in names:
        contracts.evm.chain.set_balance(name, FUNDS)
    again = Chain(rules=mainnet(), gas_price_wei=ASSUMED.gas_price_wei, deployment=contracts.deployment)
    for number, given in enumerate(chain.record):
        _compare(contracts, again, given, f"call {number}: {given.message.call}")
    for name in names:
        assert contracts.evm.chain.get_balance(name) - FUNDS == chain.coins[name], name
    assert {name: again.coins[name] for name in chain.coins} == chain.coins


def _compare(contracts: LifeChain, again: Chain, given: GameMessage, words: str) -> None:
    """One call: in the model once more, and in the contracts."""
    message = given.message
    again.now, again.gas_price_wei = message.now, given.base_fee_wei
    effects = again.send(message.sender, message.call, message.value_wei, given.proved)
    reaction = contracts.play(given)
    assert (reaction.refusal is None) == (effects is not None), (words, reaction.refusal)
    if effects is None:
        assert f"{type(message.call).__name__}: {reaction.refusal}" in again.refusals, words
        return
    assert reaction.logs == _logs(effects), words
    balances, deployment = contracts.balances(), contracts.deployment
    assert balances["Jobs"] == again.coins[deployment.jobs], words
    assert balances["Operators"] == again.coins[deployment.operators], words
    assert balances["Disputes"] == again.coins[deployment.disputes], words


def _logs(effects: tuple[Effect, ...]) -> dict[str, list[Log]]:
    found: dict[str, list[Log]] = {}
    for effect in effects:
        if not isinstance(effect, Transfer):
            contract = CONTRACT_OF[type(effect)]
            found.setdefault(contract, []).append(fast_contracts()[contract].log(effect))
    return found
