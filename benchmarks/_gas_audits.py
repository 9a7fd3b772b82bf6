"""One audit on anvil: what each call of Audits takes (docs/audits.md)."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from _gas_network import DRAWS, OPERATOR, OTHER, REQUESTER, Network, leaf

from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.audits.contracts.audits import Rules
from truestep.protocol.audits.statements import commitment_of, trap_path, traps_levels
from truestep.protocol.settlement.ids import Item

POOL, LEAVES = 9, 4
DIGEST, SALT = (Bytes32(keccak256(name)) for name in (b"digest", b"salt"))
SALTS = [Bytes32(keccak256(bytes([number]))) for number in range(256)]
RULES = Rules(
    pool=POOL,
    rate_bps=10_000,
    trap_bps=1_000,
    fee_wei=10**13,
    cycle_fee_wei=0,
    penalty_factor=30,
    answer_seconds=600,
    draw_seconds=7_200,
    load=4,
)


class AuditsNetwork:
    """A network with Audits, and one auditor in its pool."""

    def __init__(self, network: Network) -> None:
        self.network, self.gas = network, dict[str, int]()
        links = (network.assurances.address, network.sortition.address, network.randomness.address)
        self.contract = network.deploy("Audits", *links, astuple(RULES))
        self.audits = self.contract.functions
        self.policy = network.assurances.functions.policy_count().call() + 1
        network.by_owner(network.assurances, "add", self.contract.address, self.policy)
        network.pledge(POOL, (OTHER,), DRAWS.least_pledge_wei)

    def measure(self) -> dict[str, int]:
        """A batch of four claims of one job, all drawn, and the audit of one of them."""
        network = self.network
        job_id, _ = network.post(LEAVES, policy=self.policy)
        work, terms = network.posted[job_id]
        funded = self.audits.fund(job_id, astuple(work), astuple(terms))
        self.gas["`fund`"] = network.gas(funded, REQUESTER, RULES.fee_wei * LEAVES)
        taken, _ = network.take([Item(job_id=job_id, first_shard=0, count=LEAVES, offset=0).pack()])
        levels = traps_levels(SALTS)
        prepared = self.audits.prepare(taken.batch_id, astuple(taken.terms), levels[-1][0])
        self.gas["`prepare` of a batch"] = network.gas(prepared, OPERATOR)
        batch, _ = network.claim(taken, [leaf(index) for index in range(LEAVES)])
        network.pass_to_draws(OPERATOR)
        drawn = self.audits.draw(BatchId(batch.batch_id), astuple(batch.terms))
        self.gas["`draw` of a batch"] = network.gas(drawn, OTHER)
        for title, index in (("`appoint`, the first of an auditor", 0), ("`appoint`, another claim", 1)):
            self.gas[title] = network.gas(self.audits.appoint(*self._stated(batch, index)), OTHER)
        first, second = (
            log["args"]["seed"] for log in self.contract.events.Appointed().get_logs(from_block=0)
        )
        claim_id, auditor = batch.claim_id(0), Address(network.account(OTHER))
        commitment = commitment_of(auditor, claim_id, DIGEST, SALT)
        published = self.audits.publish(batch.claim_id(1), second, DIGEST)
        self.gas["`publish`"] = network.gas(published, OPERATOR)
        self.gas["`commit`"] = network.gas(self.audits.commit(claim_id, first, 1, commitment), OTHER)
        stated = self.audits.state(claim_id, first, DIGEST, SALTS[0], trap_path(levels, 0))
        self.gas["`state`"] = network.gas(stated, OPERATOR)
        revealed = self.audits.reveal(claim_id, 1, DIGEST, SALT)
        self.gas["`reveal`, which confirms the claim"] = network.gas(revealed, OTHER)
        return self.gas

    def _stated(self, batch: Any, index: int) -> tuple[Any, ...]:
        return batch.claim_id(index), astuple(batch.terms), astuple(self.network.proof(batch, index))
