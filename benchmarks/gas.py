"""Gas of every transaction of the protocol, on anvil under Osaka rules; writes docs/gas.md."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _anvil import (
    CHALLENGER_BOND_WEI,
    CLOCK_SECONDS,
    GENESIS_TIME,
    OPERATOR_BOND_WEI,
    REPOSITORY,
    WINDOW_SECONDS,
    Network,
    deploy_network,
    find_anvil,
    running_anvil,
)
from _gas_page import Bar, DisputeGas, Measurement, Repaid, page
from _synthetic import Liar, furthest_load, inner_root, invented, short_run, step_kinds

from truestep.contracts.build import CONTRACTS_FOLDER
from truestep.machine.state import Status
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.claims import ZERO_HASH, ClaimedState

PAGE = REPOSITORY / "docs" / "gas.md"
REQUESTER, OPERATOR, CHALLENGER, OTHER = range(4)
DEFAULT_ARITY = 64
REWARD_WEI = 10**15
LEASE_SECONDS = 3_600
DEADLINE = GENESIS_TIME + 30 * 86_400
SEED, INPUT_ROOT, INPUT_SIZE = invented("seed"), invented("input"), 2**20


def claimed(cycles: int, shard_count: int = 1) -> ClaimedState:
    """The first shard's end."""
    header = inner_root(
        seed=SEED, input_root=INPUT_ROOT, input_size=INPUT_SIZE, shard_index=0, shard_count=shard_count
    )
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=cycles,
        output_size=4_136,
        output_root=invented("output"),
        left_root=invented("left"),
        inner_root=header,
        running_state=ZERO_HASH,
    )


@dataclass(slots=True, kw_only=True)
class Scene:
    """A network, and what happens on it."""

    network: Network
    arity: int

    def post(self, cycles: int, shard_count: int = 1) -> tuple[int, int]:
        """Register a program and post a job; its number, and the gas of the order."""
        uri = "https://example.org/program.elf"
        program = (invented("image"), 0x1000, cycles, invented("digest"), uri)
        self.network.gas(self.network.programs.functions.register(*program), REQUESTER)
        program_id = self.network.programs.functions.program_count().call()
        order = (program_id, INPUT_ROOT, INPUT_SIZE, "https://example.org/input", SEED, shard_count)
        call = self.network.jobs.functions.post((*order, REWARD_WEI, LEASE_SECONDS, DEADLINE))
        gas = self.network.gas(call, REQUESTER, REWARD_WEI * shard_count)
        return self.network.jobs.functions.job_count().call(), gas

    def claim(self, cycles: int, shard_count: int = 1) -> tuple[int, int, int]:
        """Post, take and claim; the task, and the gas of `take` and `claim`."""
        job_id, _ = self.post(cycles, shard_count)
        jobs, task_id = self.network.jobs.functions, job_id << 32
        take_gas = self.network.gas(jobs.take(job_id, 0), OPERATOR)
        claim_call = jobs.claim(task_id, claimed(cycles, shard_count).as_struct(), b"")
        return task_id, take_gas, self.network.gas(claim_call, OPERATOR)

    def finalize(self, task_id: int, cycles: int, shard_count: int = 1) -> int:
        """Settle a task; its gas."""
        self.network.pass_time(WINDOW_SECONDS + 1)
        call = self.network.jobs.functions.finalize(task_id, claimed(cycles, shard_count).as_struct())
        return self.network.gas(call, OPERATOR)

    def open(self, task_id: int, cycles: int, challenger: int) -> tuple[int, int]:
        """Challenge the first claim for a task; the game, and the gas."""
        disputes, claim_id = self.network.disputes.functions, task_id << 32 | 1
        call = disputes.open(claim_id, claimed(cycles).as_struct())
        gas = self.network.gas(call, challenger, CHALLENGER_BOND_WEI)
        return disputes.game_of(claim_id, self.network.account(challenger)).call(), gas

    def dispute(self, cycles: int, witness: bytes) -> dict[str, list[int]]:
        """A whole dispute that ends in `witness`; gas by kind of move."""
        task_id, _, _ = self.claim(cycles)
        disputes = self.network.disputes.functions
        game_id, open_gas = self.open(task_id, cycles, CHALLENGER)
        gas: dict[str, list[int]] = {"open": [open_gas], "split": [], "pick": []}
        liar = Liar(at=cycles * 5 // 7, witness=witness)
        interval = Interval(low=0, high=cycles)
        game = disputes.get_game(game_id).call()
        low_hash, high_hash = game[5], game[6]
        while interval.length > 1:
            boundaries = interval.boundaries(self.arity)
            hashes = [low_hash, *(liar.hash_at(index) for index in boundaries[1:-1]), high_hash]
            split = disputes.split(game_id, interval.low, interval.high, hashes[1:-1])
            gas["split"].append(self.network.gas(split, OPERATOR))
            part = liar.part_with_lie(boundaries)
            low_hash, high_hash = hashes[part], hashes[part + 1]
            pick = disputes.pick(game_id, part, low_hash, high_hash, part_siblings(hashes, self.arity, part))
            gas["pick"].append(self.network.gas(pick, CHALLENGER))
            interval = interval.part(part, self.arity)
        gas["step"] = [self.network.gas(disputes.step(game_id, witness), CHALLENGER)]
        gas["settle"] = [self.network.gas(disputes.settle(game_id), CHALLENGER)]
        return gas


def start(network: Network, arity: int) -> Scene:
    """The scene of a fresh network."""
    network.gas(network.operators.functions.deposit(), OPERATOR, 1_000 * OPERATOR_BOND_WEI)
    return Scene(network=network, arity=arity)


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


def measure_moves(scene: Scene, whole: dict[str, list[int]]) -> dict[str, int]:
    """Each kind of move once."""
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
        "`settle`, claim struck": whole["settle"][0],
        "`settle`, challenger lost": lost_gas,
    }


def measure_steps(network: Network) -> dict[str, int]:
    """Each kind of step alone."""
    witnesses = step_kinds() | {"load over the two furthest leaves": furthest_load()}
    step = network.step.functions.step
    return {name: network.gas(step(witness), OTHER) for name, witness in witnesses.items()}


def repaid_units() -> dict[str, int]:
    """The contract's constants, by the move that they pay for."""
    source = (CONTRACTS_FOLDER / "modules" / "gas_repayment.vy").read_text("utf-8")
    found = re.findall(r"^(\w+)_GAS: constant\(uint256\) = ([\d_]+)$", source, re.MULTILINE)
    return {name.lower(): int(units) for name, units in found}


def measure_repaid(network: Network) -> list[Repaid]:
    """The cheapest move of each kind; `network` is one of arity 2."""
    run, jobs, disputes = short_run(), network.jobs.functions, network.disputes.functions
    program = (run.image_root, run.entry, 2, ZERO_HASH, "")
    network.gas(network.programs.functions.register(*program), REQUESTER)
    order = (1, run.input_root, 0, "", run.seed, 1, 0, LEASE_SECONDS, DEADLINE)
    network.gas(jobs.post(order), REQUESTER)
    network.gas(jobs.take(1, 0), OPERATOR)
    fields = dict.fromkeys(("output_root", "left_root", "inner_root"), ZERO_HASH)
    running = ClaimedState(
        status=Status.RUNNING, code=0, cycle=2, output_size=0, running_state=run.hashes[2], **fields
    )
    network.gas(jobs.claim(1 << 32, running.as_struct(), run.last_state), OPERATOR)
    opening = disputes.open(1 << 64 | 1, running.as_struct())
    network.gas(opening, OTHER, CHALLENGER_BOND_WEI)
    gas = {"open": network.gas(opening, CHALLENGER, CHALLENGER_BOND_WEI)}
    game_id = 1 << 96 | 1 << 32 | 2
    first, middle, last = run.hashes
    network.gas(disputes.split(game_id - 1, 0, 2, [middle]), OPERATOR)
    gas["split"] = network.gas(disputes.split(game_id, 0, 2, [middle]), OPERATOR)
    pick = disputes.pick(game_id, 0, first, middle, part_siblings([first, middle, last], 2, 0))
    gas["pick"] = network.gas(pick, CHALLENGER)
    gas["step"] = network.gas(disputes.step(game_id, run.first_witness), CHALLENGER)
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
        *kinds, _ = steps
        dearest = max(kinds, key=lambda name: steps[name])
        witness = step_kinds()[dearest]
        whole = {bits: scene.dispute(2**bits, witness) for bits in (30, 40, 48)}
        narrow = start(deploy_network(web3, 32), 32)
        narrow_whole = {bits: narrow.dispute(2**bits, witness) for bits in (40, 48)}
        moves = measure_moves(scene, whole[40])
        repaid = measure_repaid(start(deploy_network(web3, 2), 2).network)
        transactions = measure_transactions(start(deploy_network(web3, DEFAULT_ARITY), DEFAULT_ARITY))
    disputes = [summary(bits, DEFAULT_ARITY, gas) for bits, gas in whole.items()]
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
        Bar(what="one step, the dearest kind", limit=110_000, measured=steps[dearest]),
    ]
    return Measurement(
        bars=bars,
        transactions=transactions,
        moves=moves,
        disputes=[*disputes, *(summary(bits, 32, gas) for bits, gas in narrow_whole.items())],
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
