"""Opens the contract Anchors for commands."""

from typing import TYPE_CHECKING

from truestep.cli.options import NetworkOptions

if TYPE_CHECKING:
    from truestep.adapters.chain.anchors_desk import AnchorsDesk


def desk_of(network: NetworkOptions) -> "AnchorsDesk":
    """What the network's options name. Raises `Rejected` for a network without Anchors."""
    from truestep.adapters.chain.anchors_desk import AnchorsDesk
    from truestep.adapters.chain.deployment import read_deployment

    return AnchorsDesk(network.rpc, read_deployment(network.file))
