"""The program of a quantised model, whose runs its circuit proves (docs/circuits.md C9)."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.text import counted
from truestep.circuits.guest import build_guest
from truestep.circuits.model import Model
from truestep.client.runs import headroom_cycles, run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task
from truestep.protocol.settlement.programs import named_program


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProgram:
    """What an entry names of a program: everything that its hash is of (S3.1)."""

    image_root: Bytes32
    entry: int
    max_cycles: int

    @property
    def program_hash(self) -> Bytes32:
        """What an entry of Verifiers names."""
        return named_program(self.image_root, self.entry, self.max_cycles)


def program_of_model(model: Model, max_cycles: int | None = None) -> ModelProgram:
    """What `truestep import` makes of a model, and what `truestep submit` then registers.

    Without `max_cycles`, a run says it, as in `submit`. Raises Rejected if it takes more cycles than given.
    """
    with tempfile.TemporaryDirectory(prefix="truestep-model-") as folder:
        elf = build_guest(model, Path(folder) / "model.elf").path.read_bytes()
    program = load_elf(elf)
    cycles = _cycles(program, model)
    if max_cycles is not None and cycles > max_cycles:
        raise Rejected(
            Reject.PROGRAM_CYCLES,
            f"the model's program takes {counted(cycles, 'cycle')} on an input of zeros, and --max-cycles is"
            f" {max_cycles:,}; leave it out, or give at least {headroom_cycles(cycles):,}",
        )
    most = headroom_cycles(cycles) if max_cycles is None else max_cycles
    return ModelProgram(image_root=program.root(), entry=program.entry, max_cycles=most)


def _cycles(program: Program, model: Model) -> int:
    task = Task(shard_count=1, input=bytes(model.input_size))
    return run_task(open_engine(EngineName.JIT), program, task).cycles
