"""A role's daemon in a terminal: its files, its log lines, its end by Ctrl-C."""

import json
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape

from truestep.cli.failure import Failure
from truestep.cli.interruption import handling
from truestep.cli.options import (
    BlobsOption,
    DeploymentOption,
    KeystoreOption,
    MemoryLimitOption,
    PasswordFileOption,
    RpcOption,
    ask_password,
    parse_size,
)
from truestep.composition.engines import EngineLimits, EngineName, open_engine

if TYPE_CHECKING:
    from truestep.adapters.clock import SystemClock
    from truestep.node.loop.loop import Daemon, World
    from truestep.ports.engine import Engine

_STYLES = {
    "_refused": "red",
    "_reverted": "red",
    "unavailable": "yellow",
    "declined": "dim",
    "_landed": "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonOptions:
    """What every daemon is told: its network, its key, its memory, its engine."""

    rpc: RpcOption
    deployment: DeploymentOption
    blobs: BlobsOption
    keystore: KeystoreOption
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Where it remembers what it did. One for each account.")
    ]
    password_file: PasswordFileOption = None
    engine: Annotated[EngineName, typer.Option(help="What runs the tasks.")] = EngineName.JIT
    memory_limit: MemoryLimitOption = None
    snapshot_limit: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE",
            parser=parse_size,
            help="What the snapshots of a disputed run may take. Default: 1GiB.",
        ),
    ] = None
    checkpoint_stride: Annotated[
        int | None,
        typer.Option(
            metavar="CYCLES",
            min=1,
            help="A disputed run keeps a snapshot so often, besides where it stops. Default: only there.",
        ),
    ] = None
    poll: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.05, help="How often it looks at the chain.")
    ] = 1.0
    as_json: Annotated[bool, typer.Option("--json", help="Log one JSON object a line, on stdout.")] = False

    @property
    def limits(self) -> EngineLimits:
        """What its engine may take."""
        return EngineLimits(
            memory_bytes=self.memory_limit,
            snapshots_bytes=self.snapshot_limit,
            stride_cycles=self.checkpoint_stride,
        )


class LogLines:
    """Satisfies `truestep.ports.reporter.Reporter`: a line for each report."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False)

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Print it with the time."""
        if self._as_json:
            line = {"time": round(time.time(), 3), "kind": kind, "message": message, **fields}
            sys.stdout.write(f"{json.dumps(line)}\n")
            sys.stdout.flush()
            return
        style = next((style for end, style in _STYLES.items() if kind.endswith(end)), "default")
        shown = escape(f"{_whole(kind, message, fields)}{_gas(fields)}")
        stamp = time.strftime("%H:%M:%S")
        self._console.print(f"[dim]{stamp}[/]  {kind:<20} [{style}]{shown}[/]", soft_wrap=True)


def limited_engine(name: EngineName, limits: EngineLimits) -> "Engine":
    """The engine with its limits."""
    try:
        return open_engine(name, limits)
    except ValueError as error:
        raise Failure("engine", str(error)) from error


@contextmanager
def opened_world(options: DaemonOptions, parallel: int) -> Generator["World"]:
    """Everything a daemon needs to run `parallel` tasks; its store is closed at the end."""
    from truestep.adapters.keystore import open_keystore
    from truestep.composition import daemons

    settings = daemons.DaemonSettings(
        rpc=options.rpc,
        deployment=options.deployment,
        blobs=options.blobs,
        state_dir=options.state_dir,
        engine=limited_engine(options.engine, options.limits),
        signer=open_keystore(options.keystore, ask_password(options.password_file)),
        parallel=parallel,
    )
    with daemons.opened_world(settings, LogLines(as_json=options.as_json)) as world:
        yield world


def run_until_stopped(daemon: "Daemon", world: "World", options: DaemonOptions) -> None:
    """Run until Ctrl-C or a polite kill; a second one does not wait for work to end."""
    stopping, clock = threading.Event(), cast("SystemClock", world.clock)

    def stop(number: int, _: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        clock.wake()

    with handling(stop):
        world.reporter.report("watching", "Ctrl-C lets work end, and stops")
        daemon.run(stopping.is_set, options.poll)
    world.reporter.report("stopped", "everything that was sent goes on by itself")


def _whole(kind: str, message: str, fields: dict[str, int | float | str | bool]) -> str:
    """The message; what became of a transaction says which one."""
    return f"{fields['intent']} {message}" if kind.endswith(("_landed", "_reverted")) else message


def _gas(fields: dict[str, int | float | str | bool]) -> str:
    gas_used = fields.get("gas_used")
    return f" ({gas_used:,} gas)" if isinstance(gas_used, int) and gas_used else ""
