"""Delays of the timelock on a devnet, whose time can be moved."""

from typing import Protocol

from truestep.cli.entry_words import moment
from truestep.cli.failure import Failure
from truestep.cli.options import NetworkOptions

SKIP_TRIES = 5
"""A devnet's clock and its newest block differ by a second or so, either way."""


class Timed(Protocol):
    """A chain and its time."""

    @property
    def chain_id(self) -> int:
        """Which chain it is."""
        ...

    def now(self) -> int:
        """The time of the newest block."""
        ...


def skip_time(network: NetworkOptions, chain: Timed, due_at: int) -> None:
    """Move a devnet's time to `due_at`. Raises Failure for any other chain."""
    from truestep.composition.network import DEVNET_CHAINS
    from truestep.devnet.remote import RemoteDevnet

    if chain.chain_id not in DEVNET_CHAINS:
        raise Failure(
            "no devnet",
            f"chain {chain.chain_id} is no devnet, and nobody moves its time; leave out --skip-delay, and"
            f" execute from {moment(due_at)} on",
        )
    devnet = RemoteDevnet(network.rpc[0].split()[0])
    for _ in range(SKIP_TRIES):
        left = due_at - chain.now()
        if left <= 0:
            return
        devnet.advance(left + 1)
