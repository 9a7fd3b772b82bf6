"""The verifier contract: on a real chain, made again from its sources, and keys that are none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError

from tests.circuits.models import small_mlp
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.circuits import templates
from truestep.circuits.errors import CircuitError
from truestep.circuits.prover import compile_circuit, prove
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import (
    KEY_BYTES,
    check_key,
    deployed_code,
    key_header,
    key_of,
    verifier_code,
    verify_call,
)

SOLC = Path(__file__).resolve().parents[2] / ".solc" / "node_modules" / "solc"


@pytest.mark.anvil
def test_a_chain_takes_the_proof_and_no_other(
    tools: Tools, silent: Callable[[str], None], anvil_program: Path
) -> None:
    model, content = small_mlp(), bytes(range(8))
    circuit = compile_circuit(model, tools, KeyName.DEVELOPMENT, silent)
    made = prove(model, content, circuit, tools, silent)
    devnet = AnvilDevnet(anvil_program)
    try:
        web3 = Web3(HTTPProvider(devnet.node))
        address = deployed(web3, verifier_code(circuit.key, KeyName.DEVELOPMENT))
        code = bytes(web3.eth.get_code(address))
        assert code == deployed_code(circuit.key, KeyName.DEVELOPMENT)
        assert key_of(code, circuit.key) is KeyName.DEVELOPMENT
        call: Any = {"to": address, "data": verify_call(made.proof, made.public)}
        assert int.from_bytes(web3.eth.call(call), "big") == 1
        assert web3.eth.estimate_gas(call) < 730_000
        flipped = bytes([*made.proof[:1000], made.proof[1000] ^ 4, *made.proof[1001:]])
        other = (made.public[0] + 1, *made.public[1:])
        others = (verify_call(flipped, made.public), verify_call(made.proof, other))
        for data in others:
            with pytest.raises(ContractLogicError):
                web3.eth.call(call | {"data": data})
        production = deployed(web3, verifier_code(circuit.key, KeyName.PRODUCTION))
        assert key_of(bytes(web3.eth.get_code(production)), circuit.key) is KeyName.PRODUCTION
        with pytest.raises(ContractLogicError):
            web3.eth.call(call | {"to": production})
    finally:
        devnet.stop()


def deployed(web3: Web3, code: bytes) -> Any:
    sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "data": code, "gas": 10_000_000})
    return web3.eth.wait_for_transaction_receipt(sent, poll_latency=0.01)["contractAddress"]


@pytest.mark.long
def test_the_templates_are_what_bb_and_solc_make(tools: Tools) -> None:
    if not SOLC.is_dir():
        pytest.skip("solc is not installed: `make solc` installs it where npm exists")
    assert tools.bb
    assert templates.main(["--check", "--solc", str(SOLC)]) == 0


def test_a_key_that_is_none_of_our_circuits_is_refused() -> None:
    def key(*header: int, point: bytes = bytes(64)) -> bytes:
        words = b"".join(word.to_bytes(32, "big") for word in header)
        return words + point + bytes(KEY_BYTES - 96 - 64)

    good = key_header(14)
    assert check_key(key(*good)) == 14
    with pytest.raises(CircuitError, match=f"of {KEY_BYTES} bytes; got 3"):
        check_key(b"key")
    for header in ((40, *good[1:]), (14, 12, 5), (14, good[1], 6)):
        with pytest.raises(CircuitError, match="3 public inputs"):
            check_key(key(*header))
    for point in ((1).to_bytes(32, "big") + (3).to_bytes(32, "big"), b"\xff" * 64):
        with pytest.raises(CircuitError, match="not on the curve"):
            check_key(key(*good, point=point))
