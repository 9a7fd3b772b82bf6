"""`doctor`, `status` and `benchmark` of workers and challengers. All take the daemon's own configuration."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.ids import Address, task_in_words
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.cli.configuration import with_configuration
from truestep.cli.connection import unknown_code_warning
from truestep.cli.daemon_group import RUN, ConfigOption, ConfiguredCommand
from truestep.cli.engines import limited_engine
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    BlobsOption,
    DeploymentOption,
    KeystoreOption,
    NetworkOption,
    PasswordFileOption,
    RpcOption,
    StoreOption,
    TrustOption,
    deployment_file,
    parse_address,
    parse_amount,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.composition.engines import EngineLimits, EngineName
from truestep.protocol.settlement.ids import NATIVE

if TYPE_CHECKING:
    from truestep.composition.standing import Standing

NOT_SHARED = frozenset({"--json"})
"""Options that mean something else for a daemon."""
CLAIMS_SHOWN = 10
SAFETY = 2
"""Other work, a hotter day and harder programs: what a worker promises is half of what it has measured."""


class CareCommand(ConfiguredCommand):
    """Takes from a daemon's configuration what it needs, and knows the keys of `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words of the file that this command has options for."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        known = {option for each in self.params for option in (*each.opts, *each.secondary_opts)}
        known -= NOT_SHARED
        run = ctx.parent.command.get_command(ctx.parent, RUN)
        words = with_configuration([*run.params, *self.params], args)
        own = [word for word in words[: len(words) - len(args)] if word.partition("=")[0] in known]
        return self.parse_words(ctx, [*own, *args], args)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareOptions:
    """What belongs to a daemon, without what it is willing to do."""

    keystore: KeystoreOption
    state_dir: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the daemon's state.")]
    store: StoreOption = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    operator: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="The operator that the account acts for. Default: itself."),
    ] = None
    config: ConfigOption = None

    @property
    def operator_address(self) -> Address | None:
        """The operator that it acts for, if that is not its own account."""
        return parse_address(self.operator, "--operator") if self.operator is not None else None


EngineOption = Annotated[EngineName, typer.Option(help="The engine that runs the tasks.")]


def add_care(group: typer.Typer, role: str) -> None:
    """Add the commands to a daemon's group."""
    commands = {"doctor": _doctor_of(role), "status": status, "benchmark": benchmark}
    for name, command in commands.items():
        example = f"Example: truestep {role} {name} --config {role}/{role}.toml"
        group.command(name=name, cls=CareCommand, epilog=example)(command)


def _doctor_of(role: str) -> Callable[..., None]:
    """The command for a worker or a challenger."""

    @guarded
    @grouped
    def doctor(
        options: CareOptions,
        rpc: RpcOption,
        blobs: BlobsOption,
        password_file: PasswordFileOption = None,
        trust_unknown_code: TrustOption = False,
        engine: EngineOption = EngineName.JIT,
        stake: Annotated[
            str | None,
            typer.Option(metavar="AMOUNT", help="Of a worker: the stake that it starts with, such as 5."),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        """Check all that the daemon depends on: nodes, chain and contracts, clocks, coins, disk, engine.

        Says what to do about each thing that is wrong, and ends with 1 if there is any. Nothing is sent.
        """
        from truestep.adapters.chain.deployment import read_deployment
        from truestep.composition.examining import Examined, Finding, examine

        screen = Screen(as_json=as_json)
        examined = Examined(
            role=role,
            rpc=rpc,
            deployment=read_deployment(deployment_file(options.deployment, options.network)),
            blobs=blobs,
            state_dir=options.state_dir,
            store=options.store,
            keystore=options.keystore,
            password_file=password_file,
            operator=options.operator_address,
            engine=limited_engine(engine, EngineLimits()),
            stake_wei=0 if stake is None else parse_amount(stake, "--stake"),
            on_unknown_code=unknown_code_warning(screen, is_trusted=trust_unknown_code),
        )
        findings: list[Finding] = []
        screen.doing("looking at nodes, coins and engine")
        for finding in examine(examined):
            findings.append(finding)
            mark = "ok   " if finding.is_good else "WRONG"
            screen.note(escape(f"{mark}  {finding.subject}: {finding.found}"))
            if finding.remedy:
                screen.note(escape(f"       → {finding.remedy}"))
        wrong = [finding.subject for finding in findings if not finding.is_good]
        if as_json:
            shown = [
                {"subject": each.subject, "is_good": each.is_good, "found": each.found, "remedy": each.remedy}
                for each in findings
            ]
            screen.result({"findings": shown, "wrong": wrong})
        if wrong:
            raise Failure("doctor", f"{counted(len(wrong), 'thing')} to mend: {', '.join(wrong)}")

    return doctor


@guarded
@grouped
def status(options: CareOptions, as_json: JsonFlag = False) -> None:
    """Show what the daemon has earned and spent, what it has at risk, and until when.

    Reads its state directory, while it runs or not. No node is asked: what happened after its last look
    is missing.
    """
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.keystore import keystore_address
    from truestep.composition.standing import read_standing

    screen = Screen(as_json=as_json)
    deployment = read_deployment(deployment_file(options.deployment, options.network))
    account = keystore_address(options.keystore)
    operator = options.operator_address or account
    standing = read_standing(options.state_dir, options.store, deployment, account, operator)
    fields = _fields(standing)
    if as_json:
        screen.result({"operator": operator, **fields})
        return
    screen.result({"operator": operator, **_in_words(standing)})
    for line in _claims_in_words(standing):
        screen.note(line)


@guarded
def benchmark(
    engine: EngineOption = EngineName.JIT,
    config: ConfigOption = None,
    cycles_per_second: Annotated[
        float,
        typer.Option(metavar="N", min=1, help="What the worker promises: cycles per second of any run."),
    ] = 100e6,
    as_json: JsonFlag = False,
) -> None:
    """Measure how quickly this computer runs programs, and what a worker may promise of it."""
    del config
    from truestep.composition.trial import measured_speed

    screen = Screen(as_json=as_json)
    screen.tell("running a small program for some seconds")
    speed = measured_speed(limited_engine(engine, EngineLimits()))
    safe, pages = speed.cycles_per_second / SAFETY, speed.hashed_pages_per_second / SAFETY
    fields = {
        "cycles_per_second": round(speed.cycles_per_second),
        "hashed_pages_per_second": round(speed.hashed_pages_per_second),
        "safe_cycles_per_second": round(safe),
        "safe_hashed_pages_per_second": round(pages),
        "is_promise_safe": cycles_per_second <= safe,
    }
    if as_json:
        screen.result(fields)
        return
    screen.result(
        {
            "instructions a second, one core": f"{speed.cycles_per_second:,.0f}",
            "pages hashed a second": f"{speed.hashed_pages_per_second:,.0f}",
            "safe to promise": f"--cycles-per-second {safe:.0f} --hashed-pages-per-second {pages:.0f}",
        }
    )
    if cycles_per_second > safe:
        screen.note(
            f"{cycles_per_second:,.0f} cycles a second are promised, more than is safe here: a dispute could"
            f" be lost on time. Set cycles_per_second to {safe:.0f}"
        )


def _fields(standing: "Standing") -> dict[str, Any]:
    """For programs."""
    return {
        "block_number": standing.block_number,
        "finished_tasks": standing.finished_tasks,
        "earned_wei": standing.earned.get(NATIVE, 0),
        "earned_tokens": {asset: units for asset, units in standing.earned.items() if asset != NATIVE},
        "fees_wei": standing.fees_wei,
        "lost_wei": standing.lost_wei,
        "pending": list(standing.pending),
        "claims": [{"task_id": task.task_id, "until": task.until} for task in standing.claimed],
        "claimed_bonds_wei": standing.claimed_bonds_wei,
        "disputed_claims": standing.disputed,
        "games": standing.games,
        "taken": [{"task_id": task.task_id, "until": task.until} for task in standing.taken],
    }


def _in_words(standing: "Standing") -> dict[str, str]:
    """For people."""
    tokens = [f"{units:,} units of {asset}" for asset, units in standing.earned.items() if asset != NATIVE]
    earned = ", ".join([coins(standing.earned.get(NATIVE, 0)), *tokens])
    return {
        "earned": f"{earned} for {counted(standing.finished_tasks, 'task')}",
        "gas": coins(standing.fees_wei),
        "lost": coins(standing.lost_wei),
        "at risk": f"{coins(standing.claimed_bonds_wei)} in {counted(len(standing.claimed), 'claim')}",
        "disputed": f"{counted(standing.disputed, 'claim')}, {counted(standing.games, 'open game')}",
        "taken": counted(len(standing.taken), "task"),
        "transactions": f"{len(standing.pending)} pending",
        "read up to": f"block {standing.block_number}",
    }


def _claims_in_words(standing: "Standing") -> list[str]:
    """The claims that can be disputed the longest, and until when the daemon must run."""
    if not standing.claimed:
        return []
    now = int(time.time())
    shown = standing.claimed[-CLAIMS_SHOWN:]
    lines = [f"{task_in_words(task.task_id)} can be disputed for {_left(task.until - now)}" for task in shown]
    hidden = len(standing.claimed) - len(shown)
    if hidden:
        lines.insert(0, f"{counted(hidden, 'claim')} before these")
    return [*lines, f"keep the daemon running for {_left(standing.claimed[-1].until - now)}"]


def _left(seconds: int) -> str:
    return duration(max(seconds, 0) // 60 * 60) if seconds >= 60 else "less than a minute"
