"""Gas of every transaction of the protocol, on anvil under Osaka rules; writes docs/gas.md."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path
from typing import Any

from _anvil import CLOCK_SECONDS, REPOSITORY, Network, deploy_network, find_anvil, running_anvil
from _gas_floats import float_lie
from _gas_page import FURTHEST, Bar, DisputeGas, Measurement, Repaid, page
from _gas_scene import CHALLENGER, LEASE_SECONDS, OPERATOR, OTHER, REQUESTER, Scene, ShortGame, start
from _synthetic import furthest_load, invented, short_run, step_kinds

from truestep.contracts.build import CONTRACTS_FOLDER
from truestep.machine.micro import micro_end, micro_start
from truestep.protocol.state_numbers import micro_number

PAGE = REPOSITORY / "docs" / "gas.md"
DEFAULT_ARITY = 64
ADD = 0x0094_0533
"""add a0, s0, s1."""
FSGNJ = 0x2294_0553
"""fsgnj.d a0, s0, s1: among the float instructions the one with the shortest micro-run."""


def measure_transactions(scene: Scene) -> dict[str, int]:
    """The happy path, and the ways out of it."""
    network, cycles = scene.network, 2**40
    scene.post(cycles)  # the first of a network writes the job counter's slot
    job_id, post_gas = scene.post(cycles)
    _, post_many_gas = scene.post(cycles, 32)
    task_id, take_gas, claim_gas = scene.claim(cycles)
    finalize_gas = scene.finalize(task_id, cycles)
    withdraw_gas = network.gas(network.jobs.functions.withdraw(), OPERATOR)
    network.gas(network.jobs.functions.take(job_id, 0), OPERATOR)
    network.pass_time(LEASE_SECONDS + 1)
    expire_gas = network.gas(network.jobs.functions.expire(job_id << 32), OTHER)
    network.pass_time(30 * 86_400)
    reclaim_gas = network.gas(network.jobs.functions.reclaim(job_id, [0]), REQUESTER)
    return {
        "`post`, one shard": post_gas,
        "`post`, 32 shards": post_many_gas,
        "`take`": take_gas,
        "`claim`": claim_gas,
        "`finalize`": finalize_gas,
        "`take`, `claim` and `finalize`": take_gas + claim_gas + finalize_gas,
        "`withdraw` of a reward": withdraw_gas,
        "`expire`": expire_gas,
        "`reclaim` of one shard": reclaim_gas,
    }


def measure_moves(
    scene: Scene, whole: dict[str, list[int]], floating: dict[str, list[int]]
) -> dict[str, int]:
    """Each kind of move once, out of the dispute over a step and the one over a float instruction."""
    cycles = 2**40
    task_id, _, _ = scene.claim(cycles)
    game_id, _ = scene.open(task_id, cycles, CHALLENGER)
    _, second_gas = scene.open(task_id, cycles, OTHER)
    hashes = [invented(index) for index in range(scene.arity - 1)]
    disputes = scene.network.disputes.functions
    scene.network.gas(disputes.split(game_id, 0, cycles, hashes), OPERATOR)
    scene.network.pass_time(CLOCK_SECONDS + 1)
    lost_gas = scene.network.gas(disputes.settle(game_id), OPERATOR)
    return {
        "`open`, the first on a claim": whole["open"][0],
        "`open`, another on the claim": second_gas,
        "`split`, the first": whole["split"][0],
        "`split`, a later one": whole["split"][1],
        "`pick`": max(whole["pick"]),
        "`step`": whole["step"][0],
        "`descend`": floating["descend"][0],
        "`reveal`": floating["reveal"][0],
        "`settle`, claim struck": whole["settle"][0],
        "`settle`, challenger lost": lost_gas,
    }


def measure_steps(network: Network) -> dict[str, int]:
    """Each kind of step alone."""
    witnesses = step_kinds() | {FURTHEST: furthest_load()}
    step = network.step.functions.step
    return {name: network.gas(step(witness), OTHER) for name, witness in witnesses.items()}


def repaid_units() -> dict[str, int]:
    """The contract's constants, by the move that they pay for."""
    source = (CONTRACTS_FOLDER / "modules" / "gas_repayment.vy").read_text("utf-8")
    found = re.findall(r"^(\w+)_GAS: constant\(uint256\) = ([\d_]+)$", source, re.MULTILINE)
    return {name.lower(): int(units) for name, units in found}


def measure_repaid(network: Network) -> list[Repaid]:
    """The cheapest move of each kind; `network` is one of arity 2."""
    integers, floats = ShortGame(network, short_run(ADD)), ShortGame(network, short_run(FSGNJ))
    gas = {"open": integers.open(), "split": integers.split(), "pick": integers.pick()}
    disputes = network.disputes.functions
    gas["step"] = network.gas(disputes.step(integers.game_id, integers.run.first_witness), CHALLENGER)
    floats.open()
    floats.split()
    floats.pick()
    gas["descend"] = network.gas(disputes.descend(floats.game_id, floats.run.first_witness), CHALLENGER)
    before, after, _ = floats.run.states
    end = micro_end(micro_start(before, floats.run.instruction))
    arguments = (micro_number(0, 0), after.pack(), end.cycle, end.memory_root)
    gas["reveal"] = network.gas(disputes.reveal(floats.game_id, *arguments), OPERATOR)
    units = repaid_units()
    return [Repaid(move=f"`{move}`", units=units[move], cheapest=cheapest) for move, cheapest in gas.items()]


def summary(cycle_bits: int, arity: int, gas: dict[str, list[int]]) -> DisputeGas:
    """A dispute in one line."""
    return DisputeGas(
        cycle_bits=cycle_bits,
        arity=arity,
        rounds=len(gas["split"]),
        moves=sum(map(len, gas.values())),
        gas=sum(map(sum, gas.values())),
    )


def measure(anvil: Path) -> Measurement:
    """Everything, on two fresh networks."""
    with running_anvil(anvil) as web3:
        scene = start(deploy_network(web3, DEFAULT_ARITY), DEFAULT_ARITY)
        steps = measure_steps(scene.network)
        dearest = max(step_kinds(), key=lambda name: steps[name])
        witness = step_kinds()[dearest]
        whole = {bits: scene.dispute(2**bits, witness) for bits in (30, 40, 48)}
        floating = {bits: scene.float_dispute(2**bits, float_lie()) for bits in (40, 48)}
        narrow = start(deploy_network(web3, 32), 32)
        narrow_whole = {bits: narrow.dispute(2**bits, witness) for bits in (40, 48)}
        moves = measure_moves(scene, whole[40], floating[40])
        repaid = measure_repaid(start(deploy_network(web3, 2), 2).network)
        transactions = measure_transactions(start(deploy_network(web3, DEFAULT_ARITY), DEFAULT_ARITY))
    disputes = [summary(bits, DEFAULT_ARITY, gas) for bits, gas in whole.items()]
    float_disputes = [summary(bits, DEFAULT_ARITY, gas) for bits, gas in floating.items()]
    bars = [
        Bar(what="commit of a claim", limit=130_000, measured=transactions["`claim`"]),
        Bar(
            what="take, claim and finalize, one task a job",
            limit=330_000,
            measured=transactions["`take`, `claim` and `finalize`"],
        ),
        Bar(what="moves of a dispute over 2^40 cycles", limit=20, measured=disputes[1].moves),
        Bar(what="gas of a dispute over 2^40 cycles", limit=1_800_000, measured=disputes[1].gas),
        Bar(what="moves of a dispute over 2^48 cycles", limit=20, measured=disputes[2].moves),
        Bar(what="gas of a dispute over 2^48 cycles", limit=1_800_000, measured=disputes[2].gas),
        Bar(what="moves of one that ends in a float", limit=28, measured=float_disputes[0].moves),
        Bar(what="gas of one that ends in a float", limit=3_500_000, measured=float_disputes[0].gas),
        Bar(what=f"one step: {dearest}", limit=110_000, measured=steps[dearest]),
    ]
    return Measurement(
        bars=bars,
        transactions=transactions,
        moves=moves,
        disputes=[*disputes, *(summary(bits, 32, gas) for bits, gas in narrow_whole.items())],
        float_disputes=float_disputes,
        steps=steps,
        repaid=repaid,
    )


def difference(written: str, fresh: str) -> str:
    """What differs between two pages, line by line; empty if nothing does."""
    lines = difflib.unified_diff(
        written.splitlines(), fresh.splitlines(), "docs/gas.md", "measured", lineterm=""
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code, 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="measure and compare with docs/gas.md; write nothing"
    )
    options: Any = parser.parse_args(arguments)
    anvil = find_anvil()
    if anvil is None:
        sys.stderr.write("gas: anvil is not installed; `make anvil` installs it where npm exists\n")
        return 0 if not options.check else 2
    measured = measure(anvil)
    fresh = page(measured)
    exceeded = [bar for bar in measured.bars if bar.measured > bar.limit]
    exceeded += [
        Bar(what=f"units repaid for {one.move}", limit=one.cheapest, measured=one.units)
        for one in measured.repaid
        if one.units > one.cheapest
    ]
    for bar in exceeded:
        sys.stderr.write(f"gas: {bar.what}: expected at most {bar.limit:,}, got {bar.measured:,}\n")
    if not options.check:
        PAGE.write_text(fresh, encoding="utf-8")
        return 1 if exceeded else 0
    changes = difference(PAGE.read_text("utf-8") if PAGE.exists() else "", fresh)
    if changes:
        sys.stderr.write(f"{changes}\ngas: docs/gas.md is out of date; run `make gas` and commit it\n")
    return 1 if changes or exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
