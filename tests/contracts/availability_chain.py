"""The contracts of availability in an EVM inside the process, which are sent the model's messages.

`python -m tests.contracts.availability_chain --inputs 1000000 --seed 1` compares at length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from functools import cache
from random import Random
from types import ModuleType
from typing import get_args

import pyrevm

from tests.contracts.comparison import compare_at_length, comparison_options
from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import Evm, EvmContract, Reverted
from tests.contracts.fast_abi import FastContract, Log
from tests.contracts.life_chain import DEPLOYER, DOUBLES, FUNDS
from tests.protocol.availability.endings import wind_down
from tests.protocol.availability.episodes import check_nothing_left, described
from tests.protocol.availability.schedule import Schedule
from tests.protocol.availability.world import PEOPLE, RULES, Outcome, Step, World
from tests.replays import replayable
from truestep.adapters.chain.abi import ContractTypes
from truestep.adapters.chain.record_codec import checksummed
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.items import Standing
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.state import Availability, Deployment, Effect
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.encoding import hash_struct

MODULES: Mapping[str, ModuleType] = {
    "Keepers": keepers,
    "Items": items,
    "Challenges": challenges,
    "Bindings": bindings,
}


@cache
def fast_contracts() -> dict[str, FastContract]:
    """How calls and events of each contract are encoded; the classes are held against the ABI first."""
    for name, module in MODULES.items():
        ContractTypes(name, get_args(module.Call), get_args(module.Event))
    return {
        name: FastContract(name, get_args(module.Call), get_args(module.Event))
        for name, module in MODULES.items()
    }


CONTRACT_OF = {
    kind: name
    for name, module in MODULES.items()
    for kind in (*get_args(module.Call), *get_args(module.Event))
}
"""Which contract has the call or event."""


def deploy_availability(evm: Evm, rules: Rules, sender: str) -> dict[str, EvmContract]:
    """The four contracts, connected."""
    kept = evm.deploy("Keepers", astuple(rules), sender=sender)
    listed = evm.deploy("Items", kept.address, sender=sender)
    asked = evm.deploy("Challenges", listed.address, sender=sender)
    bound = evm.deploy("Bindings", listed.address, sender=sender)
    kept.transact("connect", listed.address, sender=sender)
    listed.transact("connect", asked.address, bound.address, sender=sender)
    return dict(zip(MODULES, (kept, listed, asked, bound), strict=True))


@dataclass(slots=True, kw_only=True)
class AvailabilityChain:
    """The deployed contracts."""

    evm: Evm
    contracts: dict[str, EvmContract]
    refuser: EvmContract
    rules: Rules = RULES
    block: int = 1
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = {contract.address.lower(): name for name, contract in self.contracts.items()}

    @property
    def deployment(self) -> Deployment:
        """The addresses, as the model knows them."""
        return Deployment(
            chain_id=1,
            **{name.lower(): checksummed(contract.address) for name, contract in self.contracts.items()},
        )

    def play(self, step: Step) -> str | dict[str, list[Log]]:
        """Send what the step says: the refusal, or the logs by contract."""
        message, chain = step.message, self.evm.chain
        self.block += 1
        chain.set_block_env(
            pyrevm.BlockEnv(number=self.block, timestamp=message.now, prevrandao=step.prevrandao)
        )
        chain.set_tx_env(pyrevm.TxEnv(blob_hashes=list(step.blob_hashes)))
        name = CONTRACT_OF[type(message.call)]
        payload = fast_contracts()[name].payload(message.call)
        try:
            logs = self.evm.send(message.sender, self.contracts[name].address, payload, message.value_wei)
        except Reverted as reverted:
            return reverted.reason or "reverted without a reason"
        found: dict[str, list[Log]] = {}
        for log in logs:
            topics = tuple(bytes.fromhex(topic.removeprefix("0x")) for topic in log.topics)
            found.setdefault(self.names[log.address.lower()], []).append(Log(topics, bytes(log.data[1])))
        return found

    def check(self, step: Step, outcome: Outcome, world: World) -> None:
        """Send the step as well, which must end as in the model."""
        reaction = self.play(step)
        if isinstance(reaction, str):
            assert reaction == outcome.refusal, (
                f"{step}: the contracts say {reaction!r}, the model {outcome.refusal!r}"
            )
            return
        assert outcome.refusal is None, f"{step}: the model says {outcome.refusal!r}"
        assert reaction == _logs(outcome.effects), f"the model emits {outcome.effects}"
        for name, contract in self.contracts.items():
            balance = self.evm.chain.get_balance(contract.address)
            assert balance == world.balances[getattr(world.state.deployment, name.lower())]

    def check_owed(self, state: Availability) -> None:
        """What each contract owes, and what it has burned."""
        named = {getattr(state.deployment, name.lower()): each for name, each in self.contracts.items()}
        for (contract, account), amount_wei in state.credits.items():
            assert named[contract].call("credits", account) == amount_wei
        for contract, amount_wei in state.burned_wei.items():
            assert named[contract].call("burned_wei") == amount_wei

    def check_views(self, state: Availability) -> None:
        """What other contracts are told of every item and keeper."""
        item_views, keeper_views = self.contracts["Items"], self.contracts["Keepers"]
        for item_id, item in state.items.items():
            expected = Standing(
                state=item.state,
                was_kept=item.was_kept,
                is_contested=state.is_contested(item_id),
                changed_at=item.changed_at,
                published_at=state.published_at.get(item_id, 0),
                record_hash=hash_struct(item.record),
            )
            assert item_views.call("standing", item_id) == astuple(expected)
            for index, seat in enumerate(item.seats):
                assert item_views.call("seat", item_id, index) == astuple(seat)
        for number, keeper in state.keepers.items():
            account, signer, *shares = keeper_views.call("get", number)
            assert (checksummed(account), checksummed(signer)) == (keeper.account, keeper.signer)
            assert shares == [keeper.shares, keeper.locked, keeper.listed]
        assert keeper_views.call("entry_count") == len(state.entries)
        assert keeper_views.call("listed_count") == sum(each.listed != 0 for each in state.keepers.values())


def _logs(effects: tuple[Effect, ...]) -> dict[str, list[Log]]:
    logs: dict[str, list[Log]] = {}
    for effect in effects:
        if not isinstance(effect, Transfer):
            name = CONTRACT_OF[type(effect)]
            logs.setdefault(name, []).append(fast_contracts()[name].log(effect))
    return logs


def deploy_chain() -> AvailabilityChain:
    """A fresh chain on which everybody has coins."""
    evm = Evm()
    for account in (DEPLOYER, *PEOPLE):
        evm.chain.set_balance(account, FUNDS)
    refuser = deploy_compiled(evm, compile_folder(DOUBLES)["MoodyConsumer"], sender=DEPLOYER)
    return AvailabilityChain(evm=evm, contracts=deploy_availability(evm, RULES, DEPLOYER), refuser=refuser)


def compare_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode in the model and in the contracts; what happened, by kind of call and refusal."""
    chain = deploy_chain()
    world = World(
        state=Availability(deployment=chain.deployment, rules=RULES),
        refuser=checksummed(chain.refuser.address),
    )
    schedule = Schedule(rng=Random(seed), world=world)
    tally: Counter[str] = Counter()
    with replayable(seed, tally):
        for steps in (schedule.steps(inputs), wind_down(schedule)):
            for step in steps:
                outcome = world.play(step)
                tally[described(step, outcome)] += 1
                chain.check(step, outcome, world)
            chain.check_views(world.state)
            chain.check_owed(world.state)
        check_nothing_left(world)
    return tally


def main() -> None:
    """Compare episodes until there were enough inputs; print what happened."""
    compare_at_length(comparison_options(__doc__, inputs=1_000_000).parse_args(), compare_episode)


if __name__ == "__main__":
    main()
