"""Proves claims of models whose circuits are compiled: satisfies `truestep.ports.proving.Prover` (C10)."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.circuits.claims import Claimed, check_claim, claim_seal
from truestep.circuits.errors import CircuitError
from truestep.circuits.expectations import expected_seconds
from truestep.circuits.model import Model
from truestep.circuits.processes import Limits, Meter
from truestep.circuits.prover import Circuit, compile_circuit, prove
from truestep.circuits.reference import Shown
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import key_digest
from truestep.ports.executor import ShouldStop
from truestep.ports.proving import CannotProve, SealOrder, Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenModel:
    """A model, and its circuit that shows the input, which proofs of claims are of."""

    model: Model
    circuit: Circuit

    @property
    def key_digest(self) -> Bytes32:
        """What entries of Verifiers call the circuit."""
        return Bytes32(key_digest(self.circuit.key))


def open_model(model: Model, tools: Tools, key: KeyName, tell: Tell) -> ProvenModel:
    """A model's circuit, compiled once. Raises `CircuitError` if no claim can be proven with it."""
    circuit = compile_circuit(model, tools, key, tell, shown=Shown.BYTES)
    return ProvenModel(model=model, circuit=circuit)


class ModelProver:
    """Holds nothing but models: every proof is made by processes of its own, which end with this one."""

    def __init__(self, models: Iterable[ProvenModel], tools: Tools, limits: Limits) -> None:
        """`limits` are of each proof."""
        self._models = {each.key_digest: each for each in models}
        self._tools = replace(tools, most=limits)

    @property
    def circuits(self) -> Mapping[Bytes32, int]:
        """The models' circuits, with the bytes of input that each takes."""
        return {key_digest: each.model.input_size for key_digest, each in self._models.items()}

    @property
    def proof_seconds(self) -> float:
        """How long the longest proof may take, by what proofs have taken."""
        gates = max((each.circuit.gates for each in self._models.values()), default=0)
        return expected_seconds(gates).cpu_seconds

    def seal(self, order: SealOrder, content: bytes, should_stop: ShouldStop, tell: Tell) -> bytes:
        """The seal of a claim."""
        known = self._models[order.key_digest]
        claimed = Claimed(task_id=order.task_id, work=order.work, terms=order.terms, leaf=order.leaf)
        with _in_words():
            check_claim(known.model, content, claimed)
            tools = replace(self._tools, should_stop=should_stop, meter=Meter())
            proof = prove(known.model, content, known.circuit, tools, tell)
            return claim_seal(
                known.model,
                content,
                proof,
                key_digest=known.key_digest,
                chain_id=order.chain_id,
                jobs=order.jobs,
                claimed=claimed,
            )


@contextmanager
def _in_words() -> Generator[None]:
    """What goes wrong with circuits, as nodes know it: a full disk may be emptied."""
    try:
        yield
    except CircuitError as error:
        raise CannotProve(str(error)) from error
    except OSError as error:
        raise Unavailable(f"the prover could not read or write: {error.strerror or error}") from error
