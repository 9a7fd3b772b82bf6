"""What other nodes do: methods they lack, limits they set, reasons and receipts that are not true."""

from __future__ import annotations

from typing import Any

from tests.lab.faults import Answer, Error, Spoil, Stale, Status
from tests.lab.scenario import rules, scenario
from tests.lab.scenarios.story import Story
from tests.lab.world import World

LONG_RULES = rules(clock_seconds=90)
"""Where it lasts for most of a usual clock."""
STRANGER = "0x" + "77" * 20
OPTIONAL_METHODS = (
    "eth_feeHistory",
    "eth_maxPriorityFeePerGas",
    "eth_getBlockReceipts",
    "eth_gasPrice",
    "web3_clientVersion",
    "net_version",
)
UNTRUE_REASONS = (
    "nonce too low",
    "insufficient funds for gas * price + value",
    "already known",
    "replacement transaction underpriced",
    "txpool is full",
)


@scenario("oldnode")
class OldNode(Story):
    """The node has no fee history, no fee hints, no receipts of whole blocks."""

    waves = 2

    def at_start(self, world: World) -> None:
        """Everywhere."""
        for proxy in self.proxies():
            proxy.rules.add(Error(-32601, "the method does not exist/is not available"), OPTIONAL_METHODS)


@scenario("nobatch")
class NoBatches(Story):
    """Several requests at once are refused with 413."""

    waves = 2

    def at_start(self, world: World) -> None:
        """Everywhere."""
        for proxy in self.proxies():
            proxy.takes_batches = False


@scenario("smallranges")
class SmallRanges(Story):
    """Logs may be asked for over three blocks at once, no more."""

    waves = 2

    def at_start(self, world: World) -> None:
        """Everywhere."""
        for proxy in self.proxies():
            proxy.range_limit_blocks = 3


@scenario("doublelogs")
class DoubleLogs(Story):
    """Each log comes twice, in another order, and logs of other contracts come along."""

    waves = 2

    def at_start(self, world: World) -> None:
        """Everywhere."""

        def shuffled(logs: Any) -> Any:
            return [*reversed(logs), *(log | {"address": STRANGER} for log in logs), *logs]

        for proxy in self.proxies():
            proxy.rules.add(Spoil(shuffled), "eth_getLogs")


@scenario("falserevert")
class FalseRevert(Story):
    """For 30 s every estimate of gas says that execution reverted, without a reason."""

    waves = 2
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """No intent may be given up for it."""
        for proxy in self.proxies():
            proxy.rules.add(Error(3, "execution reverted"), "eth_estimateGas", seconds=30)


@scenario("sendlies")
class SendLies(Story):
    """For 40 s half of all sends are refused with a reason that is not true."""

    waves = 3
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """Each reason has once ended a daemon's patience."""
        for proxy in self.proxies():
            for reason in UNTRUE_REASONS:
                fault = Error(-32000, reason)
                proxy.rules.add(fault, "eth_sendRawTransaction", probability=0.15, seconds=40)


@scenario("failedreceipts")
class FailedReceipts(Story):
    """For 20 s receipts say that transactions failed which did not."""

    waves = 2
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """A move that is thought to have failed is made again, or found on the chain."""

        def failed(receipt: Any) -> Any:
            return receipt and receipt | {"status": "0x0", "logs": []}

        for proxy in self.proxies():
            proxy.rules.add(Spoil(failed), "eth_getTransactionReceipt", seconds=20)


@scenario("otherchain")
class OtherChain(Story):
    """For 20 s the node says that it is of another chain."""

    waves = 2
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """As when a provider routes a request wrongly."""
        for proxy in self.proxies():
            proxy.rules.add(Answer("0x1"), "eth_chainId", seconds=20)


@scenario("frozen")
class Frozen(Story):
    """For 40 s one of two endpoints stands still, and the other often fails."""

    waves = 2
    parameters = LONG_RULES
    endpoints = 2

    def in_dispute(self, world: World) -> None:
        """The one that fails is the one that knows."""
        for frozen, failing in (self.worker_proxies, self.challenger_proxies):
            frozen.rules.add(Stale(30), seconds=40)
            failing.rules.add(Status(503), probability=0.3, seconds=40)
