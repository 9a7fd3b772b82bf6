"""The events of a job in words that a newcomer understands. Used by `submit`, `status` and `demo`."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from truestep.base.ids import (
    Address,
    TaskId,
    shard_of_task,
    task_of_claim,
    task_of_game,
)
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.machine.state import Status, TrapCause
from truestep.protocol.calls import NATIVE
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import (
    ChainEvent,
    ClaimRefuted,
    ClaimStruck,
    GameAdopted,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameRewarded,
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

GameEvent = (
    GameOpened
    | GameSplit
    | GamePicked
    | GameStepped
    | GameDescended
    | GameRevealed
    | GameAdopted
    | GameSettled
    | GameRewarded
)


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
                each = pay(event.reward, event.asset)
                return f"job {event.job_id} posted: {counted(event.shard_count, 'shard')}, {each} per shard"
            case TaskTaken():
                return f"{shard_in_words(event.task_id)} taken by {self.name(event.operator)}"
            case TaskClaimed() if event.is_malformed:
                shard, who = shard_in_words(event.task_id), self.name(event.operator)
                return f"{shard} claimed by {who}, in a form that no run can have: anybody can refute it"
            case TaskClaimed():
                return (
                    f"{shard_in_words(event.task_id)} claimed by {self.name(event.operator)}:"
                    f" {outcome(event.claimed)}"
                )
            case LeaseExpired():
                lost = coins(event.penalty_wei)
                shard = shard_in_words(event.task_id)
                return f"{shard}: {self.name(event.operator)} did not claim it, and lost {lost}"
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
                | GameAdopted()
                | GameSettled()
                | GameRewarded()
            ):
                return self._tell_game(event)
            case ClaimRefuted():
                shard, got = shard_in_words(task_of_claim(event.claim_id)), coins(event.amount_wei)
                return f"{shard}: {self.name(event.caller)} refuted a claim that was false by itself: {got}"
            case _:
                return None

    def _tell_game(self, event: GameEvent) -> str | None:
        shard = shard_in_words(task_of_game(event.game_id))
        match event:
            case GameOpened():
                return (
                    f"{shard} [bold yellow]disputed[/] by {self.name(event.challenger)}: they disagree"
                    f" somewhere in {counted(event.high, 'instruction')}"
                )
            case GameSplit():
                parts = len(event.hashes) + 1
                return f"{shard}: {counted(event.high - event.low, 'instruction')} split into {parts} parts"
            case GamePicked():
                length = counted(event.high - event.low, "instruction")
                start = steps_in_words(event.low) if is_micro(event.low) else f"{event.low:,}"
                return f"{shard}: narrowed to {length} from {start}"
            case GameDescended():
                step = f"{run_number_of(event.low) + 1:,}"
                return (
                    f"{shard}: instruction {step} is a [bold]float instruction[/]: the game goes on in the"
                    " integer code that defines it"
                )
            case GameRevealed():
                length = counted(event.high - event.low, "instruction")
                return f"{shard}: the operator reveals its result, which takes {length} of that code"
            case GameStepped():
                verdict = "as claimed" if event.after == event.expected else "[bold red]not as claimed[/]"
                return (
                    f"{shard}: the chain executed [bold]one instruction[/]; the resulting state is {verdict}"
                )
            case GameAdopted():
                return f"{shard}: {self.name(event.sponsor)} defends the claim now, with a bond of its own"
            case GameSettled():
                return f"{shard}: {_ending(event)}"
            case GameRewarded():
                return f"{shard}: {self.name(event.challenger)} is rewarded with {coins(event.amount_wei)}"


def outcome(claimed: ClaimedState) -> str:
    """How a claimed run ended."""
    after = f"after {counted(claimed.cycle, 'instruction')}"
    if claimed.status is Status.RUNNING:
        return f"not halted {after}"
    if claimed.status is Status.TRAPPED:
        return f"trapped ({TrapCause(claimed.code).name.lower().replace('_', ' ')}) {after}"
    if claimed.code != 0:
        return f"failed with exit code {claimed.code} {after}"
    return f"done {after}, {counted(claimed.output_size, 'byte')} of output"


def _ending(event: GameSettled) -> str:
    burned = f"; {coins(event.burned_wei)} burned" if event.burned_wei else ""
    match event.stage:
        case GameStage.OPERATOR_WON:
            return f"dispute lost by the challenger; {coins(event.operator_wei)} to the operator{burned}"
        case GameStage.CHALLENGER_WON:
            back = coins(event.challenger_wei)
            return f"dispute won by the challenger, whose bond comes back: {back}{burned}"
        case _:
            back = coins(event.challenger_wei)
            return f"dispute closed, since the claim has fallen; {back} to the challenger{burned}"


def shard_in_words(task_id: TaskId) -> str:
    """`shard 0`, where it is clear which job's."""
    return f"shard {shard_of_task(task_id)}"


def shards_in_words(task_ids: Sequence[TaskId]) -> str:
    """`shard 0`, `shards 0 to 3`, `shards 0, 2 and 3`, where it is clear which job's."""
    numbers = sorted(shard_of_task(task_id) for task_id in task_ids)
    runs = [list(run) for _, run in groupby(enumerate(numbers), key=lambda entry: entry[1] - entry[0])]
    words: list[str] = []
    for run in runs:
        first, last = run[0][1], run[-1][1]
        words += [f"{first} to {last}"] if last > first + 1 else [f"{number}" for _, number in run]
    listed = f"{', '.join(words[:-1])} and {words[-1]}" if words[1:] else words[0]
    return f"shard{'' if len(numbers) == 1 else 's'} {listed}"


def pay(units: int, asset: Address) -> str:
    """An amount of coins, or of a token's units."""
    return coins(units) if asset == NATIVE else f"{units:,} units of token {asset}"
