"""Gas of a job under the policy quorum with five real nodes on anvil that hand over what they say.

The same job as in quorum_gas.py: 32 shards under 3 of 5, from `fund` to `finalize`, every transaction of it,
failed ones too. Before it, small jobs are run until every member has led and been paid.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.conftest import find_anvil
from tests.e2e.drawn import open_drawn
from tests.e2e.network import COIN_WEI, ELF, INPUT, Log, Ticking
from tests.e2e.quorums import MEMBERS, QuorumNetwork
from tests.e2e.test_quorum import ORDER, PATIENCE
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import JobId
from truestep.protocol.calls import Deposit
from truestep.protocol.settlement.ids import NATIVE, job_of_item
from truestep.protocol.settlement.records import BatchStage
from truestep.roles.collecting import SALT_SECONDS

SHARDS = 32
STAKE_WEI = 100 * COIN_WEI
"""For the bonds of some jobs at once."""
COUNTED = ("Quorums", "Jobs.take", "Jobs.claim", "Jobs.finalize")
"""Not `post`, and not what is for many jobs at once: rounds of randomness, and withdrawals."""


def settle(network: QuorumNetwork, members: list[Ticking], shards: int) -> dict[str, list[tuple[int, bool]]]:
    """A job from `fund` to `finalize`, by nodes: the gas of its transactions, by name."""
    order = replace(ORDER, shard_count=shards)
    first_block = network.requester.head().number + 1
    job = network.client().submit(ELF, INPUT, order=order)
    network.randomness()
    everybody = [*members, network.seconds]
    network.drive(everybody, partial(_is_confirmed, network, job.job_id), 400, PATIENCE, SALT_SECONDS + 1)
    network.drive(everybody, partial(_is_over, network, job.job_id), 400, PATIENCE)
    return network.calls(first_block)


def _is_over(network: QuorumNetwork, job_id: JobId) -> bool:
    network.requester.refresh()
    known = network.requester.facts().batches.values()
    stages = [each.batch.stage for each in known if job_of_item(each.batch.items[0]) == job_id]
    return BatchStage.FINAL in stages


def _is_confirmed(network: QuorumNetwork, job_id: JobId) -> bool:
    network.requester.refresh()
    facts = network.requester.facts()
    own = [each for each, known in facts.batches.items() if job_of_item(known.batch.items[0]) == job_id]
    is_over = any(facts.batches[each].batch.stage is BatchStage.FINAL for each in own)
    sittings = [facts.sittings[each] for each in own if each in facts.sittings]
    return is_over or any(each.confirmed.bit_count() == len(MEMBERS) - 1 for each in sittings)


def is_steady(network: QuorumNetwork) -> bool:
    """Whether every member has led and been paid before, so that its words are written."""
    return all(map(all, words(network)))


def words(network: QuorumNetwork) -> list[tuple[int, int]]:
    """What each member has earned as a member, and as a leader."""
    accounts = [network.account(name) for name in MEMBERS]
    return [
        (network.ask("Quorums", "credits", each), network.ask("Jobs", "credits", NATIVE, each))
        for each in accounts
    ]


def measure(folder: Path) -> dict[str, list[tuple[int, bool]]]:
    """A job of 32 shards in a network that has settled some before."""
    with open_drawn(QuorumNetwork, folder) as network:
        for name in MEMBERS:
            network.staked.add(name)
            chain = network.chain(name, SqliteStore(), 10 * STAKE_WEI)
            chain.transact(Deposit(amount_wei=STAKE_WEI), intent="stake")
        network.pledge(*MEMBERS)
        network.devnet.fund(network.account("requester"), 1_000 * COIN_WEI)
        log = Log()
        members: list[Ticking] = [
            network.member(name, log, hands_over=True, withdraw_above_wei=10**30) for name in MEMBERS
        ]
        jobs = 0
        while not is_steady(network):
            settle(network, members, 1)
            jobs += 1
            print(f"{jobs} small jobs are settled: {words(network)}", file=sys.stderr)
        found = settle(network, members, SHARDS)
        network.stop_servers()
        return found


def main() -> None:
    """Measure, and print the gas of each call and of a task."""
    if find_anvil() is None:
        sys.exit("this needs anvil: make setup")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    counted = {name: calls for name, calls in found.items() if name.startswith(COUNTED)}
    total = sum(gas for calls in counted.values() for gas, _ in calls)
    failed = sum(not is_done for calls in found.values() for _, is_done in calls)
    print(json.dumps({"calls": found, "total": total, "task": total / SHARDS, "failed": failed}, indent=1))


if __name__ == "__main__":
    main()
