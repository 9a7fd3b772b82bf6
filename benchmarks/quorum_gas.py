"""Gas of a job under the policy quorum, on anvil under Osaka rules; writes docs/quorum-gas.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any

from _anvil import REPOSITORY
from _gas_command import Measured, run
from _gas_network import REQUESTER, Network, TakenBatch, leaf
from _gas_page import Bar, bars_table, table
from eth_account import Account
from eth_typing import Hash32
from web3 import Web3
from web3.contract import Contract

from truestep.base.ids import Address, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.protocol.quorum.commitments import commitment_of, signing_hash
from truestep.protocol.quorum.contracts.quorums import Committee, Opening, Rules, Signed
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.ids import NOBODY, Item
from truestep.protocol.settlement.records import BatchTerms
from truestep.protocol.settlement.trees import claims_root, tasks_root

PAGE = REPOSITORY / "docs" / "quorum-gas.md"
COMMAND = "python benchmarks/quorum_gas.py"
MNEMONIC = "test test test test test test test test test test test junk"
"""Of anvil's own accounts, which everybody knows."""
MEMBERS = range(3, 9)
POLICY, POOL, TASKS = 2, 0, 32
STAKE_WEI = 200 * 10**18
CYCLES = 2**30
RULES = Rules(
    needed=3,
    seats=5,
    pool=POOL,
    leader_seconds=3_600,
    member_seconds=3_600,
    commit_seconds=60,
    fee_wei=10**14,
    cycle_fee_wei=10**14,
    late_wei=10**16,
    lie_wei=10**17,
    stretch_seconds=7_200,
    full_value_wei=10**22,
    full_tasks=10_000,
    load_seconds=86_400,
)
HEADING = f"""\
# Gas of quorums

Written by `{COMMAND}`: every figure is the `gasUsed` of a transaction on anvil 1.7.1 under Osaka
rules ([quorum](quorum.md)). `tests/benchmarks/test_gas.py` measures again; `--json` prints what has a bar.

One job of {TASKS} shards under 3 of 5, from `fund` to `finalize`, in a network whose members have all led
and been paid before. The pool has {len(MEMBERS)} members; a draw of 5 among 10,000 takes more
([gas.md](gas.md)). Not counted: `post`, and withdrawals, which are for many jobs at once.
"""
WAYS_NOTE = """\
Members that send their own commitments and confirmations pay the left column. Where they hand signatures and
salts to the leader, which sends both for all, it is the right one (docs/quorum.md Q11). Five nodes that did
so over HTTP took 24,860 for each of 32 tasks, without a failed transaction (`benchmarks/quorum_nodes.py`).
"""


class QuorumGas:
    """A network with a committee of anvil's own accounts."""

    def __init__(self, web3: Web3) -> None:
        Account.enable_unaudited_hdwallet_features()
        self.network = network = Network(web3)
        self.keys: dict[str, Any] = {
            network.account(number): Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
            for number in MEMBERS
        }
        self.number_of = {network.account(number): number for number in MEMBERS}
        links = (network.assurances.address, network.sortition.address)
        self.quorums: Contract = network.deploy("Quorums", *links, astuple(RULES))
        network.by_owner(network.assurances, "add", self.quorums.address, POLICY)
        network.pledge(POOL, MEMBERS)

    def settle(self, *, is_collected: bool) -> dict[str, int]:
        """A job from `fund` to `finalize`: what each kind of call takes together."""
        network, functions = self.network, self.quorums.functions
        job_id, _ = network.post(TASKS, CYCLES, policy=POLICY)
        work, terms = network.posted[job_id]
        stated = (job_id, astuple(work), astuple(terms))
        fee_wei = functions.least_fee(CYCLES).call() * TASKS * (RULES.seats - 1)
        gas = {"`fund`": network.gas(functions.fund(*stated), REQUESTER, fee_wei)}
        network.pass_to_draws(REQUESTER)
        drawn = network.receipt(functions.draw(job_id), REQUESTER)
        gas["`draw`"] = drawn["gasUsed"]
        (event,) = self.quorums.events.Drawn().process_receipt(drawn)
        members = [str(member) for member in event["args"]["members"]]
        batch, gas["`take`"] = self._take(job_id, members[0])
        leaves = [leaf(index) for index in range(TASKS)]
        words = [word for one in leaves for word in _words(one)]
        root, others = claims_root(words), range(1, RULES.seats)
        salts = {seat: keccak256(bytes([seat, is_collected])) for seat in others}
        own = {
            seat: commitment_of(Address(members[seat]), batch.batch_id, root, salts[seat]) for seat in others
        }
        committee = Committee(
            item=batch.items[0],
            job_digest=Bytes32(network.jobs.functions.job_digests(job_id).call()),
            members=tuple(map(Address, members)),
        )
        before = (batch.batch_id, astuple(batch.terms), astuple(committee))
        if is_collected:
            signed = [astuple(self._signed(batch, members, seat, own[seat])) for seat in others]
            name = "`commit_many`, of four members"
            gas[name] = network.gas(functions.commit_many(*before, signed), REQUESTER)
        else:
            gas["`commit`, four times"] = sum(
                network.gas(functions.commit(*before, seat, own[seat]), self.number_of[members[seat]])
                for seat in others
            )
        claim = network.jobs.functions.claim(batch.batch_id, astuple(batch.terms), words)
        gas["`claim`"] = network.gas(claim, self.number_of[members[0]])
        batch = replace(batch, terms=replace(batch.terms, claims_root=root), leaves=tuple(leaves))
        after = (batch.batch_id, astuple(batch.terms), astuple(committee))
        openings = [astuple(Opening(seat=seat, salt=salts[seat])) for seat in others]
        if is_collected:
            gas["`confirm`, of four members"] = network.gas(functions.confirm(*after, openings), REQUESTER)
        else:
            gas["`confirm`, four times"] = sum(
                network.gas(functions.confirm(*after, [opening]), self.number_of[members[opening[0]]])
                for opening in openings
            )
        network.pass_time(RULES.stretch_seconds)
        gas["`finalize`"] = network.finalize(batch)
        return gas

    def is_steady(self) -> bool:
        """Whether each member has led and been paid before, so that its words are written."""
        owed = self.network.jobs.functions.credits
        return all(
            self.quorums.functions.credits(member).call() and owed(NOBODY, member).call()
            for member in self.keys
        )

    def _take(self, job_id: JobId, leader: str) -> tuple[TakenBatch, int]:
        """The whole job, by the leader of its committee."""
        network = self.network
        functions = network.jobs.functions
        item = Item(job_id=job_id, first_shard=0, count=TASKS, offset=0).pack()
        root = tasks_root([(item, Bytes32(functions.job_digests(job_id).call()))])
        gas = network.gas(functions.take(leader, [item], root, 0, 0), self.number_of[leader])
        receipt = functions.get_batch(functions.batch_count().call()).call()
        _, terms = network.posted[job_id]
        until = receipt[2]
        taken = BatchTerms(
            tasks_root=root,
            claims_root=Bytes32(bytes(32)),
            reward=functions.get_job(job_id).call()[9] * TASKS,
            bond_wei=network.rules.operator_bond_wei * TASKS,
            asset=terms.asset,
            window_seconds=terms.window_seconds,
            lease_seconds=until - network.now,
        )
        if hash_struct(taken) != receipt[6]:
            raise RuntimeError(f"the batch has other terms than {taken}")
        return TakenBatch(batch_id=functions.batch_count().call(), items=[item], terms=taken), gas

    def _signed(self, batch: TakenBatch, members: Sequence[str], seat: int, commitment: int) -> Signed:
        """A commitment with its member's signature."""
        member, chain_id = Address(members[seat]), self.network.web3.eth.chain_id
        quorums = Address(self.quorums.address)
        tasks_root = batch.terms.tasks_root
        hashed = signing_hash(chain_id, quorums, batch.batch_id, tasks_root, member, commitment)
        signature = bytes(self.keys[member].unsafe_sign_hash(Hash32(hashed)).signature)
        return Signed(seat=seat, commitment=commitment, signature=signature)


def _words(one: Any) -> tuple[bytes, bytes, bytes]:
    return one.head.to_bytes(32, "big"), one.output_root, one.left_root


def measure(web3: Web3) -> tuple[dict[str, int], dict[str, int]]:
    """Each member by itself, and one for all."""
    quorums = QuorumGas(web3)
    while not quorums.is_steady():  # the first of a network writes words that all others find written
        quorums.settle(is_collected=True)
    return quorums.settle(is_collected=False), quorums.settle(is_collected=True)


def page(alone: dict[str, int], together: dict[str, int], judged: Sequence[Bar]) -> str:
    """The whole page."""
    rows = [
        (first, f"{alone[first]:,}", "" if first == second else second, f"{together[second]:,}")
        for first, second in zip(alone, together, strict=True)
    ]
    sums = [sum(alone.values()), sum(together.values())]
    rows.append(("together", f"{sums[0]:,}", "", f"{sums[1]:,}"))
    rows.append(("for each task", f"{_each(sums[0]):,}", "", f"{_each(sums[1]):,}"))
    return "\n".join(
        (
            HEADING,
            "## Bars\n",
            bars_table(judged),
            "## One job\n\n" + WAYS_NOTE,
            table(("call", "each by itself", "or", "one for all"), rows),
        )
    )


def _each(total: int) -> int:
    return -(-total // TASKS)


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    alone, together = measure(web3)
    what = f"a task of {TASKS} shards of a job under 3 of 5, by collected signatures"
    judged = [Bar(name="quorum_task_of_32", what=what, limit=25_000, measured=_each(sum(together.values())))]
    return judged, page(alone, together, judged)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, COMMAND, measured, arguments)


if __name__ == "__main__":
    sys.exit(main())
