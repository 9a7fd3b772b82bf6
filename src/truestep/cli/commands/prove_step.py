"""`truestep prove-step`: the proof of one instruction, as a dispute would end with it."""

from pathlib import Path
from typing import Annotated

import typer

from truestep.base.errors import Bug
from truestep.cli.failure import Failure
from truestep.cli.instruction_words import assembly, in_words
from truestep.cli.options import (
    InputOption,
    ProgramArgument,
    SeedOption,
    ShardOption,
    read_task,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.engines import EngineName, open_engine
from truestep.client.files import read_program
from truestep.client.runs import advance_in_slices
from truestep.machine.layout import may_fetch
from truestep.machine.witness import build_witness, verify_step
from truestep.ports.engine import Machine

EXAMPLE = "Example: truestep prove-step prog.elf --input prices.csv --cycle 1000000 --output step.witness"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="prove-step", epilog=EXAMPLE)(prove_step)


@guarded
def prove_step(
    prog: ProgramArgument,
    cycle: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=2**63, help="The step to prove: from this state to the next."),
    ],
    input_file: InputOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the witness's bytes there.")
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="What gets to the cycle.")] = EngineName.JIT,
    shard: ShardOption = "0/1",
    seed: SeedOption = "0",
    rpc: Annotated[
        str | None, typer.Option("--rpc", metavar="URL", help="Have the chain execute the step too.")
    ] = None,
    deployment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the chain's Step contract is.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Prove one step: from a run's state at --cycle to the next one.

    The witness is checked against the run itself by the verifier's twin in Python and, with --rpc and
    --deployment, by the contract that decides disputes (a call: it costs nothing).
    """
    if (rpc is None) != (deployment is None):
        raise typer.BadParameter("--rpc and --deployment go together", param_hint="--rpc")
    screen = Screen(as_json=as_json)
    program_file, task = read_program(prog), read_task(shard, seed, input_file)
    machine = open_engine(engine).start(program_file.program, task)
    with screen.cycles(f"running to cycle {cycle:,}") as progress:
        advance_in_slices(machine, cycle, progress)
    if machine.cycle != cycle:
        raise Failure(
            "cycle",
            f"expected a cycle of the run, got {cycle}; choose one up to its end, {machine.cycle}",
        )
    state = machine.state()
    witness = build_witness(state, machine.node)
    before, after = verify_step(witness)
    machine.advance(cycle + 1)
    if (before, after) != (state.hash(), machine.state().hash()):
        raise Bug(f"the witness of cycle {cycle} proves another step than the run took")
    if rpc and deployment:
        _check_on_chain(rpc, deployment, witness, (before, after))
    if output:
        output.write_bytes(witness)
    screen.result(
        {
            "cycle": cycle,
            "pc": f"{state.pc:#010x}",
            **_instruction(machine, state.pc),
            "before": before.hex(),
            "after": after.hex(),
            "checked_on_chain": rpc is not None,
            "witness_size": len(witness),
            **({"witness_file": str(output)} if output else {"witness": _shown(witness, as_json)}),
        }
    )


def _instruction(machine: Machine, pc: int) -> dict[str, str]:
    word = int.from_bytes(machine.read_memory(pc, 4), "little") if may_fetch(pc) else 0
    return {"instruction": assembly(word), "in_words": in_words(word)}


def _check_on_chain(rpc: str, deployment: Path, witness: bytes, expected: tuple[bytes, bytes]) -> None:
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client.network import execute_step

    found = execute_step(rpc, read_deployment(deployment), witness)
    if found != expected:
        raise Bug(f"expected the chain to compute {_hexed(expected)}, got {_hexed(found)}")


def _hexed(hashes: tuple[bytes, bytes]) -> str:
    return " → ".join(digest.hex() for digest in hashes)


def _shown(witness: bytes, as_json: bool) -> str:
    """The witness in hex; for people just its start."""
    return witness.hex() if as_json else f"{witness[:24].hex()}… (--output FILE writes it)"
