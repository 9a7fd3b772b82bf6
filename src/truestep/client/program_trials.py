"""Trial runs of a program by operators that sign what they found (docs/operators.md O6)."""

import hashlib
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from truestep.adapters.documents import AddressText, Hex32, parsed
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.client import typed_data
from truestep.client.files import ProgramFile
from truestep.client.runs import run_task
from truestep.commitments.keccak import keccak256
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.program import Task
from truestep.machine.state import MACHINE_VERSION, Status
from truestep.ports.engine import Engine
from truestep.protocol.settlement.encoding import Value, encode

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

TRIALS_VERSION = 1
RUN_LIMIT = 256
"""A program is tried in minutes; a network of operators does the rest."""
TRIAL_LIMIT = 256
FILE_LIMIT_BYTES = 64 << 20
_Number = Annotated[int, Field(ge=0, lt=2**64)]
_TYPES = {
    "EIP712Domain": [{"name": "name", "type": "string"}, {"name": "version", "type": "string"}],
    "ProgramTrial": [
        {"name": "runner", "type": "address"},
        {"name": "machineVersion", "type": "uint256"},
        {"name": "imageRoot", "type": "bytes32"},
        {"name": "entry", "type": "uint256"},
        {"name": "maxCycles", "type": "uint256"},
        {"name": "inputsRoot", "type": "bytes32"},
        {"name": "resultsHash", "type": "bytes32"},
        {"name": "cycles", "type": "uint256"},
        {"name": "environment", "type": "string"},
    ],
}


class TrialRun(BaseModel):
    """One run: what went in and what came out."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input_root: Hex32
    input_size: _Number
    seed: Hex32
    shard_index: _Number
    shard_count: _Number
    status: Annotated[int, Field(ge=0, le=2)]
    code: _Number
    cycles: _Number
    output_size: _Number
    output_root: Hex32
    state_hash: Hex32

    @property
    def given(self) -> tuple[Value, ...]:
        """What went in."""
        root, seed = bytes.fromhex(self.input_root), bytes.fromhex(self.seed)
        return (Bytes32(root), self.input_size, Bytes32(seed), self.shard_index, self.shard_count)

    @property
    def found(self) -> tuple[Value, ...]:
        """What came out."""
        output, state = bytes.fromhex(self.output_root), bytes.fromhex(self.state_hash)
        numbers = (self.status, self.code, self.cycles, self.output_size)
        return (*numbers, Bytes32(output), Bytes32(state))

    def words(self) -> str:
        """What came out, in words."""
        status = Status(self.status).name.lower()
        return f"{status} with code {self.code} at cycle {self.cycles:,}, output {self.output_root[:16]}…"


class ProgramTrial(BaseModel):
    """What one operator found, signed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    runner: AddressText
    machine_version: Annotated[int, Field(ge=1, lt=2**16)]
    image_root: Hex32
    entry: _Number
    max_cycles: _Number
    runs: Annotated[list[TrialRun], Field(min_length=1, max_length=RUN_LIMIT)]
    environment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_., -]{1,80}$")]
    """Engine, processor and system, as the runner says: those that differ say more together."""
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")] | None = None

    @property
    def subject(self) -> tuple[object, ...]:
        """What was tried: only trials of the same can agree or differ."""
        return (self.machine_version, self.image_root, self.entry, self.max_cycles, self.inputs_root)

    @property
    def inputs_root(self) -> bytes:
        """A hash of all that went in, run by run."""
        return keccak256(b"".join(keccak256(encode(*run.given)) for run in self.runs))

    @property
    def results_hash(self) -> bytes:
        """A hash of all that came out, run by run."""
        return keccak256(b"".join(keccak256(encode(*run.found)) for run in self.runs))

    def typed_data(self) -> dict[str, Any]:
        """What the operator signs (EIP-712)."""
        return {
            "types": _TYPES,
            "primaryType": "ProgramTrial",
            "domain": {"name": "truestep program trial", "version": "1"},
            "message": {
                "runner": self.runner,
                "machineVersion": self.machine_version,
                "imageRoot": bytes.fromhex(self.image_root),
                "entry": self.entry,
                "maxCycles": self.max_cycles,
                "inputsRoot": self.inputs_root,
                "resultsHash": self.results_hash,
                "cycles": sum(run.cycles for run in self.runs),
                "environment": self.environment,
            },
        }

    def check(self) -> None:
        """Raises Rejected unless its runner has signed it."""
        if self.signature is None:
            raise Rejected(Reject.SIGNATURE_OTHER, f"nobody has signed the trial of {self.runner}")
        typed_data.check_signature(self.typed_data(), self.signature, self.runner)


class TrialFile(BaseModel):
    """Trials as people pass them on."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep program trials"] = "truestep program trials"
    version: Literal[1] = TRIALS_VERSION
    trials: list[ProgramTrial]

    def with_trial(self, trial: ProgramTrial) -> "TrialFile":
        """With one more, in place of one of the same runner about the same."""
        own = (trial.runner.lower(), trial.subject)
        return TrialFile(
            trials=[*(each for each in self.trials if (each.runner.lower(), each.subject) != own), trial]
        )

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.model_dump_json(indent=1) + "\n")


def read_trials(path: Path) -> TrialFile:
    """The trials in a file. Raises Rejected, which names the first wrong field, or OSError."""
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise Rejected(Reject.TRIAL_FILE, f"expected at most {FILE_LIMIT_BYTES:,} bytes in {path}")
    found = parsed(TrialFile, content, Reject.TRIAL_FILE, "a file from `truestep program trial`")
    if len(found.trials) > TRIAL_LIMIT:
        raise Rejected(
            Reject.TRIAL_FILE, f"expected at most {TRIAL_LIMIT} trials in {path}, got {len(found.trials):,}"
        )
    return found


# --- running --------------------------------------------------------------------------------------


def generated_inputs(seed: Bytes32, count: int, size_bytes: int) -> list[bytes]:
    """Inputs that everybody makes alike: SHAKE-256 of the seed and a number."""
    return [hashlib.shake_256(seed + number.to_bytes(8, "big")).digest(size_bytes) for number in range(count)]


def tasks_of(inputs: Iterable[bytes], seed: Bytes32, shard_count: int) -> list[Task]:
    """All shards of all inputs. Raises Rejected if they are too many."""
    tasks = [
        Task(seed=seed, shard_index=shard, shard_count=shard_count, input=content)
        for content in inputs
        for shard in range(shard_count)
    ]
    if not 0 < len(tasks) <= RUN_LIMIT:
        raise Rejected(Reject.TRIAL_FILE, f"expected 1 to {RUN_LIMIT} runs, got {len(tasks):,}")
    return tasks


def try_program(
    program: ProgramFile,
    tasks: Sequence[Task],
    engine: Engine,
    signer: "Signer",
    *,
    max_cycles: int,
    progress: Callable[[int, int], None],
) -> ProgramTrial:
    """Run the tasks and sign what came out; `progress` gets the run and its cycle."""
    runs: list[TrialRun] = []
    for index, task in enumerate(tasks):

        def at_cycle(cycle: int, index: int = index) -> None:
            progress(index, cycle)

        report = run_task(engine, program.program, task, max_cycles=max_cycles, progress=at_cycle)
        runs.append(
            TrialRun(
                input_root=task.input_root(hash_many_pairs).hex(),
                input_size=len(task.input),
                seed=task.seed.hex(),
                shard_index=task.shard_index,
                shard_count=task.shard_count,
                status=report.status,
                code=report.code,
                cycles=report.cycles,
                output_size=report.output_size,
                output_root=report.output_root.hex(),
                state_hash=report.state_hash.hex(),
            )
        )
    plain = ProgramTrial(
        runner=str(signer.address),
        machine_version=MACHINE_VERSION,
        image_root=program.program.root(hash_many_pairs).hex(),
        entry=program.program.entry,
        max_cycles=max_cycles,
        runs=runs,
        environment=f"{engine.name}, {platform.machine()}, {platform.system()}",
    )
    return plain.model_copy(update={"signature": typed_data.sign(signer, plain.typed_data())})


# --- comparing ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What some runners have found alike."""

    runners: tuple[str, ...]
    trial: ProgramTrial
    """One of theirs."""
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Trials of the same program on the same inputs."""

    opinions: tuple[Opinion, ...]
    """The one of most runners first."""
    undecided: tuple[str, ...]
    """Runners that have signed two results: nothing of theirs counts."""

    @property
    def agreeing(self) -> int:
        """Runners that found what most have found."""
        return len(self.opinions[0].runners) if self.opinions else 0

    def first_difference(self, opinion: Opinion) -> tuple[int, TrialRun, TrialRun] | None:
        """The first run that an opinion sees otherwise than the first one: its number and both results."""
        pairs = zip(self.opinions[0].trial.runs, opinion.trial.runs, strict=True)
        return next(
            (
                (index, first, other)
                for index, (first, other) in enumerate(pairs)
                if first.found != other.found
            ),
            None,
        )


def compared(trials: Iterable[ProgramTrial]) -> list[Verdict]:
    """Who agrees on what. Raises Rejected for a trial that its runner has not signed."""
    subjects: dict[tuple[object, ...], dict[str, dict[bytes, ProgramTrial]]] = {}
    for trial in trials:
        trial.check()
        of_runner = subjects.setdefault(trial.subject, {}).setdefault(trial.runner.lower(), {})
        of_runner.setdefault(trial.results_hash, trial)
    return [_verdict(by_runner) for by_runner in subjects.values()]


def _verdict(by_runner: dict[str, dict[bytes, ProgramTrial]]) -> Verdict:
    undecided = tuple(
        next(iter(results.values())).runner for results in by_runner.values() if len(results) > 1
    )
    groups: dict[bytes, list[ProgramTrial]] = {}
    for results in by_runner.values():
        if len(results) == 1:
            ((result, trial),) = results.items()
            groups.setdefault(result, []).append(trial)
    opinions = [
        Opinion(
            runners=tuple(each.runner for each in trials),
            trial=trials[0],
            environments=tuple(sorted({each.environment for each in trials})),
        )
        for trials in groups.values()
    ]
    opinions.sort(key=lambda opinion: -len(opinion.runners))
    return Verdict(opinions=tuple(opinions), undecided=undecided)
