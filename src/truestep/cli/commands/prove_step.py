"""`truestep prove-step`: makes the proof of one instruction with which a dispute ends."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.adapters.files import write_file
from truestep.base.errors import Bug
from truestep.cli.connection import unknown_code_warning
from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.options import (
    InputOption,
    ProgramArgument,
    SeedOption,
    ShardOption,
    TrustOption,
    chosen_file,
    read_task,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.files import read_program
from truestep.client.instruction_words import assembly, in_words
from truestep.client.runs import advance_in_slices
from truestep.composition.engines import EngineName, open_engine
from truestep.machine.layout import may_fetch
from truestep.machine.micro import micro_end, micro_machine, template
from truestep.machine.witness import build_witness, open_float, verify_step
from truestep.ports.engine import Machine
from truestep.protocol.float_steps import float_step, micro_start_of

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment

EXAMPLE = "Example: truestep prove-step prog.elf --input prices.csv --cycle 1000000 --output step.witness"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="prove-step", epilog=EXAMPLE)(prove_step)


@guarded
def prove_step(
    prog: ProgramArgument,
    cycle: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=2**63, help="Prove the step that begins at this cycle."),
    ],
    micro: Annotated[
        int | None,
        typer.Option(metavar="I", min=0, max=4095, help="Prove step I of the float instruction's micro-run."),
    ] = None,
    input_file: InputOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write the witness to.")
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="The engine that runs the program up to the cycle.")
    ] = EngineName.JIT,
    shard: ShardOption = "0/1",
    seed: SeedOption = "0",
    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", metavar="URL", help="Also ask this node to execute the step in the contract."),
    ] = None,
    deployment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The deployment file that names the Step contract.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help="A network with a name, in place of --deployment.")
    ] = None,
    trust_unknown_code: TrustOption = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove one step of a run: from the state at --cycle to the next state.

    The Python verifier checks the witness against the run. With --rpc and --deployment the contract that
    decides disputes checks it too (a call, which costs nothing).

    A float instruction is decided by its micro-run, which is integer code that computes its result. The proof
    then shows how the micro-run begins and ends; --micro proves one of its steps.
    """
    keep_inputs(output, prog, input_file)
    file = chosen_file(deployment, network)
    if (not rpc) != (file is None):
        raise typer.BadParameter("--rpc and --deployment go together", param_hint="--rpc")
    screen = Screen(as_json=as_json)
    screen.doing(f"reading or building {prog}")
    program_file, task = read_program(prog), read_task(shard, seed, input_file)
    machine = open_engine(engine).start(program_file.program, task)
    with screen.cycles(f"running to cycle {cycle:,}") as progress:
        advance_in_slices(machine, cycle, progress)
    _check_position(machine, cycle, "cycle")
    machine = machine if micro is None else _in_micro_run(machine, cycle, micro)
    state = machine.state()
    witness = build_witness(state, machine.node)
    warning = unknown_code_warning(screen, is_trusted=trust_unknown_code)
    ask = _chain(rpc, file, warning) if rpc and file else None
    instruction = _instruction(machine, state.pc)
    proof = (_float_proof if float_step(witness) else _step_proof)(machine, witness, ask)
    if output:
        write_file(output, witness)
    screen.result(
        {
            "cycle": cycle,
            **({} if micro is None else {"micro": micro}),
            "pc": f"{state.pc:#010x}",
            **instruction,
            **proof,
            "checked_on_chain": bool(rpc),
            "witness_size": len(witness),
            **({"witness_file": str(output)} if output else {"witness": _shown(witness, as_json)}),
        }
    )


Ask = Callable[[str, bytes], tuple[bytes | int, ...]]
"""Asks the chain's Step contract for `step` or `open_float` of a witness."""


def _in_micro_run(machine: Machine, cycle: int, index: int) -> Machine:
    """A machine in state number `index` of the micro-run of the instruction that comes next."""
    start = micro_start_of(build_witness(machine.state(), machine.node))
    if start is None:
        raise Failure(
            "micro",
            f"the instruction at cycle {cycle} is not a float instruction, so it has no micro-run;"
            " leave out --micro",
        )
    micro = micro_machine(start)
    micro.advance(index)
    _check_position(micro, index, "micro")
    return micro


def _check_position(machine: Machine, cycle: int, option: str) -> None:
    if machine.cycle != cycle:
        raise Failure(
            option,
            f"expected a cycle of the run, got {cycle}; the run ends at cycle {machine.cycle}",
        )


def _step_proof(machine: Machine, witness: bytes, ask: Ask | None) -> dict[str, str | int]:
    """The step that the witness shows; it must be the step that the machine took."""
    cycle, pair = machine.cycle, verify_step(witness)
    before = machine.state().hash()
    machine.advance(cycle + 1)
    if pair != (before, machine.state().hash()):
        raise Bug(f"the witness of cycle {cycle} proves a step that the run did not take")
    _compare(ask, "step", witness, pair)
    return {"before": pair[0].hex(), "after": pair[1].hex()}


def _float_proof(machine: Machine, witness: bytes, ask: Ask | None) -> dict[str, str | int]:
    """How the micro-run begins and ends; its result must be what the machine computes."""
    opened, start = open_float(witness), micro_start_of(witness)
    if start is None or start.hash() != opened.micro_start:
        raise Bug(f"the witness of cycle {machine.cycle} opens a micro-run other than the one it names")
    machine.advance(machine.cycle + 1)
    after, end = machine.state(), micro_end(start)
    if after.registers[opened.rd] != end.code or template(after, opened.rd) != opened.template:
        raise Bug(f"the engine and the ROM disagree on the step to cycle {machine.cycle}")
    _compare(ask, "open_float", witness, tuple(opened))
    return {
        "before": opened.before.hex(),
        "after": after.hash().hex(),
        "result": f"{end.code:#x}",
        "micro_start": opened.micro_start.hex(),
        "micro_end": end.hash().hex(),
        "micro_cycles": end.cycle,
        "template": opened.template.hex(),
    }


def _instruction(machine: Machine, pc: int) -> dict[str, str]:
    word = int.from_bytes(machine.read_memory(pc, 4), "little") if may_fetch(pc) else 0
    return {"instruction": assembly(word), "in_words": in_words(word)}


def _chain(rpc: list[str], file: Path, on_unknown_code: Callable[[str], None] | None) -> Ask:
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.composition.network import execute_step, open_float_step

    deployment: Deployment = read_deployment(file)
    functions = {"step": execute_step, "open_float": open_float_step}
    return lambda function, witness: tuple(functions[function](rpc, deployment, witness, on_unknown_code))


def _compare(ask: Ask | None, function: str, witness: bytes, expected: tuple[bytes | int, ...]) -> None:
    found = expected if ask is None else ask(function, witness)
    if found != expected:
        raise Bug(f"expected the chain to compute {_hexed(expected)}, got {_hexed(found)}")


def _hexed(answers: tuple[bytes | int, ...]) -> str:
    return " → ".join(answer.hex() if isinstance(answer, bytes) else str(answer) for answer in answers)


def _shown(witness: bytes, as_json: bool) -> str:
    """The witness in hex; for people only its start."""
    return witness.hex() if as_json else f"{witness[:24].hex()}… (--output FILE writes it)"
