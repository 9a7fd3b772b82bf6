"""The scene of the gas benchmark: a network, its parties, and disputes that they play to the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from _anvil import CHALLENGER_BOND_WEI, GENESIS_TIME, OPERATOR_BOND_WEI, WINDOW_SECONDS, Network
from _gas_floats import FloatLie
from _synthetic import Liar, ShortRun, inner_root, invented

from truestep.machine.state import Status
from truestep.machine.witness import verify_step
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.state_numbers import micro_number

REQUESTER, OPERATOR, CHALLENGER, OTHER = range(4)
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
        game_id, gas = self._open(cycles)
        self._bisect(game_id, Liar(at=cycles * 5 // 7, before=verify_step(witness)[0]), gas)
        return self._finish(game_id, witness, gas)

    def float_dispute(self, cycles: int, lie: FloatLie) -> dict[str, list[int]]:
        """A whole dispute over a float instruction, which ends in a step of its micro-run."""
        game_id, gas = self._open(cycles)
        liar, disputes = lie.liar(cycles * 5 // 7), self.network.disputes.functions
        self._bisect(game_id, liar, gas)
        gas["descend"] = [self.network.gas(disputes.descend(game_id, lie.witness), CHALLENGER)]
        low = micro_number(liar.at, 0)
        reveal = disputes.reveal(game_id, low, lie.after.pack(), lie.micro_cycles, invented("memory"))
        gas["reveal"] = [self.network.gas(reveal, OPERATOR)]
        self._bisect(game_id, lie.micro_liar(liar.at), gas)
        return self._finish(game_id, lie.micro_witness, gas)

    def _open(self, cycles: int) -> tuple[int, dict[str, list[int]]]:
        task_id, _, _ = self.claim(cycles)
        game_id, open_gas = self.open(task_id, cycles, CHALLENGER)
        return game_id, {"open": [open_gas], "split": [], "pick": []}

    def _bisect(self, game_id: int, liar: Liar, gas: dict[str, list[int]]) -> None:
        """Split and pick until the one step is left in which the operator begins to lie."""
        disputes = self.network.disputes.functions
        game = disputes.get_game(game_id).call()
        interval = Interval(low=game[3], high=game[4])
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

    def _finish(self, game_id: int, witness: bytes, gas: dict[str, list[int]]) -> dict[str, list[int]]:
        disputes = self.network.disputes.functions
        gas["step"] = [self.network.gas(disputes.step(game_id, witness), CHALLENGER)]
        gas["settle"] = [self.network.gas(disputes.settle(game_id), CHALLENGER)]
        return gas


def start(network: Network, arity: int) -> Scene:
    """The scene of a fresh network."""
    network.gas(network.operators.functions.deposit(), OPERATOR, 1_000 * OPERATOR_BOND_WEI)
    return Scene(network=network, arity=arity)


@dataclass(slots=True)
class ShortGame:
    """A game on the claim of a run of two steps; the network's arity is 2."""

    network: Network
    run: ShortRun
    task_id: int = field(init=False)
    claimed: ClaimedState = field(init=False)

    def __post_init__(self) -> None:
        run, jobs, functions = self.run, self.network.jobs.functions, self.network.programs.functions
        self.network.gas(functions.register(run.image_root, run.entry, 2, ZERO_HASH, ""), REQUESTER)
        program_id = functions.program_count().call()
        order = (program_id, run.input_root, 0, "", run.seed, 1, 0, LEASE_SECONDS, DEADLINE)
        self.network.gas(jobs.post(order), REQUESTER)
        job_id = jobs.job_count().call()
        self.task_id = job_id << 32
        self.network.gas(jobs.take(job_id, 0), OPERATOR)
        fields = dict.fromkeys(("output_root", "left_root", "inner_root"), ZERO_HASH)
        last = run.states[2]
        self.claimed = ClaimedState(
            status=Status.RUNNING, code=0, cycle=2, output_size=0, running_state=last.hash(), **fields
        )
        self.network.gas(jobs.claim(self.task_id, self.claimed.as_struct(), last.pack()), OPERATOR)

    @property
    def game_id(self) -> int:
        """The challenger's: the second, so that it finds the claim's words written."""
        return (self.task_id << 32 | 1) << 32 | 2

    def open(self) -> int:
        """Two games; the gas of the second."""
        opening = self.network.disputes.functions.open(self.task_id << 32 | 1, self.claimed.as_struct())
        self.network.gas(opening, OTHER, CHALLENGER_BOND_WEI)
        return self.network.gas(opening, CHALLENGER, CHALLENGER_BOND_WEI)

    def split(self) -> int:
        """Split both; the gas of the second."""
        disputes, middle = self.network.disputes.functions, self.run.states[1].hash()
        self.network.gas(disputes.split(self.game_id - 1, 0, 2, [middle]), OPERATOR)
        return self.network.gas(disputes.split(self.game_id, 0, 2, [middle]), OPERATOR)

    def pick(self) -> int:
        """Pick the first step; the gas."""
        hashes = [state.hash() for state in self.run.states]
        siblings = part_siblings(hashes, 2, 0)
        pick = self.network.disputes.functions.pick(self.game_id, 0, *hashes[:2], siblings)
        return self.network.gas(pick, CHALLENGER)
