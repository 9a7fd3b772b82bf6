"""`truestep devnet`: runs a whole network on this computer, except for the workers."""

import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from truestep.cli.failure import Failure
from truestep.cli.interruption import handling
from truestep.cli.phases import PhaseName, phase_of
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.chain.devnet import Devnet
    from truestep.devnet.network import DevnetFolder

EXAMPLE = "Example: truestep devnet --port 8545 --directory devnet"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="devnet", epilog=EXAMPLE)(devnet)


@guarded
def devnet(
    port: Annotated[
        int, typer.Option(min=0, max=65_534, help="Port to listen on; 0 takes a free one.")
    ] = 8545,
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for keys, addresses and blobs.")
    ] = Path("devnet"),
    anvil: Annotated[
        str | None,
        typer.Option(
            metavar="PROGRAM|URL", help="An anvil to start or to connect to. Default: a chain in Python."
        ),
    ] = None,
    window: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            max=45 * 86_400,
            help="Length of the challenge window, in whole minutes. At least 240.",
        ),
    ] = 240,
    phase: Annotated[
        PhaseName,
        typer.Option(help="Who may lock stake at first: the governor moves it forward."),
    ] = PhaseName.OPEN,
    fresh_share: Annotated[
        str,
        typer.Option(
            metavar="SHARE",
            help="The part of its stake that a new operator may have at risk at once: 10% to 100%. Other"
            " networks have 50% unless they say otherwise.",
        ),
    ] = "100%",
    as_json: JsonFlag = False,
) -> None:
    """Run a local network: a chain, the contracts, funded accounts and a blob store.

    It listens only on 127.0.0.1 and runs until Ctrl-C; then the chain is gone. The keys in the directory are
    not secret: never send anything of value to them. With --json the object is printed once everything is
    ready.

    Empty blocks keep the chain's time going: one per second for four minutes after a transaction, then one
    every 12 s. A chain at a URL is made to mine them too while this command runs.
    """
    from truestep.devnet import network
    from truestep.devnet.windows import largest_job_cycles

    _check_window(window)
    admission = network.devnet_admission(phase_of(phase), _share(fresh_share))
    is_elsewhere = anvil is not None and anvil.startswith(("http://", "https://"))
    screen = Screen(as_json=as_json)
    folder = network.DevnetFolder(path=directory)
    with closing(_hold(folder)), _chain(folder, port, anvil) as (chain, rpc, blobs):
        with screen.steps("starting", network.SET_UP_STEPS) as progress:
            parameters = network.devnet_parameters(window)
            deployment, addresses = network.set_up(chain, folder, parameters, progress, admission)
        network.write_environment(folder, rpc, blobs)
        fields = {"rpc": rpc, "blobs": blobs, "chain_id": deployment.chain_id, "window_seconds": window}
        _show(screen, fields | {"largest_job_cycles": largest_job_cycles(window)}, folder, addresses)
        screen.note(
            f"\nIn other terminals: [bold]source {escape(str(folder.environment))}[/]. Ctrl-C ends it."
        )
        _wait_for_interrupt()
    screen.note(
        f"stopped; {rpc} keeps running, but no longer mines empty blocks"
        if is_elsewhere
        else "stopped; the chain is gone"
    )


def _show(
    screen: Screen, network: dict[str, str | int], folder: "DevnetFolder", addresses: Mapping[str, str]
) -> None:
    files = {"deployment": str(folder.deployment), "password_file": str(folder.password)}
    shown = {name: f"{value}" for name, value in (network | files).items()}
    shown |= {role: f"{address}  {folder.keystore(role)}" for role, address in addresses.items()}
    screen.result({**network, **files, "accounts": addresses} if screen.as_json else shown)


def _share(text: str) -> int:
    from truestep.base.units import parse_share
    from truestep.protocol.settlement.parameters import BPS
    from truestep.protocol.settlement.standing import SHARE_MIN_BPS

    found = parse_share(text)
    if found is None or not SHARE_MIN_BPS <= found <= BPS:
        raise typer.BadParameter(
            f"expected a share from 10% to 100%, got {text!r}", param_hint="--fresh-share"
        )
    return found


def _check_window(seconds: int) -> None:
    """Refuse a window that the contracts refuse, or with which workers would silently take no job."""
    from truestep.devnet.network import WINDOW_CLOCKS
    from truestep.devnet.windows import SMALL_JOB_CYCLES, least_window_seconds
    from truestep.protocol.settlement.parameters import CLOCK_MIN_SECONDS, MINUTE_SECONDS

    least = least_window_seconds()
    if seconds < least or seconds % MINUTE_SECONDS:
        raise typer.BadParameter(
            f"expected whole minutes, at least {least} seconds, got {seconds}: a window has {WINDOW_CLOCKS}"
            f" clocks of a dispute, a clock has at least {CLOCK_MIN_SECONDS} seconds, and within one a worker"
            f" must be able to defend a job of {SMALL_JOB_CYCLES:,} cycles",
            param_hint="--window",
        )


def _hold(folder: "DevnetFolder") -> IO[str]:
    """Keep the folder from other devnets, which would point its files at their own chains."""
    from truestep.adapters.lock import Held, hold

    try:
        return hold(folder.lock)
    except Held as error:
        raise Failure(
            "directory in use",
            f"expected a directory of its own, but {folder.path} belongs to the running devnet of process"
            f" {error.holder}; end that one, or choose another with --directory",
        ) from error


@contextmanager
def _chain(
    folder: "DevnetFolder", port: int, anvil: str | None
) -> Generator[tuple["Devnet", str, str], None, None]:
    """The chain, its RPC URL and the blob store's."""
    from truestep.adapters.blobs.directory import DirectoryBlobs
    from truestep.adapters.blobs.server import BlobServer
    from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet
    from truestep.adapters.web_server import CannotListen
    from truestep.devnet.block_times import mining
    from truestep.devnet.remote import RemoteDevnet
    from truestep.devnet.rpc import DevnetRpc
    from truestep.devnet.server import serving

    blobs = DirectoryBlobs(folder.blobs)
    with ExitStack() as stack:
        if anvil is None:
            url = stack.enter_context(serving(DevnetRpc(EmbeddedDevnet()), blobs, port))
            yield RemoteDevnet(url), url, f"{url}/blobs"
            return
        if anvil.startswith(("http://", "https://")):
            chain: RemoteDevnet | AnvilDevnet = RemoteDevnet(anvil)
        elif Path(anvil).is_file():
            chain = AnvilDevnet(Path(anvil).absolute(), port=port or None)
        else:
            raise Failure(
                "anvil", f"expected a program or a URL, found no file at {anvil}; `make anvil` installs it"
            )
        stack.callback(chain.stop)
        stack.enter_context(mining(chain.node))
        try:
            server = BlobServer(blobs, port=port + 1 if port else 0)
        except CannotListen as error:
            raise Failure(
                "address", f"{error}, for the blob store; choose another pair of ports with --port"
            ) from error
        stack.callback(server.close)
        yield chain, chain.node, server.url


def _wait_for_interrupt() -> None:
    """Until Ctrl-C, SIGTERM or SIGHUP."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    with handling(stop):
        stopping.wait()
