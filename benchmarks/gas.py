"""Gas of the protocol's transactions, on anvil under Osaka rules; writes docs/gas.md."""

from __future__ import annotations

import sys
from dataclasses import astuple, replace

from _anvil import REPOSITORY
from _gas_audits import AuditsNetwork
from _gas_command import Measured, run
from _gas_disputes import Dispute
from _gas_draws import FIVE_OF_MANY, DrawsNetwork
from _gas_floats import FloatLie, float_lie
from _gas_network import (
    LEASE_SECONDS,
    OPERATOR,
    OTHER,
    REQUESTER,
    RULES,
    USUAL_CYCLES,
    Network,
    leaf,
)
from _gas_page import FURTHEST, Bar, DisputeGas, Measurement, Settled, page
from _gas_validity import ValidityNetwork
from _synthetic import furthest_load, invented, step_kinds
from web3 import Web3

from truestep.contracts.artifacts import artifact_names, load_artifact

PAGE = REPOSITORY / "docs" / "gas.md"
BATCHES = {
    "settle_single": ("one shard", [1]),
    "settle_batch_32_shards": ("32 shards of a job", [32]),
    "settle_batch_32_jobs": ("32 jobs of one shard", [1] * 32),
    "settle_batch_256_shards": ("256 shards of a job", [256]),
}
DEAREST = "misaligned load over two leaves"
"""The step of the disputes: among those that a program does without meaning to."""
MANY_JOBS, LEAF_AMONG_MANY = [1] * 32, 21


def measure_settlements(network: Network) -> dict[str, Settled]:
    """Batches of every size, taken, claimed and finalized."""
    network.settle([1])  # the first of a network writes words that all others find written
    return {
        name: Settled(what=what, tasks=sum(shards), **network.settle(shards))
        for name, (what, shards) in BATCHES.items()
    }


def measure_jobs(network: Network) -> dict[str, int]:
    """What else is done with jobs and batches."""
    jobs = network.jobs.functions
    network.post(1)  # the first of a network writes words that all others find written
    _, post = network.post(1)
    job_id, post_many = network.post(32)
    digest, (work, terms) = jobs.job_digests(job_id).call(), network.posted[job_id]
    stated = (job_id, astuple(work), astuple(terms))
    top_up = network.gas(jobs.top_up(job_id, digest, 1), REQUESTER, 32)
    cancel = network.gas(jobs.cancel(*stated, [3]), REQUESTER)
    close = network.gas(jobs.close(*stated), REQUESTER)
    given_back, _ = network.take(network.items([1]))
    items = (given_back.batch_id, astuple(given_back.terms), given_back.items)
    release = network.gas(jobs.release(*items), OPERATOR)
    missed, _ = network.take(network.items([1]))
    network.pass_time(LEASE_SECONDS + 1)
    items = (missed.batch_id, astuple(missed.terms), missed.items)
    expire = network.gas(jobs.expire(*items), OTHER)
    batch = network.claimed([1])
    network.finalize(batch)
    evidence = (batch.claim_id(0), astuple(batch.terms), astuple(network.proof(batch)))
    write_out = network.gas(network.results.functions.write_out(*evidence), OTHER)
    native, operator = terms.asset, network.account(OPERATOR)
    return {
        "`post`, one shard": post,
        "`post`, 32 shards": post_many,
        "`top_up`": top_up,
        "`cancel` of one shard": cancel,
        "`close`": close,
        "`release` of one task": release,
        "`expire` of one task": expire,
        "`write_out` of a result": write_out,
        "`withdraw` of rewards": network.gas(jobs.withdraw(native, operator), OPERATOR),
    }


def challenge(network: Network, cycles: int = USUAL_CYCLES, shards: list[int] | None = None) -> Dispute:
    """A game that nobody has opened yet, on the end of a run of so many cycles."""
    leaf_index = LEAF_AMONG_MANY if shards else 0
    return Dispute(
        network=network, batch=network.claimed(shards or [1], cycles, cycles), leaf_index=leaf_index
    )


def measure_moves(network: Network, whole: Dispute, floating: Dispute) -> dict[str, int]:
    """Each kind of move once, the common ones out of two whole disputes."""
    lost, second = challenge(network), challenge(network)
    lost.open()
    second.batch, second.challenger = lost.batch, OTHER
    second.open()
    lost.split([invented(part) for part in range(RULES.arity - 1)])
    network.pass_time(RULES.clock_seconds + 1)
    lost.move("settle", OTHER)
    rescued = challenge(network)
    rescued.open()
    network.pass_time(RULES.clock_seconds + 60)
    rescued.move("adopt", OTHER, value_wei=RULES.operator_bond_wei)
    return {
        "`open`, the first on a claim": whole.gas["open"][0],
        "`open`, another on the claim": second.gas["open"][0],
        "`split`, the first": whole.gas["split"][0],
        "`split`, a later one": whole.gas["split"][1],
        "`pick`": max(whole.gas["pick"]),
        "`step`, which strikes the claim": whole.gas["step"][0],
        "`descend`": floating.gas["descend"][0],
        "`reveal`": floating.gas["reveal"][0],
        "`adopt`": rescued.gas["adopt"][0],
        "`settle`, challenger lost": lost.gas["settle"][0],
        "`refute` of a leaf of another shape": measure_refutation(network),
    }


def measure_refutation(network: Network) -> int:
    """Of a leaf that claims more cycles than there may be."""
    malformed = replace(leaf(0), head=leaf(0).head | 2**63 << 64)
    batch, _ = network.take(network.items([1]))
    batch, _ = network.claim(batch, [malformed])
    stated = (batch.claim_id(0), astuple(batch.terms), astuple(network.proof(batch)), b"")
    return network.gas(network.disputes.functions.refute(*stated), OTHER)


def measure_honest(network: Network, witness: bytes) -> dict[str, int]:
    """What two honest challengers of a leaf of a batch of 32 jobs pay, from `open` to their reward (S7.7)."""
    striker = challenge(network, shards=MANY_JOBS)
    shower = Dispute(network=network, batch=striker.batch, leaf_index=LEAF_AMONG_MANY, challenger=OTHER)
    striker.open()
    shower.open()
    striker.finish(witness)
    striker.show()
    shower.move("settle", OTHER)
    shown = shower.gas["settle"][0] + shower.show()
    result = striker.result()
    striker.reward(result)
    shower.reward(result)
    played = {kind: gas for kind, gas in striker.gas.items() if kind != "split"}
    picks = sum(played["pick"])
    ends = {name: shower.gas[name][0] for name in ("reward", "withdraw_to")}
    return {
        "it strikes": sum(map(sum, played.values())),
        "another strikes": shower.gas["open"][0] + picks + shown + sum(ends.values()),
        "`show`": max(striker.gas["show"][0], shower.gas["show"][0]),
        "`settle`, claim fell": shower.gas["settle"][0],
        "`reward`": ends["reward"],
        "`withdraw_to`": ends["withdraw_to"],
    }


def measure_steps(network: Network) -> dict[str, int]:
    """Each kind of step alone."""
    witnesses = step_kinds() | {FURTHEST: furthest_load()}
    return {name: network.gas(network.step.functions.step(each), OTHER) for name, each in witnesses.items()}


def summary(dispute: Dispute, cycle_bits: int) -> DisputeGas:
    """A dispute in one line."""
    return DisputeGas(
        cycle_bits=cycle_bits,
        arity=dispute.network.rules.arity,
        rounds=len(dispute.gas["split"]),
        moves=dispute.moves,
        gas=dispute.total,
    )


def measure(web3: Web3) -> Measurement:
    """Everything, each group on a fresh network."""
    witness, lie = step_kinds()[DEAREST], float_lie()
    settled = measure_settlements(Network(web3))
    jobs = measure_jobs(busy := Network(web3))
    network, narrow = Network(web3), Network(web3, replace(RULES, arity=32))
    network.settle([1])
    narrow.settle([1])
    whole = {bits: challenge(network, 2**bits).play(witness) for bits in (30, 40, 48)}
    floating = {bits: _float(network, 2**bits, lie) for bits in (40, 48)}
    others = {bits: challenge(narrow, 2**bits).play(witness) for bits in (40, 48)}
    batched = challenge(network, shards=MANY_JOBS).play(witness)
    lines = [*whole.items(), *others.items()]
    sizes = {name: load_artifact(name).deployed_size_bytes for name in artifact_names()}
    return Measurement(
        settled=settled,
        jobs=jobs,
        moves=measure_moves(network, whole[40], floating[40]),
        disputes=[summary(dispute, bits) for bits, dispute in lines],
        float_disputes=[summary(dispute, bits) for bits, dispute in floating.items()],
        batch_leaf_extra=batched.total - whole[40].total,
        honest=measure_honest(network, witness),
        proofs=ValidityNetwork(busy).measure(),
        draws=DrawsNetwork(busy).measure(),
        audits=AuditsNetwork(busy).measure(),
        steps=measure_steps(network),
        sizes=sizes,
    )


def _float(network: Network, cycles: int, lie: FloatLie) -> Dispute:
    return challenge(network, cycles).play_float(lie)


def figures(measured: Measurement) -> dict[str, int]:
    """What has a bar, by its name for programs."""
    whole, floating = measured.disputes[1], measured.float_disputes[0]
    return {name: one.gas_per_task for name, one in measured.settled.items()} | {
        "post": measured.jobs["`post`, one shard"],
        "dispute_2_40_moves": whole.moves,
        "dispute_2_40_gas": whole.gas,
        "dispute_float_moves": floating.moves,
        "dispute_float_gas": floating.gas,
        "dispute_batch_leaf_extra": measured.batch_leaf_extra,
        "draw_5_of_10000": measured.draws[FIVE_OF_MANY],
        "dearest_step": measured.steps[DEAREST],
        "jobs_bytes": measured.sizes["Jobs"],
        "disputes_bytes": measured.sizes["Disputes"],
        "largest_contract_bytes": max(measured.sizes.values()),
    }


def bars(measured: Measurement) -> list[Bar]:
    """Each figure with what it may be at most."""
    found = figures(measured)
    limits = {
        "settle_single": ("one task alone: take, claim, finalize", 220_000),
        "settle_batch_32_shards": ("a task of 32 shards of one job in a batch", 10_000),
        "settle_batch_32_jobs": ("a task of 32 jobs in a batch", 20_000),
        "settle_batch_256_shards": ("a task of 256 shards of one job in a batch", 4_000),
        "post": ("`post` of one job", 130_000),
        "dispute_2_40_moves": ("moves of a dispute over 2^40 cycles", 17),
        "dispute_2_40_gas": ("gas of a dispute over 2^40 cycles", 1_576_235),
        "dispute_float_moves": ("moves of one that ends in a float", 23),
        "dispute_float_gas": ("gas of one that ends in a float", 2_003_022),
        "dispute_batch_leaf_extra": ("more gas for a leaf of a batch of 32 jobs", 60_000),
        "draw_5_of_10000": ("a draw of 5 among 10,000", 250_000),
        "dearest_step": (f"one step: {DEAREST}", 110_000),
        "jobs_bytes": ("bytes of `Jobs`", 22_576),
        "disputes_bytes": ("bytes of `Disputes`", 22_576),
        "largest_contract_bytes": ("bytes of the largest contract", 24_000),
    }
    return [
        Bar(name=name, what=what, limit=limit, measured=found[name]) for name, (what, limit) in limits.items()
    ]


def measured(web3: Web3) -> Measured:
    """The bars and the whole page."""
    found = measure(web3)
    judged = bars(found)
    return judged, page(found, judged)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    return run(PAGE, "make gas", measured, arguments)


if __name__ == "__main__":
    sys.exit(main())
