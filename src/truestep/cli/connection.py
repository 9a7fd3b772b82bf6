"""Connects a command to the network that its options name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.adapters.chain.deployment import read_deployment
from truestep.cli.fee_options import transaction_policy
from truestep.cli.options import NetworkOptions, ask_password
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.adapters.chain.draws import DrawsReader
    from truestep.cli.screen import Screen
    from truestep.client import Client
    from truestep.ports.chain import Chain, ChainReader
    from truestep.ports.store import Store

READING = "reading what the chain says of this network"


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
    from truestep.adapters.store.sqlite import SqliteStore
    from truestep.client import Client
    from truestep.composition.network import deployment_store, open_blobs

    deployment = read_deployment(network.file)
    store = deployment_store(SqliteStore(state), deployment, OtherNetworks(screen))
    chain = _connected(network, sender, screen, deployment, store, max_blob_fee)
    return Client(chain, open_blobs(blobs), deployment, places=blobs, is_remembering=state is not None)


def connect_journal(
    network: NetworkOptions, sender: SenderOptions, screen: "Screen", state: Path
) -> tuple["Chain", "Deployment", "Store"]:
    """A chain to read and to send, whose journal is in a store that others may use too."""
    from truestep.adapters.store.sqlite import SqliteStore
    from truestep.composition.network import deployment_store

    deployment = read_deployment(network.file)
    store = deployment_store(SqliteStore(state), deployment, OtherNetworks(screen))
    return _connected(network, sender, screen, deployment, store), deployment, store


def connect_sender(network: NetworkOptions, sender: SenderOptions, screen: "Screen") -> "Chain":
    """The chain, to read and to send."""
    return _connected(network, sender, screen, read_deployment(network.file), None)


def _connected(
    network: NetworkOptions,
    sender: SenderOptions,
    screen: "Screen",
    deployment: "Deployment",
    store: "Store | None",
    max_blob_fee: int | None = None,
) -> "Chain":
    """The chain, with its journal in a store or in memory."""
    from truestep.adapters.keystore import open_keystore
    from truestep.composition.network import open_chain

    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    screen.doing(READING)
    return open_chain(
        network.rpc,
        deployment,
        signer,
        store,
        transaction_policy(sender.max_fee, sender.max_tip, max_blob_fee=max_blob_fee),
        reporter=Waits(screen),
        on_unknown_code=unknown_code_warning(screen, is_trusted=network.trust_unknown_code),
    )


def draws_reader(network: NetworkOptions) -> "DrawsReader":
    """What Randomness and Sortition of the network say."""
    from truestep.adapters.chain.connection import connect
    from truestep.adapters.chain.draws import DrawsReader

    return DrawsReader(connect(network.rpc), read_deployment(network.file))


def connect_reader(network: NetworkOptions, screen: "Screen") -> tuple["ChainReader", "Deployment"]:
    """A chain to read, and what its deployment file says."""
    from truestep.composition.network import open_reader

    deployment = read_deployment(network.file)
    screen.doing(READING)
    warning = unknown_code_warning(screen, is_trusted=network.trust_unknown_code)
    return open_reader(network.rpc, deployment, warning), deployment


def unknown_code_warning(screen: "Screen", *, is_trusted: bool) -> Callable[[str], None] | None:
    """Says what `--trust-unknown-code` means for these contracts; None without that option."""
    return (lambda sentence: screen.warn([f"{sentence}: it may take every coin"])) if is_trusted else None


class Waits:
    """Satisfies `Reporter`: lets the screen know which transaction is waited for."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen

    def report(self, kind: str, message: str, **_: int | float | str | bool) -> None:
        """What nodes do is not told: a command fails if all of them fail, and says why."""
        from truestep.adapters.chain.web3_chain import LANDED, SENT

        if kind in (SENT, LANDED):
            self._screen.in_flight(message if kind == SENT else "")


class OtherNetworks:
    """Satisfies `Reporter`: says if a state file was used with another network."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """The usual case, one network, need not be said."""
        if kind == "deployment" and fields.get("others"):
            self._screen.note(message)
