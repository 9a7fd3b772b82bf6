"""From a model and an input to a proof: compile (once a model), execute, prove."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Model
from truestep.circuits.noir import noir_source
from truestep.circuits.processes import Limits
from truestep.circuits.reference import public_inputs, run
from truestep.circuits.setup_key import KeyName, key_folder, need_points
from truestep.circuits.toolchain import Tools, circuit_cache
from truestep.circuits.verifier import check_key
from truestep.circuits.witness import witness

COMPILE_LIMITS = Limits(seconds=1_800, memory_bytes=8 << 30)
"""A million multiplications took minutes on a busy computer."""
EXECUTE_LIMITS = Limits(seconds=300, memory_bytes=4 << 30)
PROVE_LIMITS = Limits(seconds=1_800, memory_bytes=8 << 30)
_TARGET = ("-t", "evm-no-zk")
_SPARE_ROWS = 64
"""The prover adds some rows to those that it counts."""

STALE_SECONDS = 86_400
"""No run may take so long."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A compiled model: the program, and the verification key under one reference string."""

    folder: Path
    source_sha256: str
    key_name: KeyName
    key: bytes
    gates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the prover made, and the result that it proves."""

    proof: bytes
    public: tuple[int, ...]
    words: tuple[int, ...]


def compile_circuit(model: Model, tools: Tools, name: KeyName, tell: Tell) -> Circuit:
    """The circuit of a model; from the user's cache if it was compiled before."""
    source = noir_source(model)
    digest = hashlib.sha256(source.encode()).hexdigest()
    made_by = hashlib.sha256(f"{digest} {tools.pins()}".encode()).hexdigest()
    cached = circuit_cache() / "compiled" / made_by[:32]
    _sweep(cached.parent)
    if not (cached / "program.json").is_file():
        tell(f"compiling the circuit of {model.multiplications:,} multiplications; this is done once a model")
        _compile(source, tools, cached)
    path = cached / f"{name}.json"
    if not path.is_file():
        _write_key(tools, cached, name, path)
    kept = json.loads(path.read_text("utf-8"))
    key = bytes.fromhex(kept["key"])
    check_key(key)
    return Circuit(folder=cached, source_sha256=digest, key_name=name, key=key, gates=kept["gates"])


def _sweep(folder: Path) -> None:
    """Remove what a run left that was killed with SIGKILL, once it is certain that it is over."""
    oldest = time.time() - STALE_SECONDS
    for pattern in ("compile-*", "*/key-*", "*/prove-*"):
        for left in folder.glob(pattern):
            with suppress(FileNotFoundError):
                if left.is_dir() and left.stat().st_mtime < oldest:
                    shutil.rmtree(left)


def _compile(source: str, tools: Tools, cached: Path) -> None:
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="compile-", dir=cached.parent) as name:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "src" / "main.nr").write_text(source, encoding="utf-8")
        (folder / "Nargo.toml").write_text('[package]\nname = "model"\ntype = "bin"\nauthors = [""]\n')
        tools.run_noir("compile", folder, COMPILE_LIMITS)
        cached.mkdir(exist_ok=True)
        (folder / "program.json").replace(cached / "program.json")


def _write_key(tools: Tools, cached: Path, name: KeyName, path: Path) -> None:
    """Count the gates, see that the reference string is long enough, and derive the verification key."""
    with tempfile.TemporaryDirectory(prefix="key-", dir=cached) as made:
        folder = Path(made)
        program = cached / "program.json"
        said = tools.run_bb(["gates", "-b", program, *_TARGET], folder, PROVE_LIMITS)
        gates = _gates(said)
        need_points(key_folder(name), name, 1 << (gates + _SPARE_ROWS).bit_length())
        arguments = ["write_vk", "-b", program, "-o", folder, *_TARGET, "-c", key_folder(name)]
        tools.run_bb(arguments, folder, PROVE_LIMITS)
        key = (folder / "vk").read_bytes()
        check_key(key)
        (folder / "kept").write_text(json.dumps({"gates": gates, "key": key.hex()}), encoding="utf-8")
        (folder / "kept").replace(path)


def _gates(said: str) -> int:
    lines = [line for line in said.splitlines() if "circuit_size" in line]
    if not lines:
        raise CircuitError(f"the prover does not say how large the circuit is: {said[:300]}")
    return int(lines[0].split(":")[1].strip(" ,"))


def prove(model: Model, content: bytes, circuit: Circuit, tools: Tools, tell: Tell) -> Proof:
    """Run the model on an input and prove the run."""
    trace = run(model, content)
    public = public_inputs(content, trace.words)
    need_points(key_folder(circuit.key_name), circuit.key_name, 1 << check_key(circuit.key))
    with tempfile.TemporaryDirectory(prefix="prove-", dir=circuit.folder) as name:
        folder = Path(name)
        _share(circuit.folder / "program.json", folder / "program.json")
        arguments = json.dumps(witness(model, content, trace))
        (folder / "input.json").write_text(arguments, encoding="utf-8")
        tell("executing the circuit")
        tools.run_noir("execute", folder, EXECUTE_LIMITS)
        (folder / "key").write_bytes(circuit.key)
        tell(f"proving {circuit.gates:,} gates")
        files = ["-b", folder / "program.json", "-w", folder / "witness.gz", "-k", folder / "key"]
        where = ["-o", folder, "-c", key_folder(circuit.key_name)]
        tools.run_bb(["prove", *files, *where, *_TARGET], folder, PROVE_LIMITS)
        proof, written = ((folder / each).read_bytes() for each in ("proof", "public_inputs"))
    if written != b"".join(each.to_bytes(32, "big") for each in public):
        raise CircuitError("the prover's public inputs are not those of the model; nothing was written")
    return Proof(proof=proof, public=public, words=trace.words)


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)
