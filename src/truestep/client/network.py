"""From addresses and files to a client: where the contracts are, who sends, where the bytes lie."""

from pathlib import Path
from typing import Any

from web3.providers.base import BaseProvider

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.sender import Signer
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Bug
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, ChainReader
from truestep.ports.store import Store

ZERO_ADDRESS = "0x" + "00" * 20


def open_blobs(place: str) -> Blobs:
    """Blobs behind a URL, or in a directory."""
    if place.startswith(("http://", "https://")):
        return HttpBlobs(place)
    return DirectoryBlobs(Path(place))


def open_reader(node: str | BaseProvider, deployment: Deployment) -> ChainReader:
    """A chain that can only be read. Raises Rejected for another chain, Unavailable for a dead node."""
    return Web3Chain(node, deployment, _NobodysKey(), SqliteStore())


def open_chain(
    node: str | BaseProvider,
    deployment: Deployment,
    signer: Signer,
    store: Store | None = None,
    policy: TransactionPolicy | None = None,
) -> Chain:
    """A chain that `signer` sends to; without a `store` its journal ends with the process."""
    return Web3Chain(node, deployment, signer, store or SqliteStore(), policy)


class _NobodysKey:
    """Stands where a signer must be for somebody who only reads."""

    @property
    def address(self) -> str:
        """The zero address, for calls that need a sender."""
        return ZERO_ADDRESS

    def sign_transaction(self, transaction_dict: Any) -> Any:
        """Never called by a reader."""
        raise Bug("a reader of the chain was asked to sign")
