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
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from truestep.cli.interruption import handling
from truestep.cli.options import ask_password
from truestep.client.engines import EngineName, open_engine

if TYPE_CHECKING:
    from truestep.adapters.clock import SystemClock
    from truestep.node.daemon import Daemon, World

StateOption = Annotated[
    Path,
    typer.Option("--state-dir", metavar="DIR", help="Where it remembers what it did. One for each account."),
]
PollOption = Annotated[
    float, typer.Option("--poll", metavar="SECONDS", min=0.05, help="How often it looks at the chain.")
]
LogJsonFlag = Annotated[bool, typer.Option("--json", help="Log one JSON object a line, on stdout.")]

_STYLES = {
    "_refused": "red",
    "_reverted": "red",
    "unavailable": "yellow",
    "declined": "dim",
    "_landed": "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a daemon finds its network, its key and its memory."""

    rpc: str
    deployment: Path
    blobs: str
    keystore: Path
    password_file: Path | None
    state_dir: Path


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


@contextmanager
def opened_world(places: Places, engine: EngineName, room: int, *, as_json: bool) -> Generator["World"]:
    """Everything a daemon needs; its store is closed at the end."""
    from truestep.adapters.blobs.kept import KeptBlobs
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.clock import SystemClock
    from truestep.adapters.executor.threads import ThreadExecutor
    from truestep.adapters.store.sqlite import SqliteStore
    from truestep.client.accounts import open_keystore
    from truestep.client.network import open_blobs, open_chain
    from truestep.node.daemon import World

    signer = open_keystore(places.keystore, ask_password(places.password_file))
    deployment = read_deployment(places.deployment)
    with SqliteStore(places.state_dir / "state.sqlite") as store:
        yield World(
            chain=open_chain(places.rpc, deployment, signer, store),
            store=store,
            blobs=KeptBlobs(open_blobs(places.blobs), places.state_dir / "blobs"),
            engine=open_engine(engine),
            executor=ThreadExecutor(room),
            clock=SystemClock(),
            reporter=LogLines(as_json=as_json),
        )


def run_until_stopped(daemon: "Daemon", clock: "SystemClock", poll_seconds: float) -> None:
    """Run until Ctrl-C or a polite kill; a second one does not wait for work to end."""
    stopping = threading.Event()

    def stop(number: int, _: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()
        clock.wake()

    with handling(stop):
        daemon.run(stopping.is_set, poll_seconds)


def _whole(kind: str, message: str, fields: dict[str, int | float | str | bool]) -> str:
    """The message; what became of a transaction says which one."""
    return f"{fields['intent']} {message}" if kind.endswith(("_landed", "_reverted")) else message


def _gas(fields: dict[str, int | float | str | bool]) -> str:
    gas_used = fields.get("gas_used")
    return f" ({gas_used:,} gas)" if isinstance(gas_used, int) and gas_used else ""
