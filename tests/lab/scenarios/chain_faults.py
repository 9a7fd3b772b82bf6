"""What chains do by themselves: reorganisations, dear gas, a node that dies, receipts that do not come."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tests.lab.anvil import GWEI, address_of
from tests.lab.faults import Answer, Rule
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT
from tests.lab.node import NodeRefused
from tests.lab.scenario import scenario
from tests.lab.scenarios.outages import LONG_RULES
from tests.lab.scenarios.story import END_SECONDS, Story
from tests.lab.world import COIN_WEI, World
from truestep.base.ids import ProgramId


@scenario("reorg")
class Reorganisations(Story):
    """Three blocks are replaced every 9 s for 90 s in mid-dispute; their transactions are gone."""

    waves = 8
    told = "reorgani"
    parameters = LONG_RULES
    EVERY_SECONDS = 9.0
    TIMES = 10
    DEPTH = 3

    def in_dispute(self, world: World) -> None:
        """As anvil does it: nothing is sent again by the node."""
        for _ in range(self.TIMES):
            world.spend(self.EVERY_SECONDS)
            world.anvil.reorganise(self.DEPTH)


@scenario("noncehole")
class NonceHole(Story):
    """A landed transaction is dropped by a reorganisation, while the node keeps the one after it."""

    told = r"nonce|dropped|reorgani"
    parameters = LONG_RULES
    true_tasks = 4
    HOLES = 4

    def at_start(self, world: World) -> None:
        """Count the holes."""
        self.holes = 0
        self.seen: dict[str, int] = {}

    def attack(self, world: World) -> None:
        """Make holes from the first transaction of the worker on."""
        self.at_start(world)
        self.worker, self.challenger = self.start_worker(world), self.start_challenger(world)

        def is_done() -> bool:
            self._make_hole(world)
            return self.is_over(world)

        world.until(is_done, 2 * END_SECONDS, "tasks are not final or games not settled")
        world.notes["holes"] = self.holes

    def _make_hole(self, world: World) -> None:
        """Where two transactions of one account lie in the newest blocks, drop both and send the second."""
        if self.holes >= self.HOLES:
            return
        head = world.anvil.number()
        blocks = [
            world.anvil.ask("eth_getBlockByNumber", hex(number), True) for number in range(head - 2, head + 1)
        ]
        for name in ("operator", "challenger"):
            own = [
                sent
                for block in blocks
                for sent in block["transactions"]
                if sent["from"].lower() == address_of(name).lower()
            ]
            if len(own) < 2 or int(own[0]["nonce"], 16) <= self.seen.get(name, -1):
                continue
            self.seen[name] = int(own[-1]["nonce"], 16)
            raw = world.anvil.ask("eth_getRawTransactionByHash", own[-1]["hash"])
            world.spend(1.2)  # so long that the daemon has seen the receipts
            world.anvil.reorganise(world.anvil.number() - int(own[0]["blockNumber"], 16) + 1)
            with suppress(NodeRefused):
                world.anvil.ask("eth_sendRawTransaction", raw)
            self.holes += 1
            return


@scenario("nullreceipts")
class NullReceipts(Story):
    """No receipt is given for 75 s: for a worker's deposit, a requester's post, and a dispute's moves."""

    waves = 5
    told = r"receipt|not confirmed|unconfirmed|pending"
    parameters = LONG_RULES
    SECONDS = 75.0

    def prepare(self, world: World) -> None:
        """The requester uses the command line, through an endpoint of its own."""
        super().prepare(world)
        self.requester = world.proxy()
        self.jobs_before = world.reader.counters().job_count
        (world.folder / "guest.elf").write_bytes(POLYNOMIAL.elf)
        (world.folder / "input").write_bytes(SMALL_INPUT)

    def at_start(self, world: World) -> None:
        """From the start, each rule for its time."""
        self.rules: list[Rule] = []
        for proxy in (*self.proxies(), self.requester):
            self.rules.append(
                proxy.rules.add(Answer(None), "eth_getTransactionReceipt", seconds=self.SECONDS)
            )
        by_hash = self.requester.rules
        self.rules.append(by_hash.add(Answer(None), "eth_getTransactionByHash", seconds=self.SECONDS))
        self.submit = world.submit_job(rpc=[self.requester])

    def judge(self, world: World) -> None:
        """One job, one deposit."""
        self.submit.wait(END_SECONDS)
        posted = world.reader.counters().job_count - self.jobs_before - self.waves
        world.check(posted == 1, f"one job was submitted, {posted} were posted")
        stake_wei = world.reader.balances(address_of("operator")).stake_wei
        world.check(
            stake_wei == self.stake * COIN_WEI,
            f"a stake of {self.stake} ETH was asked for, {stake_wei} wei were deposited",
        )
        world.is_guest_of(ProgramId(world.reader.counters().program_count), POLYNOMIAL)


@scenario("foreignnonce")
class ForeignNonce(Story):
    """Another process sends from the daemons' keys, at random moments."""

    waves = 3
    told = "nonce|another process|foreign|somebody"
    parameters = LONG_RULES
    TIMES = 8

    def in_dispute(self, world: World) -> None:
        """A transfer of nothing to itself takes the next nonce."""
        for _ in range(self.TIMES):
            for name in ("operator", "challenger"):
                account = address_of(name)
                request: dict[str, Any] = {"from": account, "to": account, "value": "0x0"}
                with suppress(NodeRefused):
                    world.anvil.ask("eth_sendTransaction", request)
            world.spend(world.random.uniform(0.5, 4.0))


@scenario("fees")
class DearGas(Story):
    """The base fee goes to 600 gwei for 40 s and comes back."""

    waves = 3
    told = r"\bfees?\b|gwei|\bcap\b"
    parameters = LONG_RULES
    BASE_FEE_WEI = 600 * GWEI
    LOOKS = 80

    def in_dispute(self, world: World) -> None:
        """Kept up block by block, as a busy chain would."""
        for _ in range(self.LOOKS):
            world.anvil.set_base_fee(self.BASE_FEE_WEI)
            world.spend(0.5)
        world.anvil.set_base_fee(GWEI)


@scenario("nodedown")
class NodeDown(Story):
    """The node is killed and started again with its state, twice; what was pending is lost."""

    waves = 4
    told = r"unavailable|endpoint|no answer"
    parameters = LONG_RULES

    def in_dispute(self, world: World) -> None:
        """Away for 12 s each time."""
        for _ in range(2):
            world.anvil.restart(down_seconds=12.0)
            world.spend(8.0)
