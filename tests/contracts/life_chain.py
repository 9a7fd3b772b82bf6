"""The contracts of the life cycle in an EVM inside the process, which are sent the model's messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pyrevm

from tests.contracts.compiled import compile_folder, deploy_compiled, message_of
from tests.contracts.evm import Evm, EvmContract, Reverted
from tests.contracts.fast_abi import FastContract, Log
from tests.contracts.playing import artifact_with_base_fee
from tests.protocol.settlement.world import (
    DEPLOYMENT,
    PARAMETERS,
    PEOPLE,
    START_TIME,
    Hold,
    Step,
    Surroundings,
    policies_of,
)
from truestep.adapters.chain.abi import ContractTypes
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import Address
from truestep.contracts.artifacts import Artifact
from truestep.protocol.assignment.contracts import randomness, sortition
from truestep.protocol.audits.contracts import audits
from truestep.protocol.availability.contracts import kept
from truestep.protocol.lots.contracts import lots
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)
from truestep.protocol.settlement.disputes import GameMessage, Proved
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.standing import EVERYBODY, Admission, Phase
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.validity.contracts import verifiers

DOUBLES = Path(__file__).parent / "doubles"
DEPLOYER = "0x" + "d" * 40
FUNDS = 10**35
MOODS = {Stranger.WILLING: 0, Stranger.REFUSES: 1, Stranger.KEEPS_A_PART: 2}
MODULES: Mapping[str, ModuleType] = {
    "Parameters": parameters,
    "Programs": programs,
    "Operators": operators,
    "Assurances": assurances,
    "Jobs": jobs,
    "Results": results,
    "Disputes": disputes,
    "Kept": kept,
    "Verifiers": verifiers,
    "Quorums": quorums,
    "Audits": audits,
    "Lots": lots,
    "Randomness": randomness,
    "Sortition": sortition,
}


def _members(union: Any) -> list[type]:
    return list(get_args(union)) or ([union] if union else [])


def _events(module: ModuleType) -> list[type]:
    """All of a contract's that the model emits: of Operators also those that no node reads."""
    return [*_members(module.Event), *_members(getattr(module, "StandingEvent", ()))]


@cache
def contract_types() -> dict[str, ContractTypes]:
    """The codecs, which refuse classes of the model that do not fit their ABI."""
    return {
        name: ContractTypes(name, _members(module.Call), _events(module)) for name, module in MODULES.items()
    }


@cache
def fast_contracts() -> dict[str, FastContract]:
    """How calls and events of each contract are encoded."""
    return {
        name: FastContract(name, _members(module.Call), _events(module)) for name, module in MODULES.items()
    }


CONTRACT_OF = {
    kind: name for name, module in MODULES.items() for kind in (*_members(module.Call), *_events(module))
}
"""Which contract has the call or event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What the contracts did with a step."""

    refusal: str | None = None
    logs: dict[str, list[Log]] = field(default_factory=dict)
    """By contract, in order."""
    token_moves: list[Transfer] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class LifeChain:
    """The deployed contracts and their surroundings."""

    evm: Evm
    contracts: dict[str, EvmContract]
    owner: EvmContract
    policy: EvmContract
    """Of number 2."""
    disputes: EvmContract
    """The real one, or its double, which holds and strikes leaves as the test says."""
    step: EvmContract
    tokens: tuple[EvmContract, ...]
    consumer: EvmContract
    now: int = START_TIME
    block: int = 1
    base_fee_wei: int = 0
    moods: dict[str, int] = field(default_factory=dict)
    last: Reaction = field(default_factory=Reaction)
    """To a strike, until the model has seized as well."""
    names: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = {contract.address.lower(): name for name, contract in self.contracts.items()}
        self.names |= {token.address.lower(): "Token" for token in self.tokens}

    @property
    def deployment(self) -> Deployment:
        """The addresses, as the model knows them."""
        return replace(
            DEPLOYMENT,
            operators=checksummed(self.contracts["Operators"].address),
            jobs=checksummed(self.contracts["Jobs"].address),
            disputes=checksummed(self.disputes.address),
            assurances=checksummed(self.contracts["Assurances"].address),
            policies=policies_of(checksummed(self.policy.address)),
            owner=checksummed(self.owner.address),
        )

    @property
    def surroundings(self) -> Surroundings:
        """The strangers' contracts; the consumer takes no coins."""
        return Surroundings(
            tokens=tuple(checksummed(token.address) for token in self.tokens),
            refuser=checksummed(self.consumer.address),
            consumer=checksummed(self.consumer.address),
        )

    def play(self, step: Step) -> Reaction:
        """Send what the step says, at its time."""
        if isinstance(step, Hold):
            self.disputes.transact("hold", step.batch_id, step.mask)
            return Reaction()
        if isinstance(step, GameMessage):
            self._set_block(step.message.now, step.base_fee_wei)
            self._set_answer(step.proved)
            return self._send(step.message)
        self._set_block(step.now, self.base_fee_wei)
        return self._send(step)

    def _send(self, step: Message) -> Reaction:
        self._set_mood(step)
        sender, target, payload = self._route(step)
        try:
            logs = self.evm.send(sender, target, payload, step.value_wei)
        except Reverted as reverted:
            return Reaction(refusal=reverted.reason or "reverted without a reason")
        return self._reaction(logs)

    def balances(self) -> dict[str, int]:
        """The native coins of the contracts."""
        get_balance = self.evm.chain.get_balance
        stakes, policies = (
            ("Operators", "Jobs", "Assurances"),
            ("Kept", "Verifiers", "Quorums", "Audits", "Lots"),
        )
        names = (*stakes, *policies, "Randomness", "Sortition")
        held = {name: get_balance(self.contracts[name].address) for name in names if name in self.contracts}
        return held | {"Disputes": get_balance(self.disputes.address)}

    def _route(self, message: Message) -> tuple[str, str, bytes]:
        """Who sends which bytes to whom: contracts that are doubles cannot send by themselves."""
        contract = CONTRACT_OF[type(message.call)]
        target = self.contracts[contract].address
        if message.sender == checksummed(self.disputes.address) and isinstance(message.call, jobs.Strike):
            call = message.call
            strike = message_of(self.disputes, "strike", call.claim_id, call.task_id, call.bond_wei)
            return DEPLOYER, self.disputes.address, strike
        payload = fast_contracts()[contract].payload(message.call)
        if message.sender == checksummed(self.owner.address):
            return DEPLOYER, self.owner.address, message_of(self.owner, "forward", target, payload)
        if message.sender == checksummed(self.policy.address):
            return DEPLOYER, self.policy.address, message_of(self.policy, "forward", target, payload)
        return message.sender, target, payload

    def _set_block(self, now: int, base_fee_wei: int) -> None:
        """A block of this time and base fee; Disputes reads the fee from PREVRANDAO."""
        if (now, base_fee_wei) != (self.now, self.base_fee_wei):
            self.now, self.base_fee_wei, self.block = now, base_fee_wei, self.block + 1
            fee = base_fee_wei.to_bytes(32, "big")
            block = pyrevm.BlockEnv(number=self.block, timestamp=now, prevrandao=fee)
            self.evm.chain.set_block_env(block)

    def _set_answer(self, proved: Proved | None) -> None:
        """What the step contract says next."""
        if proved is not None:
            self.step.transact("answer", proved.before, proved.after, proved.template, proved.rd)

    def _set_mood(self, message: Message) -> None:
        mood = MOODS[message.stranger]
        for stranger in (*self.tokens, self.consumer):
            if self.moods.get(stranger.address, 0) != mood:
                self.moods[stranger.address] = mood
                stranger.transact("set_mood", mood)

    def _reaction(self, logs: list[pyrevm.Log]) -> Reaction:
        found: dict[str, list[Log]] = {}
        token_moves: list[Transfer] = []
        for log in logs:
            name = self.names[log.address.lower()]
            raw = Log(tuple(bytes.fromhex(topic[2:]) for topic in log.topics), bytes(log.data[1]))
            if name == "Token":
                token_moves.append(_token_move(checksummed(log.address), raw))
            else:
                found.setdefault(name, []).append(raw)
        return Reaction(logs=found, token_moves=[move for move in token_moves if move.amount])


def _token_move(asset: Address, log: Log) -> Transfer:
    sender, receiver = (checksummed("0x" + topic[12:].hex()) for topic in log.topics[1:])
    amount = int.from_bytes(log.payload, "big")
    return Transfer(asset=asset, sender=sender, receiver=receiver, amount=amount)


Deploy = Callable[..., EvmContract]
"""By name, with arguments."""


def deploy_life_chain(
    rules: Parameters = PARAMETERS,
    *,
    admission: Admission = EVERYBODY,
    phase: Phase = Phase.OPEN,
    has_games: bool = False,
    executes_steps: bool = False,
    deploy_second: Callable[[Deploy, EvmContract], EvmContract] | None = None,
    second_name: str = "Kept",
    deploy_modules: Callable[[Deploy, EvmContract], dict[str, EvmContract]] | None = None,
) -> LifeChain:
    """Deploy everything, connected, with one set of parameters and both policies; Disputes or its double.

    Steps are executed, or answered as the test says. The second policy is a double, or what is deployed, as
    are more modules of Operators, by name.
    """
    evm = Evm()
    for account in (DEPLOYER, *PEOPLE):
        evm.chain.set_balance(account, FUNDS)
    evm.chain.set_block_env(pyrevm.BlockEnv(number=1, timestamp=START_TIME))
    doubles = compile_folder(DOUBLES)

    def deploy(name: str | Artifact, *arguments: Any) -> EvmContract:
        if isinstance(name, Artifact):
            return deploy_compiled(evm, name, *arguments, sender=DEPLOYER)
        if name in doubles:
            return deploy_compiled(evm, doubles[name], *arguments, sender=DEPLOYER)
        return evm.deploy(name, *arguments, sender=DEPLOYER)

    owner = deploy("Owner", DEPLOYMENT.guardian, DEPLOYMENT.guardian_until)
    first = tuple(getattr(rules, name) for name in rules.__slots__)
    sets, register = deploy("Parameters", owner.address, first), deploy("Programs")
    stakes = deploy("Operators", owner.address, admission.fresh_share_bps, admission.gate_wei, phase)
    board = deploy("Jobs", stakes.address, register.address, sets.address)
    step = evm.deploy("Step", sender=DEPLOYER) if executes_steps else deploy("StepDouble")
    if has_games:
        leaves = deploy("Leaves", board.address)
        games = (board.address, leaves.address, step.address)
        arena = deploy_compiled(evm, artifact_with_base_fee(), *games, sender=DEPLOYER)
    else:
        arena = deploy("DisputesDouble", board.address, stakes.address)
    written = deploy("Results", board.address)
    policies = deploy("Assurances", owner.address, arena.address)
    board.transact("connect", policies.address, arena.address, written.address, sender=DEPLOYER)
    more = deploy_modules(deploy, policies) if deploy_modules is not None else {}
    for module in (board, arena, policies, *more.values()):
        stakes.transact("add_module", module.address, sender=DEPLOYER)
    stakes.transact("seal", sender=DEPLOYER)
    second = deploy("TwoWindows") if deploy_second is None else deploy_second(deploy, policies)
    addition = message_of(policies, "add", second.address, 2)
    owner.transact("forward", policies.address, addition, sender=DEPLOYER)
    tokens = (deploy("Token"), deploy("SilentToken"))
    for token in tokens:
        for account in PEOPLE:
            token.transact("mint", account, FUNDS, sender=DEPLOYER)
    contracts = dict(zip(MODULES, (sets, register, stakes, policies, board, written, arena), strict=False))
    if deploy_second is not None:
        contracts[second_name] = second
    contracts |= more
    return LifeChain(
        evm=evm,
        contracts=contracts,
        owner=owner,
        policy=second,
        disputes=arena,
        step=step,
        tokens=tokens,
        consumer=deploy("MoodyConsumer"),
    )
