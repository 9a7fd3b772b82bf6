"""Connects a command to the network that its options name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.cli.options import ask_password

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.adapters.chain.fees import TransactionPolicy
    from truestep.client import Client
    from truestep.ports.chain import ChainReader


def connect_client(
    rpc: Sequence[str],
    deployment: Path,
    blobs: Sequence[str],
    keystore: Path,
    password_file: Path | None,
    *,
    policy: "TransactionPolicy | None" = None,
    state: Path | None = None,
) -> "Client":
    """A client that can send. `state` keeps the journal of what it sent."""
    from truestep.client import Client

    password = ask_password(password_file)
    return Client.connect(
        rpc=rpc,
        deployment=deployment,
        blobs=blobs,
        keystore=keystore,
        password=password,
        state=state,
        policy=policy,
    )


def connect_reader(rpc: Sequence[str], deployment: Path) -> tuple["ChainReader", "Deployment"]:
    """A chain to read, and what its deployment file says."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.composition.network import open_reader

    network = read_deployment(deployment)
    return open_reader(rpc, network), network
