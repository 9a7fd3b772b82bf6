"""The contracts of a circuit on anvil: interrupted, repeated, and told from others (docs/circuits.md C10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import Account

from tests.adapters.chain.test_deploying import POLICY, Interrupted
from truestep.adapters.chain.circuit_verifiers import CONTRACT, ROWS_CONTRACT, CircuitContracts
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deploy import carry_out, done_steps
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.chain.trial import try_plan
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.circuits.claims import ClaimVerifier
from truestep.circuits.reference import PUBLIC_INPUTS, STATED_PUBLIC_INPUTS
from truestep.circuits.row_claims import RowsVerifier
from truestep.circuits.setup_key import KeyName
from truestep.circuits.verifier import KEY_BYTES, key_digest, key_header
from truestep.protocol.deployment.plan import Create, Plan


def key_of_points(size: int, public_inputs: int = STATED_PUBLIC_INPUTS) -> bytes:
    """A verification key whose points are all at infinity: nothing is proven with it."""
    header = b"".join(each.to_bytes(32, "big") for each in key_header(size, public_inputs))
    return header.ljust(KEY_BYTES, b"\0")


@pytest.fixture(scope="module")
def anvil(anvil_program: Path) -> Iterator[AnvilDevnet]:
    devnet = AnvilDevnet(anvil_program)
    yield devnet
    devnet.stop()


@pytest.fixture
def signer(anvil: AnvilDevnet) -> Any:
    account: Any = Account.create()
    anvil.fund(account.address, 10**18)
    return account


@pytest.fixture
def contracts(anvil: AnvilDevnet, signer: Any) -> CircuitContracts:
    """For a contract that stands for Jobs, which is not called."""
    plan = Plan(steps=(Create(contract="Step"),), facts=())
    jobs = carry_out(connect(anvil.node), signer, SqliteStore(), plan, policy=POLICY).entries["Step"].contract
    key = key_of_points(12)
    verifier = ClaimVerifier(
        chain_id=31_337,
        jobs=Address(str(jobs)),
        key_digest=Bytes32(key_digest(key)),
        program_hash=Bytes32(b"program".ljust(32, b"\0")),
        input_size=8,
        output_size=36,
    )
    return CircuitContracts(verifier=verifier, key=key, key_name=KeyName.DEVELOPMENT)


@pytest.mark.anvil
def test_an_interrupted_deployment_goes_on_and_is_found_right(
    anvil: AnvilDevnet, signer: Any, contracts: CircuitContracts
) -> None:
    web3, store, plan = connect(anvil.node), SqliteStore(), contracts.plan()
    sent_before = web3.eth.get_transaction_count(signer.address)
    trial = try_plan(web3, Address(signer.address), plan, POLICY)

    def interrupt(_: str) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        carry_out(web3, signer, store, plan, policy=POLICY, progress=interrupt)
    assert [entry is not None for entry in done_steps(store, plan, Address(signer.address))] == [True, False]
    made, again = (carry_out(web3, signer, store, contracts.plan(), policy=POLICY) for _ in range(2))
    assert again.entries == made.entries
    assert web3.eth.get_transaction_count(signer.address) == sent_before + 2
    assert abs(trial.gas - made.gas_used) < made.gas_used // 5
    address = Address(str(made.entries[CONTRACT].contract))
    found = contracts.check(web3, address)
    assert found.circuit == made.entries["Circuit"].contract
    verifier = contracts.verifier
    others = (
        replace(contracts, verifier=replace(verifier, program_hash=Bytes32(bytes(32)))),
        replace(contracts, verifier=replace(verifier, jobs=Address(signer.address))),
        replace(contracts, verifier=replace(verifier, input_size=9)),
        replace(contracts, key=key_of_points(13)),
    )
    for other in others:
        with pytest.raises(Rejected):
            other.check(web3, address)
    with pytest.raises(Rejected, match="takes proofs of the development key"):
        replace(contracts, key_name=KeyName.PRODUCTION).check(web3, address)
    for place in (found.circuit, verifier.jobs):
        with pytest.raises(Rejected, match="not the verifier of a circuit"):
            contracts.check(web3, place)


@pytest.mark.anvil
def test_the_state_of_another_circuit_is_refused(
    anvil: AnvilDevnet, signer: Any, contracts: CircuitContracts
) -> None:
    """Else its contract would be taken for this one's."""
    web3, store = connect(anvil.node), SqliteStore()
    carry_out(web3, signer, store, contracts.plan(), policy=POLICY)
    with pytest.raises(Rejected) as refused:
        carry_out(web3, signer, store, replace(contracts, key=key_of_points(13)).plan(), policy=POLICY)
    assert refused.value.reason is Reject.DEPLOYMENT_STATE


@pytest.mark.anvil
def test_the_contract_of_many_runs_is_told_from_others(
    anvil: AnvilDevnet, signer: Any, contracts: CircuitContracts
) -> None:
    web3, key, one = connect(anvil.node), key_of_points(20, PUBLIC_INPUTS), contracts.verifier
    verifier = RowsVerifier(
        chain_id=one.chain_id,
        jobs=one.jobs,
        key_digest=Bytes32(key_digest(key)),
        program_hash=one.program_hash,
        input_size=8,
        output_size=36,
        run_count=4,
    )
    rows = CircuitContracts(verifier=verifier, key=key, key_name=KeyName.DEVELOPMENT)
    made = carry_out(web3, signer, SqliteStore(), rows.plan(), policy=POLICY)
    address = Address(str(made.entries[ROWS_CONTRACT].contract))
    assert rows.check(web3, address).circuit == made.entries["Circuit"].contract
    others = (
        contracts,
        replace(rows, verifier=replace(verifier, run_count=8)),
        replace(rows, verifier=replace(verifier, input_size=9)),
        replace(rows, key=key_of_points(21, PUBLIC_INPUTS)),
    )
    for other in others:
        with pytest.raises(Rejected):
            other.check(web3, address)
