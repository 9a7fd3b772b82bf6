"""What an ordinary outage does to endpoints, in the middle of disputes."""

from __future__ import annotations

from typing import Any

from tests.lab.faults import (
    Answer,
    Close,
    Delay,
    DropLogs,
    Error,
    Fault,
    Hang,
    Html,
    Spoil,
    Stale,
    Status,
)
from tests.lab.scenario import rules, scenario
from tests.lab.scenarios.story import Story
from tests.lab.world import World
from truestep.adapters.chain.settlement import event_topic
from truestep.protocol.settlement.contracts.disputes import Opened

RECEIPTS = ("eth_getTransactionReceipt", "eth_getBlockReceipts")
LONG_RULES = rules(clock_seconds=90)
"""Where an outage itself lasts for a minute."""


@scenario("calm")
class Calm(Story):
    """Nothing goes wrong: what every other scenario is compared with."""


@scenario("brief")
class Brief(Story):
    """A short story for the test suite: one true claim disputed, one lie, every tenth request refused."""

    true_tasks = 1

    def at_start(self, world: World) -> None:
        """Little enough that nothing is late."""
        for proxy in self.proxies():
            proxy.rules.add(Status(429), probability=0.1)


@scenario("429")
class TooManyRequests(Story):
    """One request in five is refused with 429, with and without Retry-After, or with a rate-limit error."""

    waves = 3
    told = r"429|rate limit|refused|unavailable|endpoint"

    def at_start(self, world: World) -> None:
        """For everybody, from the start."""
        for proxy in self.proxies():
            proxy.rules.add(Status(429), probability=0.1)
            proxy.rules.add(Status(429, retry_after_seconds=1), probability=0.06)
            proxy.rules.add(Error(-32005, "rate limit exceeded"), probability=0.05)


@scenario("droplog")
class DroppedLog(Story):
    """The node leaves the `Opened` log of one game out for 14 s, and that of another for ever."""

    told = r"missed|differ|left out|rescan|read again|reread|index|audit"
    lies = 0

    def at_start(self, world: World) -> None:
        """Only the worker's node."""
        topic = f"0x{event_topic(Opened).hex()}"
        claims: list[str] = []

        def is_first(log: dict[str, Any]) -> bool:
            """Whether it is about the claim that was disputed first."""
            if log["topics"][0] == topic and not claims:
                claims.append(log["topics"][2])
            return log["topics"][0] == topic and log["topics"][2] == claims[0]

        def is_other(log: dict[str, Any]) -> bool:
            return log["topics"][0] == topic and not is_first(log)

        proxy = self.worker_proxies[0]
        proxy.rules.add(DropLogs(is_first, seconds=14.0), "eth_getLogs")
        proxy.rules.add(DropLogs(is_other), "eth_getLogs")


@scenario("lostlog")
class LostLog(Story):
    """One of two nodes has lost every `Opened` log for ever, also in receipts and in blooms of headers."""

    told = DroppedLog.told
    lies = 0
    endpoints = 2
    """Contracts keep only hashes: whoever asks a single node, which has lost a log, cannot play."""

    def at_start(self, world: World) -> None:
        """Only the first of the worker's nodes."""
        topic = f"0x{event_topic(Opened).hex()}"
        lost = DropLogs(lambda log: log["topics"][0] == topic)
        proxy = self.worker_proxies[0]
        proxy.rules.add(lost, "eth_getLogs")
        proxy.rules.add(Spoil(lambda result: _without_logs(result, lost)), RECEIPTS)
        proxy.rules.add(Spoil(_without_bloom), ("eth_getBlockByNumber", "eth_getBlockByHash"))


@scenario("stale")
class StaleNode(Story):
    """Calls are answered 20 blocks late once a game is open; then half of all requests are."""

    waves = 5
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """For both daemons."""
        late = [proxy.rules.add(Stale(20), "eth_call") for proxy in self.proxies()]
        world.spend(20.0)
        for rule in late:
            rule.stop()
        for proxy in self.proxies():
            proxy.rules.add(Stale(20), probability=0.5)


def _without_logs(result: Any, lost: DropLogs) -> Any:
    """Receipts, or one, that show what a node without these logs would show."""
    if isinstance(result, list):
        return [_without_logs(receipt, lost) for receipt in result]
    return result and result | {"logs": lost.change(result["logs"])}


def _without_bloom(block: Any) -> Any:
    return block and block | {"logsBloom": "0x" + "00" * 256}


def _shortened(result: Any) -> Any:
    if isinstance(result, str):
        return result[: len(result) // 2]
    if isinstance(result, list):
        return [_shortened(item) for item in result]
    if isinstance(result, dict):
        return {name: _shortened(value) for name, value in result.items()}
    return result


def _without_fields(result: Any) -> Any:
    if isinstance(result, list):
        return [_without_fields(item) for item in result]
    if isinstance(result, dict):
        return {name: value for place, (name, value) in enumerate(sorted(result.items())) if place % 3}
    return None


JUNK: tuple[Fault, ...] = (
    Answer("0x"),
    Answer(None),
    Answer(""),
    Answer([]),
    Answer({}),
    Answer("junk"),
    Answer(-1),
    Answer("0x" + "ff" * 31),
    Answer("0x" + "f" * 63),
    Answer([None]),
    Answer([{}]),
    Answer({"number": "0x1"}),
    Answer({"blockNumber": None, "status": "yes"}),
    Html(),
    Html(""),
    Html("null"),
    Html("[]"),
    Html('{"jsonrpc":"2.0","id":1}'),
    Error(-32603, "internal error"),
    Spoil(_shortened),
    Spoil(_without_fields),
)
"""What a broken node, or a proxy before it, may answer."""

METHODS = (
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_getBlockByHash",
    "eth_getLogs",
    "eth_call",
    "eth_getBalance",
    "eth_getTransactionCount",
    "eth_estimateGas",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getTransactionReceipt",
    "eth_getTransactionByHash",
    "eth_sendRawTransaction",
    "eth_chainId",
    "eth_getCode",
)
"""What daemons ask."""


@scenario("junk")
class Junk(Story):
    """Each method in turn is answered with junk: null, short logs, missing fields, HTML, wrong types."""

    waves = 9
    told = r"expected|unavailable|endpoint|answer"
    parameters = LONG_RULES
    each_method = 4
    SECONDS = 1.2

    def at_start(self, world: World) -> None:
        """A third of all requests, any kind, for the first half minute: daemons start in the middle of it."""
        for proxy in self.proxies():
            for junk in world.random.sample(JUNK, 8):
                proxy.rules.add(junk, probability=0.05, seconds=30.0)

    def in_dispute(self, world: World) -> None:
        """Some kinds for each method, chosen by the seed, in an order chosen by the seed."""
        turns = [(method, junk) for method in METHODS for junk in world.random.sample(JUNK, self.each_method)]
        world.random.shuffle(turns)
        for method, junk in turns:
            active = [proxy.rules.add(junk, method) for proxy in self.proxies()]
            world.spend(self.SECONDS)
            for rule in active:
                rule.stop()


@scenario("hangingsend")
class HangingSend(Story):
    """The node takes a transaction and is then silent for 25 s."""

    waves = 4
    told = r"silent|timed out|timeout|unavailable|no answer"
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """For both daemons, some times each."""
        for proxy in self.proxies():
            proxy.rules.add(Hang(25.0, is_forwarded=True), "eth_sendRawTransaction", probability=0.5, limit=4)
            proxy.rules.add(Hang(25.0), "eth_sendRawTransaction", probability=0.3, limit=2)


@scenario("slowrpc")
class SlowEndpoints(Story):
    """20 % errors, 1 s latency, and one of three endpoints 20 blocks behind."""

    told = "endpoint|behind|lag|put aside"
    parameters = LONG_RULES
    endpoints = 3
    MOVE_SHARE_LIMIT = 1 / 3
    """No move of an honest side may be later than this part of its clock."""

    def at_start(self, world: World) -> None:
        """From the start."""
        for proxies in (self.worker_proxies, self.challenger_proxies):
            for proxy in proxies:
                proxy.rules.add(Status(429), probability=0.07)
                proxy.rules.add(Status(500), probability=0.07)
                proxy.rules.add(Close(), probability=0.06)
                proxy.rules.add(Delay(1.0))
            proxies[world.random.randrange(len(proxies))].rules.add(Stale(20))

    def judge(self, world: World) -> None:
        """No late move."""
        share = world.slowest_move_share()
        world.check(
            share <= self.MOVE_SHARE_LIMIT,
            f"a move took {share:.0%} of its side's clock, a third is the limit",
        )
