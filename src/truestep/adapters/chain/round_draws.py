"""Asks Randomness whether a round draws something now (docs/assignment.md)."""

from web3 import Web3

from truestep.adapters.chain.connection import Node, asking_node, check_chain, connect
from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Rejected
from truestep.base.ids import Address

_DRAWING = bytes(Web3.keccak(text="drawing(uint256)"))[:4]
_WORD_BYTES = 32


class RoundDraws:
    """Satisfies `truestep.ports.draws.Draws`. For one thread."""

    def __init__(self, node: Node, deployment: Deployment) -> None:
        """Nothing is asked yet. Raises `Rejected` for what is no URL."""
        self._web3 = connect(node)
        check_chain(self._web3, deployment.chain_id)
        self._randomness: Address = deployment.address("Randomness")

    def can_draw(self, since: int) -> bool:
        """Whether a round draws now what happened then. A refusal is a no."""
        payload = _DRAWING + since.to_bytes(_WORD_BYTES, "big")
        try:
            with asking_node():
                self._web3.eth.call({"to": Web3.to_checksum_address(self._randomness), "data": payload})
        except Rejected:
            return False
        return True
