"""The demo from start to end."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from truestep.adapters.chain.devnet import Devnet, EmbeddedDevnet
from truestep.base.ids import Bytes32, shard_of_task
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.client import Job, Order, Receipt, build
from truestep.client.files import ProgramFile, program_of
from truestep.client.verification import check_by_execution, check_chain, check_contents, open_rerun
from truestep.commitments.keccak import keccak256
from truestep.composition.engines import EngineName, open_engine
from truestep.demo.audit import Record, audit, slashed_wei, struck
from truestep.demo.consumer import Consumed, consume
from truestep.demo.last_step import LastStep, explain
from truestep.demo.ledger import BATCH_KINDS, DISPUTE_KINDS, MOVE_KINDS, GasBook, count_coins, read_gas
from truestep.demo.play import Events, Warp, play
from truestep.demo.scene import REWARD_WEI, WINDOW_SECONDS, Scene, build_scene
from truestep.demo.story import Story
from truestep.demo.value_at_risk import (
    BINS_PER_UNIT,
    UNIT_Q32,
    PathRecord,
    combine,
    decode_record,
    risk_of,
)
from truestep.devnet.chain_file import write_chain_file
from truestep.devnet.remote import RemoteDevnet
from truestep.machine.program import Task
from truestep.protocol.events import ChainEvent, GameStepped, TaskClaimed, TaskFinalized, TaskTaken

FOLDER = Path(__file__).parent
SOURCE, PRICES = FOLDER / "value_at_risk.c", FOLDER / "stocks.csv"
SEED = Bytes32(keccak256(b"truestep demo"))
"""Fixed, so that every demo shows the same figures."""
PATH_CYCLES = 413
"""Instructions per simulated year (value_at_risk.c)."""
READING_CYCLES = 400_000
"""More instructions than reading the prices takes."""
LIFETIME_SECONDS = 7 * WINDOW_SECONDS
"""The shard of the lie is taken again when the first window is over."""
_PARTS = {Warp.RETURN: "work", Warp.DISPUTED_END: "check", Warp.END: "game and redo"}
"""What has taken the time before the clock is moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The demo's options. Without `rpc` the chain runs in this process."""

    rpc: str | None
    receipt: Path
    shards: int
    paths: int
    folder: Path
    is_honest: bool = False
    """Nobody lies. Then there is no dispute to show, and the demo must notice that."""

    @property
    def max_cycles(self) -> int:
        """A power of two above the cycles of a shard."""
        return 1 << (2 * (READING_CYCLES + PATH_CYCLES * self.paths)).bit_length()

    @property
    def lie_cycle(self) -> int:
        """A cycle in the middle of the simulation, or past its end if nobody is to lie."""
        return self.max_cycles if self.is_honest else READING_CYCLES + PATH_CYCLES * self.paths * 3 // 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The result of the demo."""

    fields: dict[str, Any]
    is_as_it_should_be: bool


def perform(setting: Setting, console: Console) -> Ending:
    """Run the whole demo and tell it as it happens."""
    story = Story(console)
    story.opening(setting.shards, setting.paths)
    devnet: Devnet = RemoteDevnet(setting.rpc) if setting.rpc else EmbeddedDevnet()
    story.heading("Set-up")
    program, scene = _set_up(setting, story, devnet)
    try:
        return _Performance(setting, story, scene, program).run()
    finally:
        scene.stop()
        devnet.stop()


def _set_up(setting: Setting, story: Story, devnet: Devnet) -> tuple[ProgramFile, Scene]:
    elf = setting.folder / "value_at_risk.elf"
    build([SOURCE], elf, defines={"PATHS": str(setting.paths)})
    program = program_of(elf.read_bytes())
    story.line(f"value_at_risk.c is compiled to a RISC-V program of {counted(len(program.elf), 'byte')}")
    scene = build_scene(devnet, setting.folder, setting.shards, setting.lie_cycle)
    story.meet(scene)
    where = setting.rpc or "a chain inside this process"
    story.line(f"{len(scene.deployment.contracts)} contracts are deployed on {where}")
    story.line("each worker puts up a stake of 10 ETH")
    return program, scene


class _Performance:
    """The parts after set-up, and what they pass on to each other."""

    def __init__(self, setting: Setting, story: Story, scene: Scene, program: ProgramFile) -> None:
        self._setting = setting
        self._story = story
        self._scene = scene
        self._program = program
        self._task = Task(seed=SEED, shard_count=setting.shards, input=PRICES.read_bytes())
        self._events: list[ChainEvent] = []
        self._steps: list[LastStep] = []
        self._times: dict[str, float] = {"set-up": story.seconds}

    def run(self) -> Ending:
        """Post, work, settle, check, tell."""
        job = self._post()
        self._story.heading("Work")
        play(self._scene, job, self._told, self._warped)
        self._story.final()
        self._mark("finality")
        receipt = self._write_receipt(job)
        self._story.heading("Result")
        result = self._tell_result(receipt)
        gas = read_gas(self._scene, self._events)
        consumed = self._consume(receipt)
        self._story.heading("Checks")
        self._story.line("all shards are run once more, independently")
        outcomes, all_events = self._audit(receipt)
        outcomes["a contract that reads the result computes the same mean"] = (
            consumed.mean_value_q32 == result["mean_value_q32"]
        )
        self._story.checks(outcomes)
        self._mark("checks")
        self._story.heading("Cost")
        self._story.costs(gas, consumed.shard_gas, self._times)
        self._tell_how_to_verify()
        fields = self._fields(job, result, gas, all_events, outcomes)
        fields["consumer"] = asdict(consumed)
        return Ending(fields=fields, is_as_it_should_be=all(outcomes.values()))

    def _post(self) -> Job:
        order = Order(
            shard_count=self._setting.shards,
            reward_wei=REWARD_WEI,
            seed=SEED,
            max_cycles=self._setting.max_cycles,
            lifetime_seconds=LIFETIME_SECONDS,
        )
        job = self._scene.client.submit(self._program.elf, self._task.input, order=order)
        escrow = coins(REWARD_WEI * self._setting.shards)
        self._story.line(
            f"Alice registers the program and posts job {job.job_id}; {escrow} are held in escrow"
        )
        return job

    def _told(self, events: Events) -> None:
        self._events += events
        self._story.events(events)
        for event in events:
            if isinstance(event, GameStepped):
                step = explain(self._scene, event, self._program.program, self._task)
                self._steps.append(step)
                self._story.step(step)

    def _warped(self, why: Warp, seconds: int) -> None:
        self._mark(_PARTS[why])
        self._story.warp(why, seconds)

    def _mark(self, part: str) -> None:
        """Record the time since the last mark as the duration of `part`."""
        elapsed = self._story.seconds - sum(self._times.values())
        self._times[part] = self._times.get(part, 0.0) + elapsed

    def _write_receipt(self, job: Job) -> Receipt:
        """Write the receipt and, if the chain ends with this process, the chain next to it."""
        receipt = job.receipt()
        receipt.write(self._setting.receipt)
        devnet = self._scene.devnet
        if isinstance(devnet, EmbeddedDevnet):
            write_chain_file(devnet, self._setting.receipt.with_suffix(".chain"))
        return receipt

    def _tell_result(self, receipt: Receipt) -> dict[str, Any]:
        """Combine the shards as described in value_at_risk.c."""
        outputs = [shard.output_bytes() for shard in receipt.shards]
        record = combine(decode_record(output) for output in outputs if output is not None)
        risk, loss_share = risk_of(record), _loss_share(record)
        self._story.result(risk, loss_share, _instructions(receipt))
        self._tell_lie(receipt)
        percents = {
            "value_at_risk_95_percent": risk.value_at_risk_95,
            "value_at_risk_99_percent": risk.value_at_risk_99,
            "expected_shortfall_95_percent": risk.expected_shortfall_95,
            "expected_shortfall_99_percent": risk.expected_shortfall_99,
            "probability_of_loss_percent": loss_share,
            "mean_return_percent": risk.mean_value - 1,
        }
        return {
            "paths": risk.path_count,
            "mean_value_q32": record.value_sum_q32 // record.path_count,
            **{name: round(100 * share, 4) for name, share in percents.items()},
        }

    def _consume(self, receipt: Receipt) -> Consumed:
        """Let a contract use the result."""
        consumed = consume(self._scene, receipt)
        self._mark("consumer")
        self._story.line("a contract takes the outputs, each with a proof that it is final, and computes")
        mean = consumed.mean_value_q32 / UNIT_Q32 - 1
        self._story.aside(f"the mean year itself: {mean:+.1%} (examples/contracts/MeanOfJob.vy)")
        return consumed

    def _tell_lie(self, receipt: Receipt) -> None:
        """Show what the struck claim said about the worst year, and what is final."""
        struck_ids = {event.claim_id for event in struck(self._events)}
        for event in self._events:
            if isinstance(event, TaskClaimed) and event.claim_id in struck_ids:
                blobs, true = self._scene.client.blobs, receipt.shards[shard_of_task(event.task_id)]
                said = blobs.get_output(event.claimed.output_root, event.claimed.output_size)
                worst = [
                    decode_record(output).least_q32 / UNIT_Q32
                    for output in (said, true.output_bytes() or b"")
                ]
                self._story.lie(*worst)

    def _audit(self, receipt: Receipt) -> tuple[dict[str, bool], Sequence[ChainEvent]]:
        """Check everything against the chain and against an honest run."""
        scene, chain = self._scene, self._scene.client.chain
        all_events = chain.events(scene.deployment.block_number, chain.head().number)
        replay = open_rerun(receipt, None, self._program.elf, self._task.input)
        evidence = Record(
            events=all_events,
            steps=self._steps,
            coins=count_coins(scene),
            on_chain=[*check_contents(receipt), *check_chain(receipt, chain)],
            replayed=list(check_by_execution(receipt, replay, open_engine(EngineName.JIT))),
        )
        return audit(scene, evidence), all_events

    def _tell_how_to_verify(self) -> None:
        node = f" --rpc {self._setting.rpc}" if self._setting.rpc else ""
        self._story.heading("Check it yourself")
        self._story.command(f"truestep verify {self._setting.receipt}{node}")

    def _fields(
        self,
        job: Job,
        result: dict[str, Any],
        gas: GasBook,
        events: Sequence[ChainEvent],
        outcomes: dict[str, bool],
    ) -> dict[str, Any]:
        """The JSON object that the demo prints."""
        final = [event for event in events if isinstance(event, TaskFinalized)]
        return {
            "job_id": job.job_id,
            "result": result,
            "tasks": len(final),
            "instructions": sum(event.claimed.cycle for event in final),
            "claims_struck": len(struck(events)),
            "slashed_wei": slashed_wei(self._scene),
            "batches": len({event.at.transaction_hash for event in events if isinstance(event, TaskTaken)}),
            "dispute_moves": gas.count(MOVE_KINDS),
            "gas": {
                **{kind: gas.typical(kind) for kind in ("post", "take", "claim", "finalize")},
                **{f"{kind}_per_shard": gas.per_shard(kind) for kind in BATCH_KINDS},
                "dispute_total": gas.total(DISPUTE_KINDS),
                "step": gas.typical("step"),
            },
            "seconds": round(self._story.seconds, 3),
            "seconds_by_part": {
                **{part: round(seconds, 3) for part, seconds in self._times.items()},
                "dispute": round(self._story.dispute_seconds, 3),
            },
            "receipt": str(self._setting.receipt),
            "checks": outcomes,
        }


def _loss_share(record: PathRecord) -> float:
    """The share of paths that end below the stake: bins below one unit of money, exactly."""
    return sum(record.counts[:BINS_PER_UNIT]) / record.path_count


def _instructions(receipt: Receipt) -> int:
    return sum(shard.cycle for shard in receipt.shards)
