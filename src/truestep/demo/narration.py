"""The events of a job in words that a newcomer understands. Used by `submit`, `status` and `demo`."""

from collections.abc import Mapping

from truestep.base.ids import (
    Address,
    TaskId,
    shard_of_task,
    task_of_game,
)
from truestep.base.units import coins
from truestep.machine.state import Status, TrapCause
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import (
    ChainEvent,
    ClaimStruck,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameSettled,
    GameSplit,
    GameStepped,
    JobPosted,
    LeaseExpired,
    TaskClaimed,
    TaskFinalized,
    TaskReclaimed,
    TaskTaken,
)
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import is_micro, run_number_of, steps_in_words

GameEvent = GameOpened | GameSplit | GamePicked | GameStepped | GameDescended | GameRevealed | GameSettled


class Narrator:
    """Knows the names of the accounts, for use in messages."""

    def __init__(self, names: Mapping[Address, str] | None = None) -> None:
        self._names = dict(names or {})

    def name(self, account: Address) -> str:
        """The name of an account."""
        return self._names.get(account, f"{account[:6]}…{account[-4:]}")

    def tell(self, event: ChainEvent) -> str | None:
        """One sentence with rich markup; None for an event that is not worth one."""
        match event:
            case JobPosted():
                each = coins(event.reward_wei)
                return f"job {event.job_id} posted: {count(event.shard_count, 'shard')}, {each} per shard"
            case TaskTaken():
                return f"{shard_in_words(event.task_id)} taken by {self.name(event.operator)}"
            case TaskClaimed():
                return (
                    f"{shard_in_words(event.task_id)} claimed by {self.name(event.operator)}:"
                    f" {outcome(event.claimed)}"
                )
            case LeaseExpired():
                lost = coins(event.penalty_wei)
                shard = shard_in_words(event.task_id)
                return f"{shard}: {self.name(event.operator)} missed the lease and lost {lost}"
            case TaskFinalized():
                return f"{shard_in_words(event.task_id)} [green]final[/]"
            case TaskReclaimed():
                shard, amount = shard_in_words(event.task_id), coins(event.amount_wei)
                return f"{shard} reclaimed; {amount} went back to the requester"
            case ClaimStruck():
                return (
                    f"{shard_in_words(event.task_id)}: the claim of {self.name(event.operator)} was proved"
                    " [bold red]false[/] and struck"
                )
            case (
                GameOpened()
                | GameSplit()
                | GamePicked()
                | GameStepped()
                | GameDescended()
                | GameRevealed()
                | GameSettled()
            ):
                return self._tell_game(event)
            case _:
                return None

    def _tell_game(self, event: GameEvent) -> str | None:
        shard = shard_in_words(task_of_game(event.game_id))
        match event:
            case GameOpened():
                return (
                    f"{shard} [bold yellow]disputed[/] by {self.name(event.challenger)}: they disagree"
                    f" somewhere in {count(event.high, 'instruction')}"
                )
            case GameSplit():
                parts = len(event.hashes) + 1
                return f"{shard}: {count(event.high - event.low, 'instruction')} split into {parts} parts"
            case GamePicked():
                length = count(event.high - event.low, "instruction")
                start = steps_in_words(event.low) if is_micro(event.low) else f"{event.low:,}"
                return f"{shard}: narrowed to {length} from {start}"
            case GameDescended():
                step = f"{run_number_of(event.low) + 1:,}"
                return (
                    f"{shard}: instruction {step} is a [bold]float instruction[/]: the game goes on in the"
                    " integer code that defines it"
                )
            case GameRevealed():
                length = count(event.high - event.low, "instruction")
                return f"{shard}: the operator reveals its result, which takes {length} of that code"
            case GameStepped():
                verdict = "as claimed" if event.after == event.expected else "[bold red]not as claimed[/]"
                return (
                    f"{shard}: the chain executed [bold]one instruction[/]; the resulting state is {verdict}"
                )
            case GameSettled():
                return f"{shard}: {_ending(event)}"


def outcome(claimed: ClaimedState) -> str:
    """How a claimed run ended."""
    after = f"after {count(claimed.cycle, 'instruction')}"
    if claimed.status is Status.RUNNING:
        return f"not halted {after}"
    if claimed.status is Status.TRAPPED:
        return f"trapped ({TrapCause(claimed.code).name.lower().replace('_', ' ')}) {after}"
    if claimed.code != 0:
        return f"failed with exit code {claimed.code} {after}"
    return f"done {after}, {count(claimed.output_size, 'byte')} of output"


def count(number: int, noun: str) -> str:
    """`1 shard`, `2 shards`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _ending(event: GameSettled) -> str:
    burned = f"; {coins(event.burned_wei)} burned" if event.burned_wei else ""
    match event.stage:
        case GameStage.OPERATOR_WON:
            return f"dispute lost by the challenger; {coins(event.operator_wei)} to the operator{burned}"
        case GameStage.CHALLENGER_WON:
            return f"dispute won by the challenger, who gets {coins(event.challenger_wei)}{burned}"
        case _:
            return f"dispute closed; {coins(event.challenger_wei)} to the challenger{burned}"


def shard_in_words(task_id: TaskId) -> str:
    """`shard 0`, where it is clear which job's."""
    return f"shard {shard_of_task(task_id)}"
