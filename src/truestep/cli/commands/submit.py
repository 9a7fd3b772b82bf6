"""`truestep submit`: posts a program and an input as a paid job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.units import coins
from truestep.cli.connection import connect_client
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BlobsOption,
    InputOption,
    KeystoreOption,
    NetworkOptions,
    PasswordFileOption,
    ProgramArgument,
    parse_amount,
    parse_seed,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.client import DEFAULT_LEASE_SECONDS, DEFAULT_LIFETIME_SECONDS, Order
from truestep.client.files import ProgramFile, read_input, read_program
from truestep.client.runs import run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.demo.narration import Narrator
from truestep.machine.program import Task

if TYPE_CHECKING:
    from truestep.client import Job
    from truestep.protocol.events import ChainEvent

EXAMPLE = "Example: truestep submit prog.elf --input prices.csv --shards 8 --reward 0.01 --wait"
CYCLES_HEADROOM = 2
"""Shards differ, so each one may take twice the cycles of the trial."""


ReceiptOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The file to write the receipt to. Needs --wait.")
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="TRUESTEP_STATE",
        help="Journal of what was sent: repeating the command then resumes, and never posts the job twice.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="With --state: post one job per name, even if the options differ."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="submit", epilog=EXAMPLE)(submit)


@guarded
@grouped
def submit(
    prog: ProgramArgument,
    network: NetworkOptions,
    blobs: BlobsOption,
    keystore: KeystoreOption,
    password_file: PasswordFileOption = None,
    input_file: InputOption = None,
    shards: Annotated[
        int, typer.Option(metavar="N", min=1, max=2**16 - 1, help="Number of tasks to split the job into.")
    ] = 1,
    reward: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Reward per shard: 0.01, 20gwei or 7wei.")
    ] = "0",
    seed: Annotated[
        str | None, typer.Option(metavar="HEX", help="The job's seed. Default: 32 random bytes.")
    ] = None,
    max_cycles: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=2**48,
            help="Most cycles a shard may take. Default: twice those of a trial run of shard 0.",
        ),
    ] = None,
    lease: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="Time a worker has to run a shard it took.")
    ] = DEFAULT_LEASE_SECONDS,
    lifetime: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="Time from now to the job's deadline.")
    ] = DEFAULT_LIFETIME_SECONDS,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until every shard is final.")] = False,
    receipt: ReceiptOption = None,
    state: StateOption = None,
    name: NameOption = None,
    max_fee: MaxFeeOption = None,
    max_tip: MaxTipOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Post a job: the reward goes into escrow, and workers run the shards.

    Registers the program if it is new. Without --max-cycles, shard 0 is first run on this computer: this
    finds a broken program before it costs anything and sets the maximum for each shard. A failed shard is a
    result too and is paid. With --wait this command exits with 1 if any shard failed.
    """
    if receipt and not wait:
        raise typer.BadParameter(
            "a receipt can only be written once the job is final; add --wait", param_hint="--receipt"
        )
    if name and not state:
        raise typer.BadParameter("a name is remembered in a file: add --state FILE", param_hint="--name")
    screen = Screen(as_json=as_json)
    reward_wei = parse_amount(reward, "--reward")
    file, content = read_program(prog), read_input(input_file)
    screen.warn(file.notes)
    client = connect_client(
        network,
        blobs,
        keystore,
        password_file,
        screen=screen,
        policy=transaction_policy(max_fee, max_tip),
        state=state,
    )
    order = Order(
        shard_count=shards,
        reward_wei=reward_wei,
        seed=parse_seed(seed) if seed is not None else None,
        max_cycles=max_cycles or _trial_cycles(screen, file, Task(shard_count=shards, input=content)),
        lease_seconds=lease,
        lifetime_seconds=lifetime,
        name=name,
    )
    job = client.submit(file.elf, content, order=order)
    if wait:
        window_seconds = client.deployment.parameters.window_seconds
        screen.note(f"each claim becomes final after {window_seconds:,} s in which it can be disputed")
        _follow(screen, job, shards, receipt)
        return
    screen.note(f"job {job.job_id} is posted with {coins(shards * reward_wei)} in escrow")
    fields = {"job_id": job.job_id, "shards": shards}
    escrow = {"escrow_wei": shards * reward_wei} if screen.as_json else {"escrow": coins(shards * reward_wei)}
    screen.result(fields | escrow)


def _trial_cycles(screen: Screen, file: ProgramFile, task: Task) -> int:
    """Maximum cycles for a program: a power of two, so that the same program is registered only once."""
    with screen.cycles("trial of shard 0") as progress:
        report = run_task(open_engine(EngineName.JIT), file.program, task, progress=progress)
    if not report.is_accepted:
        raise Failure(
            "failed trial",
            f"shard 0 fails here ({report.status.name.lower()}, code {report.code}, {report.cycles} cycles);"
            " `truestep run` shows why; with --max-cycles it is submitted anyway",
        )
    return 1 << (CYCLES_HEADROOM * report.cycles).bit_length()


def _follow(screen: Screen, job: "Job", shards: int, receipt: Path | None) -> None:
    """Wait for the job and show it. Exits with 1 if a shard failed."""
    from truestep.protocol.events import TaskFinalized

    narrator = Narrator()
    final_count = 0
    with screen.steps("waiting for workers", shards) as progress:

        def told(event: "ChainEvent") -> None:
            nonlocal final_count
            final_count += isinstance(event, TaskFinalized)
            line = narrator.tell(event)
            if line:
                screen.note(line)
            progress(final_count, f"{final_count} of {shards} shards final")

        job.wait(on_event=told)
    if receipt:
        job.receipt().write(receipt)
    results = job.outputs()
    fields: dict[str, Any] = {
        "job_id": job.job_id,
        "shards": [
            {
                "shard_index": result.shard_index,
                "accepted": result.is_accepted,
                "status": result.status,
                "code": result.code,
                "cycles": result.cycles,
                "output": result.output.hex(),
            }
            for result in results
        ],
        "receipt": str(receipt) if receipt else None,
    }
    failed = sum(not result.is_accepted for result in results)
    shown = {
        "job id": str(job.job_id),
        "shards final": shards,
        "failed": failed,
        "receipt": fields["receipt"],
    }
    screen.result(fields if screen.as_json else shown)
    if failed:
        screen.note(f"[bold red]{failed} of {shards} shards failed[/]; their outputs do not count")
        raise typer.Exit(ExitCode.REFUSED)
