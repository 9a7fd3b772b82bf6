"""A proof as a file, and what a check of it says."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from truestep.circuits.errors import CircuitError
from truestep.circuits.evm import accepts
from truestep.circuits.folding import MOST_RUNS, folded_public_inputs
from truestep.circuits.model import MAX_OUTPUT_WORDS, Model, Output
from truestep.circuits.model_file import model_digest
from truestep.circuits.poseidon import FIELD_ORDER
from truestep.circuits.prover import Circuit, Proof
from truestep.circuits.reference import PUBLIC_INPUTS, input_digest, public_inputs
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.verifier import check_key, key_digest

FORMAT = "truestep circuit proof"
SYSTEM = "UltraHonk, bb 5.0.0, Noir 1.0.0-beta.26"
MAX_FILE_BYTES = 1 << 20
_HEX = r"^0x([0-9a-f]{2})*$"


class RunInFile(BaseModel):
    """One of the runs that a folded proof is of."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    words: list[int] = Field(min_length=1, max_length=MAX_OUTPUT_WORDS)
    public_inputs: list[str] = Field(min_length=PUBLIC_INPUTS, max_length=PUBLIC_INPUTS)


class ProofFile(BaseModel):
    """What `truestep prove` writes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep circuit proof"]
    version: Literal[1]
    warning: str | None
    model: str = Field(max_length=64)
    model_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    system: Literal["UltraHonk, bb 5.0.0, Noir 1.0.0-beta.26"]
    key: Literal["production", "development"]
    key_digest: str = Field(pattern=r"^0x[0-9a-f]{64}$")
    output: Literal["class", "scores"]
    runs: list[RunInFile] = Field(min_length=1, max_length=MOST_RUNS)
    public_inputs: list[str] = Field(min_length=PUBLIC_INPUTS, max_length=PUBLIC_INPUTS)
    verification_key: str = Field(max_length=10_000, pattern=_HEX)
    proof: str = Field(max_length=50_000, pattern=_HEX)

    @property
    def key_name(self) -> KeyName:
        """The reference string."""
        return KeyName(self.key)

    @property
    def key_bytes(self) -> bytes:
        """The verification key."""
        return bytes.fromhex(self.verification_key[2:])

    @property
    def public(self) -> tuple[int, ...]:
        """The public inputs as integers. Raises `CircuitError` if one is none of the field."""
        return _elements(self.public_inputs)


def _elements(words: list[str]) -> tuple[int, ...]:
    try:
        numbers = tuple(int(each, 16) for each in words)
    except ValueError as error:
        raise CircuitError(f"the proof's public inputs are not numbers: {error}") from error
    if not all(0 <= number < FIELD_ORDER for number in numbers):
        raise CircuitError("a public input of the proof is not below the field's order")
    return numbers


def proof_file(model: Model, circuit: Circuit, proof: bytes, runs: list[Proof]) -> str:
    """The file's content: one proof of one run, or of several."""
    public = stated([each.public for each in runs])
    is_development = circuit.key_name is KeyName.DEVELOPMENT
    file = ProofFile(
        format=FORMAT,
        version=1,
        warning=DEVELOPMENT_WARNING if is_development else None,
        model=model.name,
        model_sha256=model_digest(model),
        system=SYSTEM,
        key="development" if is_development else "production",
        key_digest=f"0x{key_digest(circuit.key).hex()}",
        output=_output_name(model),
        runs=[RunInFile(words=list(each.words), public_inputs=_hex(each.public)) for each in runs],
        public_inputs=_hex(public),
        verification_key=f"0x{circuit.key.hex()}",
        proof=f"0x{proof.hex()}",
    )
    return file.model_dump_json(indent=1) + "\n"


def stated(runs: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The public inputs of a proof of these runs."""
    return runs[0] if len(runs) == 1 else folded_public_inputs(runs)


def _hex(numbers: tuple[int, ...]) -> list[str]:
    return [f"0x{each:064x}" for each in numbers]


def is_proof_file(path: Path) -> bool:
    """Whether a file says that it is a proof of a circuit."""
    try:
        with path.open("rb") as file:
            content: object = from_json(file.read(MAX_FILE_BYTES))  # which bounds how deep a file is nested
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and cast("dict[str, object]", content).get("format") == FORMAT


def read_proof(path: Path) -> ProofFile:
    """The proof of a file. Raises `CircuitError` if it is malformed."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise CircuitError(f"{path} is larger than a proof can be")
    try:
        file = ProofFile.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise CircuitError(
            f"{path} is not a proof that `truestep prove` wrote: {'.'.join(map(str, first['loc']))}:"
            f" {first['msg']}"
        ) from error
    check_key(file.key_bytes)
    return file


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    name: str
    passed: bool
    detail: str


def check_proof(
    file: ProofFile, content: bytes | None, trusted: str | None, circuit: Circuit | None
) -> Generator[Finding]:
    """What a proof shows: with an input, that it is of that; with a digest or circuit, of that circuit."""
    name = f"0x{key_digest(file.key_bytes).hex()}"
    yield Finding("its key has the digest that it names", name == file.key_digest, name)
    if trusted is not None:
        yield Finding("its circuit is the one you trust", name == trusted.lower(), f"expected {trusted}")
    if circuit is not None:
        yield Finding("its circuit is that of the model", circuit.key == file.key_bytes, name)
    runs = [_elements(each.public_inputs) for each in file.runs]
    for number, (each, public) in enumerate(zip(file.runs, runs, strict=True), 1):
        output = public_inputs(b"", tuple(each.words))[1:] if _are_words(each.words) else None
        is_same = output == public[1:]
        yield Finding(f"run {number}: its words are its public inputs", is_same, f"words {each.words}")
    is_same = stated(runs) == file.public
    yield Finding("the proof is of these runs", is_same, f"{len(runs)} of them")
    if content is not None:
        places = [number for number, run in enumerate(runs, 1) if run[0] == input_digest(content)]
        detail = f"of run {places[0]}" if places else "of no run"
        yield Finding("its input is the one you gave", bool(places), detail)
    is_accepted = accepts(file.key_bytes, file.key_name, bytes.fromhex(file.proof[2:]), file.public)
    yield Finding("the verifier's contract accepts it", is_accepted, f"{file.key} key")


def check_names(file: ProofFile, model: Model) -> Finding:
    """Whether what the file says beside its proof is true of a model: a circuit knows none of it."""
    said = (file.model, file.model_sha256, file.output)
    true = (model.name, model_digest(model), _output_name(model))
    wrong = [
        name for name, mine, own in zip(("name", "SHA-256", "output"), said, true, strict=True) if mine != own
    ]
    detail = f"wrong: {', '.join(wrong)}" if wrong else file.model_sha256
    return Finding("what it says of the model is true", not wrong, detail)


def _output_name(model: Model) -> Literal["class", "scores"]:
    return "class" if model.output is Output.CLASS else "scores"


def _are_words(words: list[int]) -> bool:
    return all(0 <= word < 2**32 for word in words)
