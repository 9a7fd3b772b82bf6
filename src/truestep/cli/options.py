"""Options that several commands share, and the parsers of their text."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from truestep.base.ids import Address, Bytes32
from truestep.base.text import visible
from truestep.base.units import parse_coins
from truestep.cli.failure import Failure
from truestep.client.files import read_input
from truestep.machine.program import Task
from truestep.protocol.settlement.ids import NATIVE, NOBODY

ProgramArgument = Annotated[
    Path,
    typer.Argument(metavar="PROG", help="An ELF file, or a C or Python source to build first."),
]
InputOption = Annotated[
    Path | None,
    typer.Option("--input", "-i", metavar="FILE", help="The input, up to 512 MiB. Default: empty."),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="For Python: refuse a guest that would not do all that it does in Python, where the build else"
        " warns: branches are left out, ints become floats.",
    ),
]
HostOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen; anybody who reaches it can read.")
]
PortOption = Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")]
SeedOption = Annotated[
    str,
    typer.Option(metavar="HEX", help="The job's seed: up to 64 hex digits."),
]
ShardOption = Annotated[str, typer.Option(metavar="I/N", help="The shard to run: I of N, counted from 0.")]


def parse_seed(text: str) -> Bytes32:
    """The seed in hex digits, padded with zeros on the left."""
    digits = text.removeprefix("0x")
    if not re.fullmatch(r"[0-9a-fA-F]{0,64}", digits):
        raise typer.BadParameter(f"expected up to 64 hex digits, got {text!r}", param_hint="--seed")
    return Bytes32(bytes.fromhex(digits.rjust(64, "0")))


def parse_shard(text: str) -> tuple[int, int]:
    """(shard index, shard count) of `I/N`."""
    match = re.fullmatch(r"(\d{1,10})/(\d{1,10})", text)
    if not match:
        raise typer.BadParameter(f"expected a shard such as 0/8, got {text!r}", param_hint="--shard")
    index, count = int(match[1]), int(match[2])
    if not index < count < 2**32:
        raise typer.BadParameter(
            f"expected a shard index from 0 to one below the count, got {text!r}", param_hint="--shard"
        )
    return index, count


def read_task(shard: str, seed: str, input_file: Path | None) -> Task:
    """The task that --shard, --seed and --input describe."""
    shard_index, shard_count = parse_shard(shard)
    content = read_input(input_file)
    return Task(seed=parse_seed(seed), shard_index=shard_index, shard_count=shard_count, input=content)


RpcOption = Annotated[
    list[str],
    typer.Option(
        "--rpc",
        metavar="URL",
        envvar="TRUESTEP_RPC",
        help="A node of the chain. Repeat it to use several that stand in for each other.",
    ),
]
DeploymentOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", envvar="TRUESTEP_DEPLOYMENT", help="The deployment file, which lists the contracts."
    ),
]
NetworkOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        envvar="TRUESTEP_NETWORK",
        help="A network with a name, in place of --deployment; see `truestep network add`.",
    ),
]
STORE_HELP = (
    "Keep the state in PostgreSQL: postgresql://USER@HOST/DATABASE?schema=NAME, one schema for each daemon;"
    " the password from PGPASSWORD or a password file. Default: a file in --state-dir (docs/operating.md)."
)
StoreOption = Annotated[str | None, typer.Option("--store", metavar="URI", help=STORE_HELP)]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-unknown-code",
        help="For developers: use contracts whose code this version does not know. They can take every coin.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """The options of commands that look at a network."""

    rpc: RpcOption
    deployment: DeploymentOption = None
    network: NetworkOption = None
    trust_unknown_code: TrustOption = False

    @property
    def file(self) -> Path:
        """The deployment file."""
        return deployment_file(self.deployment, self.network)


def deployment_file(deployment: Path | None, network: str | None) -> Path:
    """The deployment file that the options name. On the command line they go before the environment."""
    found = chosen_file(deployment, network)
    if found is None:
        raise typer.BadParameter(
            "expected the network to use: --network NAME (`truestep network list` shows the names), or"
            " --deployment FILE",
            param_hint="--network",
        )
    return found


def chosen_file(deployment: Path | None, network: str | None) -> Path | None:
    """The same, or None if the options name none."""
    from truestep.adapters.networks import network_file

    if deployment is not None and network is not None:
        is_deployment_typed = f"{deployment}" != os.environ.get("TRUESTEP_DEPLOYMENT")
        is_network_typed = network != os.environ.get("TRUESTEP_NETWORK")
        if is_deployment_typed == is_network_typed:
            raise typer.BadParameter(
                "expected one network: --network and --deployment both name one (so do TRUESTEP_NETWORK and"
                " TRUESTEP_DEPLOYMENT); leave one out",
                param_hint="--network",
            )
        return deployment if is_deployment_typed else network_file(network)
    return network_file(network) if network is not None else deployment


def _consensus_nodes(urls: list[str] | None) -> list[str] | None:
    """Daemons ask these only in need: a wrong one must be found before."""
    for url in urls or []:
        if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url):
            raise typer.BadParameter(
                "expected the http or https URL of a consensus node, such as http://127.0.0.1:5052, without ?"
                f" or #, got {visible(url)}",
                param_hint="--beacon",
            )
    return urls


BeaconOption = Annotated[
    list[str] | None,
    typer.Option(
        "--beacon",
        metavar="URL",
        envvar="TRUESTEP_BEACON",
        callback=_consensus_nodes,
        help="A consensus node (Beacon API), for blobs that transactions have published. Repeat it for others"
        " that replace it.",
    ),
]
BlobsOption = Annotated[
    list[str],
    typer.Option(
        metavar="URL|DIR",
        envvar="TRUESTEP_BLOBS",
        help="A store of programs, inputs and outputs. Repeat it to use several.",
    ),
]
ReadBlobsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--blobs",
        metavar="URL|DIR",
        envvar="TRUESTEP_BLOBS",
        help="A store that has it. Repeat it to use several. Not needed for what keepers keep.",
    ),
]
KeystoreOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE", envvar="TRUESTEP_KEYSTORE", help="The account's key; see `truestep account new`."
    ),
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="TRUESTEP_PASSWORD_FILE",
        help="Password of the keystore, in the first line. Default: ask.",
    ),
]

_UNITS_BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_size(text: str) -> int:
    """The bytes that `512MiB`, `2GiB`, `64KiB` or a plain number stands for."""
    match = re.fullmatch(r"(\d{1,18})\s*(|KiB|MiB|GiB)", text.strip())
    if match is None:
        raise typer.BadParameter(f"expected a size such as 512MiB or 2GiB, got {text!r}")
    return int(match[1]) * _UNITS_BYTES[match[2]]


MemoryLimitOption = Annotated[
    int | None,
    typer.Option(
        metavar="SIZE",
        parser=parse_size,
        help="Memory that a run may write, such as 512MiB; it is stopped above that. Default: no limit.",
    ),
]


def parse_amount(text: str, option: str) -> int:
    """The wei in an amount of coins: `0.05`, `0.05eth`, `20gwei` or `7wei`."""
    amount_wei = parse_coins(text)
    if amount_wei is not None:
        return amount_wei
    raise typer.BadParameter(
        f"expected an amount such as 0.05, 20gwei or 7wei, got {text!r}", param_hint=option
    )


def refuse_nothing(amount: int, option: str) -> None:
    """Refuse to pay gas for moving nothing."""
    if amount == 0:
        raise typer.BadParameter("expected an amount above 0", param_hint=option)


JobArgument = Annotated[int, typer.Argument(metavar="JOB", min=1, help="The job's number.")]


def parse_reward(text: str, asset: Address, option: str) -> int:
    """A reward: an amount of native coins, or a whole number of a token's smallest units."""
    if asset == NATIVE:
        return parse_amount(text, option)
    if not re.fullmatch(r"\d{1,30}", text.strip()):
        raise typer.BadParameter(
            f"expected a whole number of the token's smallest units, such as 2500000, got {text!r}",
            param_hint=option,
        )
    return int(text)


def ask_password(password_file: Path | None, *, is_new: bool = False) -> str:
    """The password in the file, or else the one typed at the terminal."""
    from truestep.adapters.keystore import read_password

    if password_file is not None:
        password = read_password(password_file)
        if is_new and not password:
            raise Failure("password", f"expected a password in the first line of {password_file}, got none")
        return password
    if not sys.stdin.isatty():
        raise Failure("password", "expected a password, got no terminal to ask on; give --password-file FILE")
    return typer.prompt("password", hide_input=True, confirmation_prompt=is_new, err=True)


def parse_address(text: str, option: str) -> Address:
    """An address of 40 hex digits. If letters are mixed, their case is a checksum, which must be right."""
    from truestep.adapters.addresses import checked_address

    found = checked_address(text)
    if found is None:
        raise typer.BadParameter(
            "expected an address, 0x and 40 hex digits (with its checksum, if letters are mixed),"
            f" got {text!r}",
            param_hint=option,
        )
    if found == NOBODY:
        raise typer.BadParameter(
            f"expected an account or a contract, got the zero address, which is nobody's: {text!r}",
            param_hint=option,
        )
    return found
