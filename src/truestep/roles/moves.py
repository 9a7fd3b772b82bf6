"""The honest side's moves in a game: what to compute, what to send (docs/protocol.md S6)."""

from collections.abc import Sequence

from truestep.base.ids import Bytes32, game_in_words, task_in_words
from truestep.protocol.bisection import Interval, first_disagreement
from truestep.protocol.calls import (
    DescendGame,
    RevealGame,
    SubmitPick,
    SubmitSplit,
    SubmitStep,
)
from truestep.protocol.float_steps import float_step
from truestep.protocol.records import GameRecord
from truestep.protocol.state_numbers import is_micro, run_number_of, span_in_words, steps_in_words
from truestep.roles import intents
from truestep.roles.actions import (
    Action,
    BuildReveal,
    BuildWitness,
    ComputeHashes,
    Decline,
    Declined,
    Fetch,
    Send,
)
from truestep.roles.views import MaterialStage, TaskView


def boundaries(game: GameRecord) -> list[int]:
    """The state numbers at which the present interval is split."""
    return Interval(low=game.low, high=game.high).boundaries(game.arity)


def compute(view: TaskView, cycles: Sequence[int], *, is_check: bool = False) -> list[Action]:
    """The work that finds the unknown hashes at `cycles`; nothing while it is under way."""
    missing = tuple(cycle for cycle in cycles if cycle not in view.hashes)
    if not missing or view.is_computing:
        return []
    return [ComputeHashes(task_id=view.task.task_id, cycles=missing, is_check=is_check)]


def split(view: TaskView, game: GameRecord) -> list[Action]:
    """The defender's move, one for all games on the same node: compute the inner hashes, send them (S6.4)."""
    cycles = boundaries(game)[1:-1]
    if any(cycle not in view.hashes for cycle in cycles):
        return compute(view, cycles)
    hashes = tuple(view.hashes[cycle] for cycle in cycles)
    return [
        Send(
            intent=intents.of_split(game),
            call=SubmitSplit(
                game_id=game.game_id,
                low=game.low,
                high=game.high,
                hashes=hashes,
                ends=(game.low_hash, game.high_hash),
            ),
            message=f"{game_in_words(game.game_id)}: split {span_in_words(game.low, game.high)} into"
            f" {len(hashes) + 1} parts",
        )
    ]


def pick(view: TaskView, game: GameRecord) -> list[Action]:
    """The challenger's move: compare the defender's hashes with one's own, choose the first false part."""
    cycles = boundaries(game)
    if any(cycle not in view.hashes for cycle in cycles):
        return compute(view, cycles)
    if len(game.split_hashes) != len(cycles) - 2:
        return []
    claimed: list[Bytes32] = [game.low_hash, *game.split_hashes, game.high_hash]
    own = [view.hashes[cycle] for cycle in cycles]
    if claimed[0] != own[0] or claimed[-1] == own[-1]:
        message = (
            f"{game_in_words(game.game_id)} does not fit the hashes that this node computes, so it makes no"
            " move; did another program with the same key open it?"
        )
        return [Decline(task_id=view.task.task_id, reason=Declined.GAME_OF_ANOTHER, message=message)]
    part, ends = first_disagreement(claimed, own), list(zip(cycles, claimed, strict=True))
    return [
        Send(
            intent=intents.of_pick(game),
            call=SubmitPick(game_id=game.game_id, part=part, ends=(ends[part], ends[part + 1])),
            message=f"{game_in_words(game.game_id)}: agree up to {steps_in_words(cycles[part])},"
            f" disagree at {steps_in_words(cycles[part + 1])}",
        )
    ]


def step(view: TaskView, game: GameRecord) -> list[Action]:
    """The last move: let the chain execute the one instruction that is left, or descend if it is a float."""
    witness = view.witnesses.get(game.low)
    if witness is None:
        return [] if view.is_computing else [BuildWitness(task_id=view.task.task_id, cycle=game.low)]
    executed = steps_in_words(game.low + 1)
    instruction = None if is_micro(game.low) else float_step(witness)
    if instruction is not None:
        return [
            Send(
                intent=intents.of_game("descend", game.game_id, game.low),
                call=DescendGame(game_id=game.game_id, witness=witness),
                message=f"{game_in_words(game.game_id)}: {executed} is {instruction.name}: play on over its"
                " micro-run",
            )
        ]
    return [
        Send(
            intent=intents.of_game("step", game.game_id),
            call=SubmitStep(game_id=game.game_id, witness=witness),
            message=f"{game_in_words(game.game_id)}: let the chain execute {executed}, with a witness of"
            f" {len(witness):,} bytes",
        )
    ]


def reveal(view: TaskView, game: GameRecord) -> list[Action]:
    """The defender's move in a game that has descended: its result, and how the micro-run ends."""
    known = view.reveals.get(game.low)
    if known is None:
        return [] if view.is_computing else [BuildReveal(task_id=view.task.task_id, low=game.low)]
    call = RevealGame(
        game_id=game.game_id, after=known.after, cycles=known.cycles, memory_root=known.memory_root
    )
    where = span_in_words(game.low, game.low + known.cycles)
    return [
        Send(
            intent=intents.of_game("reveal", game.game_id, run_number_of(game.low)),
            call=call,
            message=f"{game_in_words(game.game_id)}: reveal the result of the float instruction, which"
            f" {where} give",
        )
    ]


def prepared(task: TaskView, actions: list[Action]) -> list[Action]:
    """The actions; or, where they need program and input and a restart lost these, first the fetching."""
    needs_material = any(not isinstance(action, Send) for action in actions)
    return get_material(task) if needs_material and not is_ready(task) else actions


def is_ready(task: TaskView) -> bool:
    """Whether program and input are here."""
    return task.material.stage is MaterialStage.READY


def get_material(task: TaskView) -> list[Action]:
    """What to do about a program and an input that are not here. Nodes wait between two attempts.

    A wrong one is asked for again too: somebody may bring the right one to any of the stores.
    """
    task_id, message = task.task.task_id, f"{describe(task)}: {task.material.message}"
    match task.material.stage:
        case MaterialStage.MISSING:
            return [Fetch(task_id=task_id)]
        case MaterialStage.UNREACHABLE:
            return [
                Decline(task_id=task_id, reason=Declined.MATERIAL, message=message),
                Fetch(task_id=task_id),
            ]
        case MaterialStage.WRONG:
            return [
                Decline(task_id=task_id, reason=Declined.MATERIAL_WRONG, message=message),
                Fetch(task_id=task_id),
            ]
        case MaterialStage.FETCHING | MaterialStage.READY:
            return []


def describe(task: TaskView) -> str:
    """`job 3 shard 0`."""
    return task_in_words(task.task.task_id)


def has_clock_run_out(game: GameRecord, now: int) -> bool:
    """Whether the side to move has lost on time (S6.7)."""
    runs_out_at = game.clock_runs_out_at()
    return runs_out_at is not None and now > runs_out_at
