"""Runs a role's daemon in a terminal: its options, its files, its start, and its end by Ctrl-C."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from truestep.adapters.web_server import CannotListen
from truestep.base.errors import Unavailable
from truestep.base.ids import Address
from truestep.cli.daemon_group import ConfigOption
from truestep.cli.engines import limited_engine
from truestep.cli.failure import Failure
from truestep.cli.fee_options import MaxFeeOption, MaxFeeUrgentOption, MaxTipOption, transaction_policy
from truestep.cli.interruption import handling
from truestep.cli.log_lines import LogLines
from truestep.cli.metrics_options import MetricsListenOption, shown
from truestep.cli.options import (
    BeaconOption,
    BlobsOption,
    DeploymentOption,
    KeystoreOption,
    MemoryLimitOption,
    NetworkOption,
    PasswordFileOption,
    RpcOption,
    StoreOption,
    TrustOption,
    ask_password,
    deployment_file,
    parse_address,
    parse_size,
)
from truestep.composition.engines import EngineLimits, EngineName

if TYPE_CHECKING:
    from truestep.adapters.clock import SystemClock
    from truestep.composition.logs import LogSettings
    from truestep.composition.members import MemberSettings
    from truestep.node.loop.loop import Loop
    from truestep.node.tasks.agent import Daemon
    from truestep.node.tasks.self_check import SelfCheck
    from truestep.node.tasks.world import World
    from truestep.ports.clock import Clock
    from truestep.ports.proving import Prover
    from truestep.ports.reporter import Reporter
    from truestep.roles.availability.delivery import DeliveryPolicy

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
"""Waits between attempts to start: short for a node that restarts, long for one that is down all night."""

SAME_SIGNAL_SECONDS = 1.0
"""`timeout` and some shells signal a process and then its group: that is one request to stop, not two."""

EntropyOption = Annotated[
    bool,
    typer.Option(
        "--entropy",
        help="Also give secrets for the seeds of draws: a bond is lost for each that is not revealed in its"
        " round, so keep this running.",
    ),
]
Begun = TypeVar("Begun")


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonOptions:
    """The options that every daemon has: network, key, state and engine."""

    rpc: RpcOption
    blobs: BlobsOption
    keystore: KeystoreOption
    state_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the daemon's state; one per account.")
    ]
    store: StoreOption = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    trust_unknown_code: TrustOption = False
    password_file: PasswordFileOption = None
    max_fee: MaxFeeOption = None
    max_fee_urgent: MaxFeeUrgentOption = None
    max_tip: MaxTipOption = None
    engine: Annotated[EngineName, typer.Option(help="The engine that runs the tasks.")] = EngineName.JIT
    memory_limit: MemoryLimitOption = None
    snapshot_limit: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE",
            parser=parse_size,
            help="Memory for the snapshots of a disputed run. Default: 1GiB.",
        ),
    ] = None
    checkpoint_stride: Annotated[
        int | None,
        typer.Option(
            metavar="CYCLES",
            min=1,
            help="Interval of additional snapshots in a disputed run. Default: only where it stops.",
        ),
    ] = None
    poll: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.05,
            help="Interval between looks at the chain. Default: a quarter of the time between blocks.",
        ),
    ] = None
    operator: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="The operator that the account acts for; see `truestep delegate`. Default: itself.",
        ),
    ] = None
    beacon: BeaconOption = None
    metrics_listen: MetricsListenOption = None
    config: ConfigOption = None
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Log each step of each task too. With --json, all steps are logged."),
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="Log one JSON object per line, on stdout.")] = False

    @property
    def operator_address(self) -> Address | None:
        """The operator that it acts for, if that is not its own account."""
        return parse_address(self.operator, "--operator") if self.operator is not None else None

    @property
    def limits(self) -> EngineLimits:
        """The limits of its engine."""
        return EngineLimits(
            memory_bytes=self.memory_limit,
            snapshots_bytes=self.snapshot_limit,
            stride_cycles=self.checkpoint_stride,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerParts:
    """What only some daemons have."""

    delivery: "DeliveryPolicy | None" = None
    """How its outputs are kept."""
    prover: "Prover | None" = None
    log: "LogSettings | None" = None
    gives_entropy: bool = False
    is_drawn: bool = False
    """Whether its operator is drawn by its pledge."""
    is_member: bool = False
    member_listen: tuple[str, int] | None = None
    """Where others fetch what it hands over as a member."""


NO_PARTS = WorkerParts()
"""Of a daemon that is no worker."""


@contextmanager
def opened_world(
    options: DaemonOptions,
    parallel: int,
    self_check: "SelfCheck | None" = None,
    *,
    role: str,
    is_keeper: bool = False,
    parts: WorkerParts = NO_PARTS,
) -> Generator["World"]:
    """Everything that a daemon needs to run `parallel` tasks; it is closed at the end."""
    from truestep.adapters.keystore import open_keystore
    from truestep.composition import daemons

    settings = daemons.DaemonSettings(
        rpc=options.rpc,
        deployment=deployment_file(options.deployment, options.network),
        blobs=options.blobs,
        state_dir=options.state_dir,
        store=options.store,
        engine=limited_engine(options.engine, options.limits),
        signer=open_keystore(options.keystore, ask_password(options.password_file)),
        parallel=parallel,
        policy=transaction_policy(options.max_fee, options.max_tip, options.max_fee_urgent),
        trusts_unknown_code=options.trust_unknown_code,
        self_check=self_check,
        operator=options.operator_address,
        is_keeper=is_keeper,
        beacon=options.beacon or (),
        items_url=parts.delivery.url if parts.delivery is not None else None,
        prover=parts.prover,
        log=parts.log,
        gives_entropy=parts.gives_entropy,
        is_drawn=parts.is_drawn,
        member=_member(options, parts) if parts.is_member else None,
    )
    options.state_dir.mkdir(parents=True, exist_ok=True)  # a wrong one is no outage to wait out
    log = LogLines(as_json=options.as_json, is_terse=not options.verbose)
    account = Address(settings.signer.address)
    watched = shown(options.metrics_listen, role, account, log, options.state_dir)
    with closing(log), watched as seen, ExitStack() as stack:
        said = FirstReports(seen.reporter)
        try:
            world = until_available(
                seen.reporter, lambda: stack.enter_context(daemons.opened_world(settings, said))
            )
        except CannotListen as error:
            raise Failure(
                "address", f"{error}; choose another with --log-listen or --member-listen HOST:PORT"
            ) from error
        said.begun = True
        yield replace(world, monitor=seen.monitor)


def _member(options: DaemonOptions, parts: WorkerParts) -> "MemberSettings":
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client.endpoints import PublishedEndpoints
    from truestep.composition.members import MemberSettings

    deployment = read_deployment(deployment_file(options.deployment, options.network))

    def endpoints_of(operator: Address) -> tuple[str, ...]:
        """Looked up anew each time: a start must not wait for a node that is down."""
        return PublishedEndpoints([*options.rpc], deployment)(operator)

    return MemberSettings(endpoints_of=endpoints_of, listen=parts.member_listen)


class FirstReports:
    """Satisfies `Reporter`: what several attempts to begin say is said once, until the daemon has begun."""

    def __init__(self, log: "Reporter") -> None:
        self._log = log
        self._said: set[tuple[str, str]] = set()
        self.begun = False

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Pass it on."""
        if not self.begun:
            if (kind, message) in self._said:
                return
            self._said.add((kind, message))
        self._log.report(kind, message, **fields)


def until_available(log: "Reporter", begin: Callable[[], Begun]) -> Begun:
    """The result of `begin`, which is tried again while something outside fails, such as a node that is down.

    Ctrl-C ends the wait and the command.
    """

    def say(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        wait_seconds = round(state.upcoming_sleep, 1)
        if state.attempt_number == 1:
            message = f"{error}; trying again until this works"
            log.report("waiting", message, wait_seconds=wait_seconds)

    attempts = Retrying(
        retry=retry_if_exception_type(Unavailable),
        wait=wait_exponential_jitter(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS),
        before_sleep=say,
    )
    is_stopping = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_stopping
        if not is_stopping:
            is_stopping = True
            raise KeyboardInterrupt

    with handling(interrupt):
        try:
            return attempts(begin)
        except KeyboardInterrupt:
            log.report("stopped", "the daemon had not started yet")
            raise typer.Exit from None


def run_until_stopped(daemon: "Daemon", world: "World", options: DaemonOptions) -> None:
    """Run until Ctrl-C, SIGTERM or SIGHUP; a second one does not wait for work to end."""
    run_loop(daemon, world.clock, world.reporter, options.poll)


def run_loop(
    daemon: "Loop[Any, Any]", its_clock: "Clock", reporter: "Reporter", poll_seconds: float | None
) -> None:
    """The same, for the loop of any role."""
    stopping, clock = threading.Event(), cast("SystemClock", its_clock)
    asked_seconds = 0.0

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal asked_seconds
        if stopping.is_set():
            if time.monotonic() - asked_seconds > SAME_SIGNAL_SECONDS:
                raise KeyboardInterrupt
            return
        asked_seconds = time.monotonic()
        stopping.set()
        clock.wake()

    with handling(stop):
        reporter.report("watching", "watching the chain; Ctrl-C stops once running work has ended")
        daemon.run(stopping.is_set, poll_seconds)
    reporter.report("stopped", "stopped; transactions that were sent can still land")
