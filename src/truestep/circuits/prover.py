"""From a model and an input to a proof: compile (once a model), execute, prove."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from truestep.circuits.errors import CircuitError
from truestep.circuits.expectations import Timing, add_timing, expected_seconds
from truestep.circuits.model import Model
from truestep.circuits.noir import noir_source
from truestep.circuits.processes import Limits
from truestep.circuits.reference import Shown, public_inputs, run
from truestep.circuits.setup_key import KeyName, key_folder, need_points
from truestep.circuits.toolchain import Tools, circuit_cache
from truestep.circuits.verifier import check_key
from truestep.circuits.witness import witness

COMPILE_LIMITS = Limits(seconds=1_800, memory_bytes=8 << 30)
"""A million multiplications took minutes on a busy computer."""
EXECUTE_LIMITS = Limits(seconds=300, memory_bytes=4 << 30)
PROVE_LIMITS = Limits(seconds=1_800, memory_bytes=8 << 30)
_SPARE_ROWS = 64
"""The prover adds some rows to those that it counts."""

STALE_SECONDS = 86_400
"""No run may take so long."""

Tell = Callable[[str], None]


class Target(StrEnum):
    """Who checks a circuit's proofs; the prover's own names."""

    CONTRACT = "evm-no-zk"
    CIRCUIT = "noir-recursive-no-zk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """A compiled program, and its verification key under one reference string."""

    folder: Path
    key_name: KeyName
    target: Target
    key: bytes
    key_hash: bytes
    gates: int
    shown: Shown = Shown.DIGEST

    @property
    def points(self) -> int:
        """How many points of the reference string its proofs take."""
        return _points(self.gates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the prover made, and the result that it proves."""

    proof: bytes
    public: tuple[int, ...]
    words: tuple[int, ...]


def compile_circuit(
    model: Model,
    tools: Tools,
    name: KeyName,
    tell: Tell,
    target: Target = Target.CONTRACT,
    shown: Shown = Shown.DIGEST,
) -> Circuit:
    """The circuit of a model; from the user's cache if it was compiled before."""
    work = f"{model.multiplications:,} multiplications; this is done once a model"
    source = noir_source(model, shown)
    circuit = compile_source(source, f"the circuit of {work}", tools, name, tell, target)
    return replace(circuit, shown=shown)


def compile_source(
    source: str, title: str, tools: Tools, name: KeyName, tell: Tell, target: Target
) -> Circuit:
    """The circuit of a program."""
    digest = hashlib.sha256(source.encode()).hexdigest()
    made_by = hashlib.sha256(f"{digest} {tools.pins()}".encode()).hexdigest()
    cached = circuit_cache() / "compiled" / made_by[:32]
    _sweep(cached.parent)
    if not (cached / "program.json").is_file():
        tell(f"compiling {title}")
        _compile(source, tools, cached)
    path = cached / f"{name}-{target}.json"
    if not path.is_file():
        tell(f"deriving the key of {title}")
        _write_key(tools, cached, name, target, path)
    kept = json.loads(path.read_text("utf-8"))
    key, key_hash = bytes.fromhex(kept["key"]), bytes.fromhex(kept["key_hash"])
    if target is Target.CONTRACT:
        check_key(key)
    return Circuit(
        folder=cached, key_name=name, target=target, key=key, key_hash=key_hash, gates=kept["gates"]
    )


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


def _write_key(tools: Tools, cached: Path, name: KeyName, target: Target, path: Path) -> None:
    """Count the gates, see that the reference string is long enough, and derive the verification key."""
    with tempfile.TemporaryDirectory(prefix="key-", dir=cached) as made:
        folder = Path(made)
        program = cached / "program.json"
        said = tools.run_bb(["gates", "-b", program, "-t", target], folder, PROVE_LIMITS)
        gates = _gates(said)
        need_points(key_folder(name), name, _points(gates))
        arguments = ["write_vk", "-b", program, "-o", folder, "-t", target, "-c", key_folder(name)]
        tools.run_bb(arguments, folder, PROVE_LIMITS)
        key, key_hash = ((folder / each).read_bytes() for each in ("vk", "vk_hash"))
        if target is Target.CONTRACT:
            check_key(key)
        kept = {"gates": gates, "key": key.hex(), "key_hash": key_hash.hex()}
        (folder / "kept").write_text(json.dumps(kept), encoding="utf-8")
        (folder / "kept").replace(path)


def _points(gates: int) -> int:
    return 1 << (gates + _SPARE_ROWS).bit_length()


def _gates(said: str) -> int:
    lines = [line for line in said.splitlines() if "circuit_size" in line]
    if not lines:
        raise CircuitError(f"the prover does not say how large the circuit is: {said[:300]}")
    return int(lines[0].split(":")[1].strip(" ,"))


def prove(model: Model, content: bytes, circuit: Circuit, tools: Tools, tell: Tell) -> Proof:
    """Run the model on an input and prove the run."""
    trace = run(model, content)
    public = public_inputs(content, trace.words, circuit.shown)
    arguments = witness(model, content, trace, circuit.shown)
    proof = prove_circuit(arguments, public, circuit, tools, tell)
    return Proof(proof=proof, public=public, words=trace.words)


def prove_circuit(
    arguments: dict[str, Any], public: tuple[int, ...], circuit: Circuit, tools: Tools, tell: Tell
) -> bytes:
    """Prove a program's run on its arguments."""
    need_points(key_folder(circuit.key_name), circuit.key_name, circuit.points)
    expected, before = expected_seconds(circuit.gates), tools.meter.cpu_seconds
    with tempfile.TemporaryDirectory(prefix="prove-", dir=circuit.folder) as name:
        folder = Path(name)
        _share(circuit.folder / "program.json", folder / "program.json")
        (folder / "input.json").write_text(json.dumps(arguments), encoding="utf-8")
        tell("executing the circuit")
        tools.run_noir("execute", folder, EXECUTE_LIMITS)
        (folder / "key").write_bytes(circuit.key)
        tell(f"proving {circuit.gates:,} gates; estimate: {expected.cpu_seconds:.2f} CPU seconds")
        files = ["-b", folder / "program.json", "-w", folder / "witness.gz", "-k", folder / "key"]
        where = ["-o", folder, "-c", key_folder(circuit.key_name), "-t", circuit.target]
        tools.run_bb(["prove", *files, *where], folder, PROVE_LIMITS)
        proof, written = ((folder / each).read_bytes() for each in ("proof", "public_inputs"))
    if written != b"".join(each.to_bytes(32, "big") for each in public):
        raise CircuitError("the prover's public inputs are not those of the model; nothing was written")
    seconds = tools.meter.cpu_seconds - before
    add_timing(Timing(gates=circuit.gates, cpu_seconds=seconds))
    tell(f"proven in {seconds:.2f} CPU seconds")
    return proof


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)
