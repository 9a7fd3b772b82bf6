"""From a command's options to a client."""

from pathlib import Path
from typing import TYPE_CHECKING

from truestep.cli.options import ask_password

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.client import Client
    from truestep.ports.chain import ChainReader


def connect_client(
    rpc: str, deployment: Path, blobs: str, keystore: Path, password_file: Path | None
) -> "Client":
    """A client that can send."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client import Client
    from truestep.client.accounts import open_keystore
    from truestep.client.network import open_blobs, open_chain

    network = read_deployment(deployment)
    signer = open_keystore(keystore, ask_password(password_file))
    return Client(open_chain(rpc, network, signer), open_blobs(blobs), network)


def connect_reader(rpc: str, deployment: Path) -> tuple["ChainReader", "Deployment"]:
    """A chain to read, and what its deployment file says."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client.network import open_reader

    network = read_deployment(deployment)
    return open_reader(rpc, network), network
