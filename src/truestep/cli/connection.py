"""Connects a command to the network that its options name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.cli.fee_options import transaction_policy
from truestep.cli.options import NetworkOptions, ask_password
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.cli.screen import Screen
    from truestep.client import Client
    from truestep.ports.chain import Chain, ChainReader


def connect_client(
    network: NetworkOptions,
    blobs: Sequence[str],
    sender: SenderOptions,
    *,
    screen: "Screen",
    state: Path | None = None,
    max_blob_fee: int | None = None,
) -> "Client":
    """A client that can send. `state` keeps the journal of what it sent."""
    from truestep.client import Client

    deployment = network.file
    return Client.connect(
        rpc=network.rpc,
        deployment=deployment,
        blobs=blobs,
        keystore=sender.keystore,
        password=ask_password(sender.password_file),
        state=state,
        policy=transaction_policy(sender.max_fee, sender.max_tip, max_blob_fee=max_blob_fee),
        on_unknown_code=unknown_code_warning(screen, is_trusted=network.trust_unknown_code),
    )


def connect_sender(network: NetworkOptions, sender: SenderOptions, screen: "Screen") -> "Chain":
    """The chain, to read and to send."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.keystore import open_keystore
    from truestep.composition.network import open_chain

    deployment = read_deployment(network.file)
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    warning = unknown_code_warning(screen, is_trusted=network.trust_unknown_code)
    policy = transaction_policy(sender.max_fee, sender.max_tip)
    return open_chain(network.rpc, deployment, signer, policy=policy, on_unknown_code=warning)


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
