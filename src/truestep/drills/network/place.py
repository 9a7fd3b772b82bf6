"""Where a drill of the network takes place: a node, the contracts of a devnet, a blob store, accounts."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.keystore import create_keystore, open_keystore
from truestep.base.errors import Unavailable
from truestep.base.ids import Address
from truestep.composition.network import open_reader
from truestep.devnet.network import (
    HASHED_PAGES_PER_SECOND,
    PASSWORD,
    SEND_SECONDS,
    SET_UP_STEPS,
    START_SECONDS,
    DevnetFolder,
    devnet_parameters,
    set_up,
)
from truestep.drills.purses import Purse, Purses, changes
from truestep.protocol.availability.facts import Facts
from truestep.protocol.settlement.parameters import Parameters

BLOCK_SECONDS = 1
WINDOW_SECONDS = 1_920
"""Of claims: a clock of a game has four minutes then, which ten daemons on two cores can keep."""
START_TRIES = 3
"""Attempts at the contracts: on a computer that is busy otherwise, a new node may not answer in time."""
CHALLENGER = "challenger"


class Place:
    """One network. Daemons are started in it by others; all that is here ends with it."""

    def __init__(self, folder: Path, anvil: Path, progress: Callable[[int, str], None]) -> None:
        """Start the node and deploy the contracts; `progress` counts to SET_UP_STEPS.

        Raises `Unavailable` if the node does not start.
        """
        self._stack = ExitStack()
        self._folder = DevnetFolder(path=folder)
        self.parameters = devnet_parameters(WINDOW_SECONDS)
        chain = self._chain = AnvilDevnet(anvil)
        self._stack.callback(chain.stop)
        self.deployment = _deployed(chain, self._folder, self.parameters, progress)
        self.web3: Any = connect(chain.node)
        self.blobs = DirectoryBlobs(self._folder.blobs)
        store = BlobServer(self.blobs)
        self._stack.callback(store.close)
        self.store_url = store.url
        self.reader = open_reader(chain.node, self.deployment)
        self.accounts: dict[str, Address] = {}
        self._purses = Purses(self.web3, self.deployment)

    def close(self) -> None:
        """End the node and the store."""
        self._stack.close()

    @property
    def folder(self) -> Path:
        """Where all files are."""
        return self._folder.path

    @property
    def url(self) -> str:
        """The node's."""
        return self._chain.node

    @property
    def deployment_file(self) -> Path:
        """The file that names the contracts."""
        return self._folder.deployment

    @property
    def environment(self) -> dict[str, str]:
        """Variables for daemons, as those that `truestep devnet` writes."""
        return {
            "TRUESTEP_RPC": self.url,
            "TRUESTEP_DEPLOYMENT": f"{self.deployment_file.absolute()}",
            "TRUESTEP_BLOBS": self.store_url,
            "TRUESTEP_PASSWORD_FILE": f"{self._folder.password.absolute()}",
            "TRUESTEP_SEND_SECONDS": f"{SEND_SECONDS}",
            "TRUESTEP_START_SECONDS": f"{START_SECONDS}",
            "TRUESTEP_HASHED_PAGES_PER_SECOND": f"{HASHED_PAGES_PER_SECOND}",
        }

    # --- accounts and their coins ---------------------------------------------------------------------

    def enter(self, name: str, coins_wei: int) -> None:
        """Make an account of this name and give it coins."""
        path = self.keystore(name)
        if not path.exists():
            create_keystore(path, PASSWORD, guards_money=False)
        self.accounts[name] = Address(self.signer(name).address)
        self._chain.fund(self.accounts[name], coins_wei)

    def keystore(self, name: str) -> Path:
        """The file with somebody's key."""
        return self._folder.keystore(name)

    def signer(self, name: str) -> Any:
        """Somebody's key."""
        return open_keystore(self.keystore(name), PASSWORD)

    def purses(self) -> dict[str, Purse]:
        """What everybody owns. Nobody has data kept here."""
        return self._purses.look(self.accounts, self.web3.eth.block_number, Facts())

    def changes_since(self, before: dict[str, Purse]) -> dict[str, int]:
        """What everybody has gained or lost, gas counted apart."""
        return changes(before, self.purses())

    # --- time -----------------------------------------------------------------------------------------

    def go(self) -> None:
        """From now on a block comes by itself, every second."""
        self._chain.mine_by_the_clock(BLOCK_SECONDS)

    def now(self) -> int:
        """The time of the newest block."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def skip(self, seconds: int) -> None:
        """Move the chain's clock on."""
        self._chain.advance(seconds)

    def gas_used(self, first_block: int) -> dict[str, int]:
        """The gas of everybody's transactions since a block, by name."""
        names = {account.lower(): name for name, account in self.accounts.items()}
        used = dict.fromkeys(self.accounts, 0)
        for number in range(first_block, self.web3.eth.block_number + 1):
            for receipt in self.web3.provider.make_request("eth_getBlockReceipts", [hex(number)])["result"]:
                name = names.get(receipt["from"].lower())
                if name is not None:
                    used[name] += int(receipt["gasUsed"], 16)
        return used


START_STEPS = SET_UP_STEPS
"""What the progress of a start counts to."""


def _deployed(
    chain: AnvilDevnet, folder: DevnetFolder, parameters: Parameters, progress: Callable[[int, str], None]
) -> Deployment:
    attempts = Retrying(
        retry=retry_if_exception_type(Unavailable), stop=stop_after_attempt(START_TRIES), reraise=True
    )
    deployment, _ = attempts(set_up, chain, folder, parameters, progress)
    return deployment
