"""A role's daemon in a terminal: its files, its log lines, its end by Ctrl-C."""

import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from truestep.base.errors import Unavailable
from truestep.cli.failure import Failure
from truestep.cli.interruption import handling
from truestep.cli.log_lines import LogLines
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
    from truestep.ports.reporter import Reporter

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
"""Between attempts to begin: soon enough for a node that restarts, seldom for one that is down all night."""

Begun = TypeVar("Begun")


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
    log = LogLines(as_json=options.as_json)
    with closing(log), ExitStack() as stack:
        yield until_available(log, lambda: stack.enter_context(daemons.opened_world(settings, log)))


def until_available(log: "Reporter", begin: Callable[[], Begun]) -> Begun:
    """What `begin` gives; while the world fails (a node that is down) it says so and tries again.

    Ctrl-C ends the wait, and the command with it.
    """

    def say(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        wait_seconds = round(state.upcoming_sleep, 1)
        if state.attempt_number == 1:
            message = f"{error}; waits until that has passed, and begins by itself"
            log.report("waiting", message, wait_seconds=wait_seconds)

    attempts = Retrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential_jitter(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
        before_sleep=say,
    )
    with handling(_interrupt):
        try:
            return attempts(begin)
        except KeyboardInterrupt:
            log.report("stopped", "it had not begun yet")
            raise typer.Exit from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run_until_stopped(daemon: "Daemon", world: "World", options: DaemonOptions) -> None:
    """Run until Ctrl-C, SIGTERM or SIGHUP; a second one does not wait for work to end."""
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
