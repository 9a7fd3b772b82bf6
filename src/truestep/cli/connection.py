"""Connects a command to the network that its options name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.cli.options import NetworkOptions, ask_password

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.adapters.chain.fees import TransactionPolicy
    from truestep.cli.screen import Screen
    from truestep.client import Client
    from truestep.ports.chain import ChainReader


def connect_client(
    network: NetworkOptions,
    blobs: Sequence[str],
    keystore: Path,
    password_file: Path | None,
    *,
    screen: "Screen",
    policy: "TransactionPolicy | None" = None,
    state: Path | None = None,
) -> "Client":
    """A client that can send. `state` keeps the journal of what it sent."""
    from truestep.client import Client

    deployment = network.file
    password = ask_password(password_file)
    return Client.connect(
        rpc=network.rpc,
        deployment=deployment,
        blobs=blobs,
        keystore=keystore,
        password=password,
        state=state,
        policy=policy,
        on_unknown_code=unknown_code_warning(screen, is_trusted=network.trust_unknown_code),
    )


def connect_reader(network: NetworkOptions, screen: "Screen") -> tuple["ChainReader", "Deployment"]:
    """A chain to read, and what its deployment file says."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.composition.network import open_reader

    deployment = read_deployment(network.file)
    warning = unknown_code_warning(screen, is_trusted=network.trust_unknown_code)
    return open_reader(network.rpc, deployment, warning), deployment


def unknown_code_warning(screen: "Screen", *, is_trusted: bool) -> Callable[[str], None] | None:
    """Says what `--trust-unknown-code` means for these contracts; None without that option."""
    return (lambda sentence: screen.warn([f"{sentence}: it may take every coin"])) if is_trusted else None
