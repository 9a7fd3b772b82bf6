"""Gas of a job under the policy drawn, on anvil under Osaka rules; writes docs/drawn-gas.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from _anvil import REPOSITORY
from _gas_command import Measured, run
from _gas_network import DRAWS, REQUESTER, Network
from _gas_page import Bar, bars_table, table
from web3 import Web3
from web3.contract import Contract

from truestep.base.ids import Bytes32, JobId
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.lots.rules import LOT_LIMIT
from truestep.protocol.settlement.ids import Item
from truestep.protocol.settlement.trees import tasks_root

PAGE = REPOSITORY / "docs" / "drawn-gas.md"
COMMAND = "python benchmarks/drawn_gas.py"
MEMBERS = range(3, 9)
POLICY, POOL, TASKS, MANY = 2, 0, 32, 8
STAKE_WEI = 200 * 10**18
CYCLES = 2**30
RULES = Rules(
    pool=POOL,
    lot_tasks=TASKS,
    turn_seconds=1_800,
    open_seconds=21_600,
    late_wei=DRAWS.least_pledge_wei // LOT_LIMIT,
)
HEADING = f"""\
# Gas of drawn lots

Written by `{COMMAND}`: every figure is the `gasUsed` of a transaction on anvil 1.7.1 under Osaka
rules ([drawn lots](drawn.md)). `tests/benchmarks/test_gas.py` measures again; `--json` prints what has a bar.

Jobs of {TASKS} shards, in one lot or in {MANY}. The pool has {len(MEMBERS)} members; a draw among 10,000
reads a few words more ([gas.md](gas.md)). Claims and ends of batches take what they take under policy 1.
"""


class LotsGas:
    """A network with a pool of anvil's own accounts."""

    def __init__(self, web3: Web3) -> None:
        self.network = network = Network(web3)
        self.number_of = {network.account(number): number for number in MEMBERS}
        links = (network.assurances.address, network.sortition.address)
        self.lots: Contract = network.deploy("Lots", *links, astuple(RULES))
        network.by_owner(network.assurances, "add", self.lots.address, POLICY)
        network.pledge(POOL, MEMBERS)

    def offered(self, lot_count: int) -> tuple[JobId, int]:
        """A job in so many lots, and the gas of offering it."""
        job_id, _ = self.network.post(TASKS, CYCLES, policy=POLICY)
        work, terms = self.network.posted[job_id]
        offer = self.lots.functions.offer(job_id, astuple(work), astuple(terms), TASKS // lot_count)
        return job_id, self.network.gas(offer, REQUESTER)

    def drawn(self, job_id: JobId, lot_count: int) -> tuple[list[str], int]:
        """Who holds its lots, and the gas of drawing them."""
        shards = list(range(0, TASKS, TASKS // lot_count))
        receipt = self.network.receipt(self.lots.functions.draw(job_id, shards), REQUESTER)
        events = self.lots.events.Drawn().process_receipt(receipt)
        return [str(event["args"]["holder"]) for event in events], receipt["gasUsed"]

    def measure(self) -> dict[str, int]:
        """What each call takes."""
        network, gas = self.network, dict[str, int]()
        single, gas["`offer`"] = self.offered(1)
        many, _ = self.offered(MANY)
        slept, _ = self.offered(1)
        left, _ = self.offered(1)
        small, _ = self.offered(TASKS)
        network.pass_to_draws(REQUESTER)
        (holder,), gas["`draw` of a lot"] = self.drawn(single, 1)
        holders, gas[f"`draw` of {MANY} lots"] = self.drawn(many, MANY)
        (decliner,), _ = self.drawn(left, 1)
        gas["`decline` of a lot"] = self._decline(left, decliner, [0])
        most = max(holders, key=holders.count)
        held = [place * TASKS // MANY for place, each in enumerate(holders) if each == most]
        gas[f"`decline` of {len(held)} lots"] = self._decline(many, most, held)
        self._take(single, holder, TASKS)  # words that all others find written
        gas[f"`take` of a lot of {TASKS} tasks"] = 0
        self.drawn(slept, 1)
        self.drawn(small, TASKS)
        network.pass_time(RULES.turn_seconds)
        for job_id, words in ((slept, f"of {TASKS} tasks, the first of its caller"), (small, "of one task")):
            gas[f"`end_turn` {words}"] = network.gas(self.lots.functions.end_turn(job_id, 0), REQUESTER)
        network.pass_to_draws(REQUESTER)
        (again,), gas[f"`draw` of a lot of {TASKS} tasks again"] = self.drawn(slept, 1)
        receipt = network.receipt(self.lots.functions.draw(small, [0]), REQUESTER)
        gas["`draw` of a lot of one task again"] = receipt["gasUsed"]
        gas[f"`take` of a lot of {TASKS} tasks"] = self._take(slept, again, TASKS)
        return gas

    def _decline(self, job_id: JobId, holder: str, shards: list[int]) -> int:
        digest = self.network.jobs.functions.job_digests(job_id).call()
        call = self.lots.functions.decline(holder, job_id, digest, shards)
        return self.network.gas(call, self.number_of[holder])

    def _take(self, job_id: JobId, holder: str, count: int) -> int:
        """A whole job, by its holder."""
        functions: Any = self.network.jobs.functions
        item = Item(job_id=job_id, first_shard=0, count=count, offset=0).pack()
        root = tasks_root([(item, Bytes32(functions.job_digests(job_id).call()))])
        return self.network.gas(functions.take(holder, [item], root, 0, 0), self.number_of[holder])


def page(gas: dict[str, int], judged: Sequence[Bar]) -> str:
    """The whole page."""
    rows = [(name, f"{amount:,}") for name, amount in gas.items()]
    parts = (HEADING, "## Bars\n", bars_table(judged), "## Calls\n", table(("call", "gas"), rows))
    return "\n".join(parts)


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    gas = LotsGas(web3).measure()
    each = -(-gas[f"`draw` of {MANY} lots"] // MANY)
    judged = [
        Bar(name="draw_lot", what="the draw of a lot", limit=110_000, measured=gas["`draw` of a lot"]),
        Bar(name="draw_lot_of_8", what=f"each of {MANY} lots drawn together", limit=60_000, measured=each),
    ]
    return judged, page(gas, judged)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, COMMAND, measured, arguments)


if __name__ == "__main__":
    sys.exit(main())
