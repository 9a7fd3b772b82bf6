"""A development chain that runs elsewhere (anvil, `truestep devnet`), used by its URL."""

from web3 import Web3
from web3.types import RPCEndpoint

from truestep.adapters.chain.connection import asking_node, connect
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address

FUNDING_SECONDS = 30.0


class RemoteDevnet:
    """Satisfies `truestep.adapters.chain.devnet.Devnet`. It does not end a chain that it did not start."""

    def __init__(self, url: str) -> None:
        """Connect. Raises Unavailable for a dead node, Rejected if it is not a development chain."""
        self._url = url
        self._web3 = connect(url)
        with asking_node():
            accounts = self._web3.eth.accounts
        if not accounts:
            raise Rejected(
                Reject.WRONG_CHAIN,
                f"expected a development chain with rich accounts at {url}, got one without; start one with"
                " `truestep devnet` or `anvil`",
            )
        self._rich = accounts[0]

    @property
    def node(self) -> str:
        """What `connect` takes."""
        return self._url

    def advance(self, seconds: int) -> None:
        """Mine a block so much later than the newest one."""
        target = self._newest_seconds() + seconds
        self._skip(seconds)
        # Blocks that are mined quickly run ahead of the chain's clock, and that is what was moved.
        missing = target - self._newest_seconds()
        if missing > 0:
            self._skip(missing)

    def _skip(self, seconds: int) -> None:
        with asking_node():
            self._web3.provider.make_request(RPCEndpoint("evm_increaseTime"), [seconds])
            self._web3.provider.make_request(RPCEndpoint("evm_mine"), [])

    def _newest_seconds(self) -> int:
        with asking_node():
            return int(self._web3.eth.get_block("latest").get("timestamp", 0))

    def fund(self, account: Address, amount_wei: int) -> None:
        """Give coins to an account, from the first rich one."""
        with asking_node():
            sent = self._web3.eth.send_transaction(
                {
                    "from": self._rich,
                    "to": Web3.to_checksum_address(account),
                    "value": Web3.to_wei(amount_wei, "wei"),
                }
            )
            self._web3.eth.wait_for_transaction_receipt(sent, timeout=FUNDING_SECONDS, poll_latency=0.05)

    def stop(self) -> None:
        """Leave it running."""
