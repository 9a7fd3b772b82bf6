"""Deployments on anvil: tried, interrupted everywhere, inspected; and contracts that are not as they seem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import Account, Web3

from tests.adapters.sending import IMPATIENT, Ask, Node
from tests.protocol.deployment.test_bounds import KEPT_BY, RULES, TIMELOCK
from truestep.adapters.chain import deploy as deploying
from truestep.adapters.chain.codec import encode_function
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import carry_out, check_state, deployment_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.inspection import inspect, refuse_wrong
from truestep.adapters.chain.trial import created_address, refuse_poor, try_plan
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.deployment.plan import Invoke
from truestep.protocol.deployment.plans import network_plan

POLICY = TransactionPolicy(poll_seconds=0.01, market_seconds=0.0)
COIN_WEI = 10**18
PLAN = network_plan(RULES, TIMELOCK, KEPT_BY)
UNTRIED = {step.title for step in PLAN.steps if isinstance(step, Invoke) and step.needs_storage}
"""Steps that mind what earlier ones have stored."""
OTHER_PLAN = network_plan(replace(RULES, arity=16), TIMELOCK, KEPT_BY)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def anvil(anvil_program: Path) -> Iterator[AnvilDevnet]:
    devnet = AnvilDevnet(anvil_program)
    yield devnet
    devnet.stop()


@pytest.fixture
def signer(anvil: AnvilDevnet) -> Any:
    account: Any = Account.create()
    anvil.fund(account.address, COIN_WEI)
    return account


@pytest.fixture(scope="module")
def deployment(anvil: AnvilDevnet) -> Deployment:
    """A network of somebody who was interrupted after every step."""
    account: Any = Account.create()
    anvil.fund(account.address, COIN_WEI)
    store, web3 = SqliteStore(), connect(anvil.node)
    for count in range(1, len(PLAN.steps) + 1):
        with pytest.raises(Interrupted):
            carry_out(web3, account, store, PLAN, policy=POLICY, progress=_interrupt_after(count))
    deployed = carry_out(web3, account, store, PLAN, policy=POLICY)
    assert web3.eth.get_transaction_count(account.address) == len(PLAN.steps)
    return deployment_of(RULES, TIMELOCK, deployed, KEPT_BY)


def _interrupt_after(count: int) -> Any:
    said: list[str] = []

    def progress(sentence: str) -> None:
        said.append(sentence)
        if len(said) == count:
            raise Interrupted

    return progress


@pytest.mark.anvil
def test_a_deployment_that_was_interrupted_everywhere_is_right(
    anvil: AnvilDevnet, deployment: Deployment
) -> None:
    findings = inspect(connect(anvil.node), deployment, PLAN.facts)
    assert [each for each in findings if not each.is_right] == []
    assert len(findings) == len(deployment.contracts) + len(PLAN.facts)
    assert refuse_wrong(findings) == []


@pytest.mark.anvil
def test_a_trial_says_what_the_deployment_then_takes(anvil: AnvilDevnet, signer: Any) -> None:
    web3, plan, store = connect(anvil.node), PLAN, SqliteStore()
    trial = try_plan(web3, signer.address, plan, POLICY)
    assert trial.is_simulated and trial.missing_wei == 0 and trial.balance_wei == COIN_WEI
    with pytest.raises(Interrupted):
        carry_out(web3, signer, store, plan, policy=POLICY, progress=_interrupt_after(3))
    done = deploying.done_steps(store, plan, signer.address)
    rest = try_plan(web3, signer.address, plan, POLICY, done)
    assert [step.is_done for step in rest.steps] == [True] * 3 + [False] * (len(plan.steps) - 3)
    assert [step.address for step in rest.steps] == [step.address for step in trial.steps]
    deployed = carry_out(web3, signer, store, plan, policy=POLICY)
    for step in trial.steps:
        entry = deployed.entries[step.title]
        assert entry.contract in (step.address, None)
        assert entry.gas_used <= step.gas, step.title
        if step.title not in UNTRIED:
            assert step.gas <= entry.gas_used * 1.02 + 100, step.title


@pytest.mark.anvil
def test_a_trial_on_a_node_that_cannot_simulate(anvil: AnvilDevnet, signer: Any) -> None:
    def twist(method: str, params: Any, ask: Ask) -> Any:
        if len(params) > 2:
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "too many arguments"}}
        return ask()

    exact = try_plan(connect(anvil.node), signer.address, PLAN, POLICY)
    rough = try_plan(connect(Node(anvil.node, twist).provider), signer.address, PLAN, POLICY)
    assert exact.is_simulated and not rough.is_simulated
    assert exact.gas < rough.gas < 1.25 * exact.gas


@pytest.mark.anvil
def test_coins_that_are_missing(anvil: AnvilDevnet) -> None:
    account: Any = Account.create()
    trial = try_plan(connect(anvil.node), account.address, PLAN, POLICY)
    price_wei = trial.offer.fee_cap_wei
    with pytest.raises(Rejected) as refusal:
        refuse_poor(replace(trial, balance_wei=trial.needed_wei - 5), account.address)
    assert refusal.value.reason is Reject.FUNDS_TOO_LOW
    assert str(refusal.value).endswith(
        f" for {trial.gas:,} gas at up to twice today's price; send it at least 5 wei more"
    )
    assert trial.needed_wei == trial.gas * price_wei


@pytest.mark.anvil
def test_a_node_that_dies_in_the_middle(anvil: AnvilDevnet, signer: Any) -> None:
    """The message says how far it is; the same store goes on with another node."""
    sent = 0

    def die(method: str, params: Any, ask: Ask) -> Any:
        nonlocal sent
        sent += method == "eth_sendRawTransaction"
        if sent == 3 and method == "eth_estimateGas":
            raise ConnectionError("connection refused")
        return ask()

    store = SqliteStore()
    dying = connect(Node(anvil.node, die).provider, patience=IMPATIENT)
    with pytest.raises(Unavailable) as outage:
        carry_out(dying, signer, store, PLAN, policy=POLICY)
    assert str(outage.value).endswith(
        f". 3 of {len(PLAN.steps)} steps are done, the next is 'Operators'; the same command with the same"
        " state goes on there"
    )
    deployed = carry_out(connect(anvil.node), signer, store, PLAN, policy=POLICY)
    assert connect(anvil.node).eth.get_transaction_count(signer.address) == len(PLAN.steps)
    refuse_wrong(inspect(connect(anvil.node), deployment_of(RULES, TIMELOCK, deployed, KEPT_BY)))


@pytest.mark.anvil
def test_a_state_of_another_deployment(anvil: AnvilDevnet, signer: Any) -> None:
    store, web3 = SqliteStore(), connect(anvil.node)
    others = {
        "with other parameters, or by another version of truestep": (OTHER_PLAN, 31337, signer.address),
        "on chain id 31337, and the node is of chain id 5": (PLAN, 5, signer.address),
        f"by {signer.address}, and now the account is {TIMELOCK.proposer}": (
            PLAN,
            31337,
            TIMELOCK.proposer,
        ),
    }
    with pytest.raises(Interrupted):
        carry_out(web3, signer, store, PLAN, policy=POLICY, progress=_interrupt_after(1))
    for words, (plan, chain_id, account) in others.items():
        with pytest.raises(Rejected) as refusal:
            check_state(store, plan, chain_id, account)
        assert str(refusal.value) == (
            f"not the state of this deployment: a deployment with this state file was begun {words}; to go on"
            " with it, give what was given then, and for a new deployment give another --state"
        )
    check_state(store, PLAN, 31337, signer.address)


@pytest.mark.anvil
def test_a_state_without_a_transaction_binds_to_nothing(anvil: AnvilDevnet) -> None:
    poor: Any = Account.create()
    store, web3 = SqliteStore(), connect(anvil.node)
    with pytest.raises(Rejected) as refusal:
        carry_out(web3, poor, store, PLAN, policy=POLICY)
    assert refusal.value.reason is Reject.FUNDS_TOO_LOW
    check_state(store, OTHER_PLAN, 5, TIMELOCK.proposer)


# --- contracts that are not what they seem --------------------------------------------------------------


def _refusal(anvil: AnvilDevnet, deployment: Deployment) -> str:
    with pytest.raises(Rejected) as refusal:
        refuse_wrong(inspect(connect(anvil.node), deployment))
    return str(refusal.value)


def _swapped(deployment: Deployment, contract: str, address: str) -> Deployment:
    fields = deployment.model_dump()
    part = "addresses" if contract.lower() in fields["addresses"] else "availability"
    fields[part][contract.lower()] = address
    return type(deployment).model_validate(fields)


@pytest.mark.anvil
def test_the_jobs_of_another_network(anvil: AnvilDevnet, deployment: Deployment, signer: Any) -> None:
    deployed = carry_out(connect(anvil.node), signer, SqliteStore(), PLAN, policy=POLICY)
    other, ours = deployment_of(RULES, TIMELOCK, deployed, KEPT_BY), deployment
    again = (
        "; the deployment file mixes contracts of several networks, or states other rules: get the network's"
        " file again"
    )
    assert _refusal(anvil, _swapped(ours, "Jobs", other.address("Jobs"))) == (
        f"contracts do not fit together: Jobs: operators: expected {ours.address('Operators')},"
        f" got {other.address('Operators')}{again}"
    )
    for contract in (name for name in ours.contracts if name != "Jobs"):
        swapped = _swapped(ours, contract, other.address(contract))
        assert _refusal(anvil, swapped).startswith("contracts do not fit together: "), contract


@pytest.mark.anvil
def test_rules_that_the_contracts_do_not_have(anvil: AnvilDevnet, deployment: Deployment) -> None:
    fields = deployment.model_dump()
    for name, value in [*fields["availability"]["rules"].items()]:
        fields["availability"]["rules"][name] = value + 1
        refused = _refusal(anvil, type(deployment).model_validate(fields))
        assert refused.startswith("contracts do not fit together: "), name
        fields["availability"]["rules"][name] = value
    for name, value in list(fields["parameters"].items()):
        fields["parameters"][name] = value + 1
        assert "contracts do not fit together" in _refusal(anvil, Deployment.model_validate(fields))
        fields["parameters"][name] = value
    later = deployment.model_copy(update={"delay_seconds": 172_800})
    assert "Timelock: delay_seconds: expected 172,800, got 86,400" in _refusal(anvil, later)


@pytest.mark.anvil
def test_code_that_this_version_does_not_ship(anvil: AnvilDevnet, deployment: Deployment) -> None:
    """One byte of Disputes is another; its immutables are as they were."""
    web3, ours = connect(anvil.node), deployment
    address = Web3.to_checksum_address(ours.address("Disputes"))
    code = bytes(web3.eth.get_code(address))
    changed = bytes([*code[:1000], code[1000] ^ 1, *code[1001:]])
    _set_code(web3, address, changed)
    try:
        said = _refusal(anvil, ours)
        trusted = refuse_wrong(inspect(web3, ours), trusts_unknown_code=True)
    finally:
        _set_code(web3, address, code)
    assert said.startswith(
        f"contract has unknown code: Disputes at {address}: expected {_size('Disputes')} bytes of code with"
        " SHA-256 "
    )
    assert said.endswith(
        ". Get the network's deployment file again, or install the version of truestep that it was deployed"
        " with; developers who changed the contracts pass --trust-unknown-code"
    )
    assert trusted == [f"the code of Disputes at {address} is unknown, and trusted all the same"]
    nowhere = _swapped(ours, "Programs", "0x" + "11" * 20)
    assert f"Programs at {nowhere.address('Programs')}: expected {_size('Programs')} bytes" in _refusal(
        anvil, nowhere
    )
    assert ", got no contract. " in _refusal(anvil, nowhere)


def _size(contract: str) -> str:
    return f"{load_artifact(contract).deployed_size_bytes:,}"


def _set_code(web3: Web3, address: str, code: bytes) -> None:
    web3.provider.make_request("anvil_setCode", [address, f"0x{code.hex()}"])  # type: ignore[arg-type]


@pytest.mark.anvil
def test_a_module_that_nobody_should_have_named(anvil: AnvilDevnet, signer: Any) -> None:
    """The deployer names a third module before it seals, then hides its event behind a later first block."""
    web3, store, plan = connect(anvil.node), SqliteStore(), PLAN
    with pytest.raises(Interrupted):
        carry_out(web3, signer, store, plan, policy=POLICY, progress=_interrupt_after(10))
    nonce = web3.eth.get_transaction_count(signer.address)
    operators = created_address(Address(signer.address), 3)
    thief = created_address(Address(signer.address), 0)
    payload = encode_function(web3, "Operators", "add_module", [thief])
    signed = signer.sign_transaction(
        {
            "to": operators,
            "data": payload,
            "nonce": nonce,
            "chainId": 31337,
            "gas": 200_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
        }
    )
    web3.eth.send_raw_transaction(signed.raw_transaction)
    deployment = deployment_of(RULES, TIMELOCK, carry_out(web3, signer, store, plan, policy=POLICY), KEPT_BY)
    said = _refusal(anvil, deployment)
    assert said.startswith("contracts do not fit together: Operators: only what ModuleAdded should name: ")
    assert thief.lower() in said
    later = deployment.model_copy(update={"block_number": web3.eth.block_number})
    assert "got a creation by another transaction, or before the file's first block" in _refusal(anvil, later)


@pytest.mark.anvil
def test_a_timelock_of_somebody_else(anvil: AnvilDevnet, deployment: Deployment) -> None:
    """Right after a deployment the proposer is who the parameters name."""
    others = network_plan(RULES, replace(TIMELOCK, proposer=TIMELOCK.guardian))
    with pytest.raises(Rejected) as refusal:
        refuse_wrong(inspect(connect(anvil.node), deployment, others.facts))
    assert str(refusal.value).startswith(
        f"contracts do not fit together: Timelock: proposer: expected {TIMELOCK.guardian}, got"
        f" {TIMELOCK.proposer};"
    )
