"""What proofs of two models cost, in CPU time and in gas on anvil; writes docs/circuits-benchmarks.md.

It needs `make circuits`. It compiles both circuits unless the user's cache has them, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from _anvil import REPOSITORY, find_anvil, running_anvil
from _circuit_claims import ClaimGas, ProvenNetwork
from _gas_page import table
from web3 import Web3

from truestep.circuits.folding import compile_tree, folded_public_inputs, prove_tree
from truestep.circuits.model import (
    Convolution,
    Dense,
    Layer,
    Model,
    Output,
    Quantisation,
    Requantisation,
    check,
)
from truestep.circuits.prover import Circuit, Proof, compile_circuit, prove
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import KeyName, key_folder, make_development_key
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.circuits.verifier import verifier_code, verify_call

PAGE = REPOSITORY / "docs" / "circuits-benchmarks.md"
ROUNDS = 5
FOLDED_NAME = "one proof of two runs of the MLP"
SHARDS = 8
SHARDS_NAME = f"one proof of {SHARDS} rows of the MLP, with their roots"
SHARD_GAS = 110_000
"""The bar of one shard."""
POINTS = 1 << 21
FOLDED_SECONDS, FOLDED_GAS = 70, 850_000
"""The bars of one proof of two runs of the first model."""
HEADING = f"""\
# What proofs of models cost

Written by `python benchmarks/circuits.py`, with the development key. Weights and inputs are random, from a
seed: the cost does not depend on their values. CPU seconds are user and system time of Noir, which executes
the circuit, and of `bb`, which proves it: the median of {ROUNDS} proofs. Proofs of many runs are made once,
with the proofs that they are of; compiling is that of the outermost circuit. Gas is the `gasUsed` of
transactions on anvil 1.7.1 under Osaka rules: one that calls `verify`, so that it holds the 21,000 of a
transaction and the price of the proof's bytes, and one that deploys the contract.
"""


CLAIMS_HEADING = f"""\
## Claims

What it costs to make claims final by these proofs, each as a transaction: one that calls the circuit's
contract alone; one that calls what ties the proof to a job (CircuitVerifier C10, RowsVerifier C12); and
`prove` or `prove_many` of Verifiers, which settles. It is the second proof of its kind in a network, and
its claims are a batch. Inputs are random; RowsVerifier is told none. The bar is {SHARD_GAS:,} gas a shard:
checking alone meets it, and the whole settlement of {SHARDS} shards does not. The circuit's contract is most
of that, and its share falls with the number of shards.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model with its bars."""

    name: str
    model: Model
    prove_seconds: float
    verify_gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured."""

    gates: int
    compile_seconds: float | None
    prove_seconds: float
    proof_bytes: int
    verify_gas: int
    deploy_gas: int
    code_bytes: int


def cases() -> list[Case]:
    """The models of the bars."""
    random = np.random.default_rng(1)
    mlp = _model("mlp-784-128-10", (784,), _dense(random, 128, 784, 22), _dense(random, 10, 128, None))
    cnn = _model(
        "cnn-28x28",
        (1, 28, 28),
        _convolution(random, (8, 1, 5, 5), 2, 19),
        _convolution(random, (72, 8, 7, 7), 1, 21),
        _dense(random, 10, 72 * 36, None),
    )
    return [
        Case(name="int8 MLP 784-128-10", model=mlp, prove_seconds=2.5, verify_gas=730_000),
        Case(name="int8 CNN on 28x28", model=cnn, prove_seconds=30, verify_gas=800_000),
    ]


def _model(name: str, shape: tuple[int, ...], *layers: Layer) -> Model:
    meaning = Quantisation(scale=1 / 255, zero=0)
    return check(
        Model(
            name=name,
            input_shape=shape,
            input_quantisation=meaning,
            layers=layers,
            output=Output.CLASS if len(shape) == 3 else Output.SCORES,
        )
    )


def _rule(random: np.random.Generator, channels: int, shift: int) -> Requantisation:
    return Requantisation(multipliers=tuple(random.integers(200, 256, channels).tolist()), shift=shift)


def _dense(random: np.random.Generator, outputs: int, inputs: int, shift: int | None) -> Dense:
    return Dense(
        weights=random.integers(-127, 128, (outputs, inputs)),
        biases=random.integers(-2000, 2000, outputs),
        requantisation=None if shift is None else _rule(random, outputs, shift),
    )


def _convolution(
    random: np.random.Generator, shape: tuple[int, int, int, int], stride: int, shift: int
) -> Convolution:
    return Convolution(
        weights=random.integers(-127, 128, shape),
        biases=random.integers(-2000, 2000, shape[0]),
        requantisation=_rule(random, shape[0], shift),
        strides=(stride, stride),
        padding=(0, 0, 0, 0),
        padding_value=0,
    )


def measure(case: Case, web3: Web3) -> Figures:
    """Compile, prove some times, deploy and verify."""
    tools = Tools(tools_folder())
    started = _child_seconds()
    told: list[str] = []
    circuit = compile_circuit(case.model, tools, KeyName.DEVELOPMENT, told.append)
    compiled = _child_seconds() - started
    random = np.random.default_rng(2)
    seconds: list[float] = []
    proof: Proof | None = None
    for _ in range(ROUNDS):
        content = random.integers(0, 256, case.model.input_size, dtype=np.uint8).tobytes()
        started = _child_seconds()
        proof = prove(case.model, content, circuit, tools, lambda _: None)
        seconds.append(_child_seconds() - started)
    assert proof is not None
    spent = compiled if told else None, statistics.median(seconds)
    return _checked(web3, circuit, proof.proof, proof.public, spent)


def measure_claim(case: Case, web3: Web3) -> ClaimGas:
    """One claim, by a proof that shows the input's bytes."""
    tools = Tools(tools_folder())
    name, shown = KeyName.DEVELOPMENT, Shown.BYTES
    circuit = compile_circuit(case.model, tools, name, lambda _: None, shown=shown)
    (content,) = _rows(case.model, 1)
    proof = prove(case.model, content, circuit, tools, lambda _: None)
    return ProvenNetwork(web3).one(case.model, circuit, content, proof)


def measure_shards(case: Case, web3: Web3) -> tuple[Figures, ClaimGas]:
    """Claims of all shards of a job, by one proof."""
    tools = Tools(tools_folder())
    started = _child_seconds()
    told: list[str] = []
    tree = compile_tree(case.model, SHARDS, Shown.ROOT, tools, KeyName.DEVELOPMENT, told.append)
    compiled = _child_seconds()
    rows = _rows(case.model, SHARDS)
    proof, runs = prove_tree(case.model, rows, tree, tools, lambda _: None)
    spent = compiled - started if told else None, _child_seconds() - compiled
    public = folded_public_inputs([each.public for each in runs], Shown.ROOT)
    figures = _checked(web3, tree.circuits[-1], proof, public, spent)
    return figures, ProvenNetwork(web3).many(case.model, tree.circuits[-1], rows, runs, proof, public)


def _rows(model: Model, count: int) -> list[bytes]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, model.input_size, dtype=np.uint8).tobytes() for _ in range(count)]


def measure_folded(case: Case, web3: Web3) -> Figures:
    """One proof of two runs."""
    tools = Tools(tools_folder())
    started = _child_seconds()
    told: list[str] = []
    tree = compile_tree(case.model, 2, Shown.DIGEST, tools, KeyName.DEVELOPMENT, told.append)
    compiled = _child_seconds()
    contents = _rows(case.model, 2)
    proof, runs = prove_tree(case.model, contents, tree, tools, lambda _: None)
    spent = compiled - started if told else None, _child_seconds() - compiled
    public = folded_public_inputs([each.public for each in runs])
    return _checked(web3, tree.circuits[-1], proof, public, spent)


def _checked(
    web3: Web3,
    circuit: Circuit,
    proof: bytes,
    public: tuple[int, ...],
    spent: tuple[float | None, float],
) -> Figures:
    """Deploy the verifier and let it check the proof."""
    deployed = _sent(web3, {"data": verifier_code(circuit.key, KeyName.DEVELOPMENT)})
    call = {"to": deployed["contractAddress"], "data": verify_call(proof, public)}
    assert int.from_bytes(web3.eth.call(call), "big") == 1  # type: ignore[arg-type]
    return Figures(
        gates=circuit.gates,
        compile_seconds=spent[0],
        prove_seconds=spent[1],
        proof_bytes=len(proof),
        verify_gas=_sent(web3, call)["gasUsed"],
        deploy_gas=deployed["gasUsed"],
        code_bytes=len(web3.eth.get_code(deployed["contractAddress"])),
    )


def _sent(web3: Web3, transaction: dict[str, Any]) -> Any:
    whole = {"from": web3.eth.accounts[0], "gas": 16_000_000, **transaction}
    receipt = web3.eth.wait_for_transaction_receipt(web3.eth.send_transaction(whole), poll_latency=0.01)  # type: ignore[arg-type]
    assert receipt["status"] == 1
    return receipt


def _child_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _claims_table(claims: Sequence[tuple[str, ClaimGas]]) -> str:
    rows = [
        (
            name,
            f"{each.circuit:,}",
            f"{each.verifier:,}",
            f"{each.prove:,}",
            f"{each.circuit // each.claims:,}",
            f"{each.prove // each.claims:,}",
        )
        for name, each in claims
    ]
    names = (
        "proof",
        "circuit's contract",
        "tied to the job",
        "settled",
        "checking, a claim",
        "settling, a claim",
    )
    return table(names, rows)


def page(found: Sequence[tuple[Case, Figures]], claims: Sequence[tuple[str, ClaimGas]]) -> str:
    """The whole page."""
    bars = [
        (
            case.name,
            f"≤ {case.prove_seconds:g}" if math.isfinite(case.prove_seconds) else "none",
            f"{each.prove_seconds:.2f}",
            f"≤ {case.verify_gas:,}",
            f"{each.verify_gas:,}",
        )
        for case, each in found
    ]
    rest = [
        (
            case.name,
            f"{case.model.multiplications:,}",
            f"{each.gates:,}",
            "kept" if each.compile_seconds is None else f"{each.compile_seconds:.0f}",
            f"{each.proof_bytes:,}",
            f"{each.code_bytes:,}",
            f"{each.deploy_gas:,}",
        )
        for case, each in found
    ]
    head = ("model", "bar, CPU s", "proving, CPU s", "bar, gas", "verifying, gas")
    names = ("model", "multiplications", "gates", "compiling, CPU s", "proof, bytes", "contract, bytes")
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            table(head, bars),
            "## More\n",
            table((*names, "deploying, gas"), rest),
            CLAIMS_HEADING,
            _claims_table(claims),
        )
    )


def main() -> int:
    """The command; 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures; write nothing")
    options = parser.parse_args()
    anvil = find_anvil()
    if anvil is None:
        sys.stderr.write("circuits: anvil is not installed; `make anvil` installs it where npm exists\n")
        return 0
    make_development_key(key_folder(KeyName.DEVELOPMENT), POINTS)
    found: list[tuple[Case, Figures]] = []
    for case in cases():
        with running_anvil(anvil) as web3:
            found.append((case, measure(case, web3)))
        sys.stderr.write(f"{case.name}: {found[-1][1]}\n")
    folded = replace(cases()[0], name=FOLDED_NAME, prove_seconds=FOLDED_SECONDS, verify_gas=FOLDED_GAS)
    with running_anvil(anvil) as web3:
        found.append((folded, measure_folded(folded, web3)))
    shards = replace(cases()[0], name=SHARDS_NAME, prove_seconds=math.inf, verify_gas=SHARDS * SHARD_GAS)
    claims: list[tuple[str, ClaimGas]] = []
    with running_anvil(anvil) as web3:
        claims.append((f"{cases()[0].name}, one claim", measure_claim(cases()[0], web3)))
    with running_anvil(anvil) as web3:
        figures, gas = measure_shards(shards, web3)
    found.append((shards, figures))
    claims.append((SHARDS_NAME, gas))
    if options.json:
        print(json.dumps({case.name: each.prove_seconds for case, each in found}))
    else:
        PAGE.write_text(page(found, claims), encoding="utf-8")
    return int(any(e.prove_seconds > c.prove_seconds or e.verify_gas > c.verify_gas for c, e in found))


if __name__ == "__main__":
    sys.exit(main())
