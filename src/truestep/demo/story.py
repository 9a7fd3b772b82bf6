"""The demo's story, for somebody who has never seen a dispute game."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from truestep.base.ids import Address, BatchId, TaskId, batch_of_claim, shard_of_task, task_of_claim
from truestep.base.text import counted
from truestep.demo.last_step import LastStep
from truestep.demo.ledger import BATCH_KINDS, DISPUTE_KINDS, GasBook
from truestep.demo.narration import shard_in_words, shards_in_words
from truestep.demo.play import Warp
from truestep.demo.scene import CHALLENGER, LIAR, REQUESTER, Scene
from truestep.demo.value_at_risk import Risk
from truestep.protocol.bisection import Interval
from truestep.protocol.events import (
    ChainEvent,
    ClaimStruck,
    GameOpened,
    GamePicked,
    GameRewarded,
    GameSettled,
    GameSplit,
    TaskClaimed,
    TaskFinalized,
    TaskTaken,
)

WIDTH = 100
NAME_WIDTH = 7
NAME_STYLES = {LIAR: "bold red", CHALLENGER: "bold yellow", REQUESTER: "bold magenta"}
INDENT = " " * 10
BAR_MARGIN = 36
"""Columns that the numbers around a bar need."""

CAST = (
    (REQUESTER, "asks: what can five stocks lose within a year? She pays for the answer."),
    ("Bob", "is a worker: he computes off chain and vouches for it with his own coins."),
    ("Carol", "is a worker too."),
    (LIAR, "is a worker as well. The first result of her first batch will be a lie."),
    (CHALLENGER, "is a challenger: he runs everything again and earns by catching lies."),
)
HOW_DISPUTES_WORK = (
    "They agree on the state before the first instruction and disagree on the one after the last.",
    f"In each round {LIAR} names the states between 64 parts of the disputed instructions, and",
    f"{CHALLENGER} picks the first part whose end is wrong, until one instruction is left:",
)


class Story:
    """Prints the story. Times are seconds since it began."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began_seconds = time.monotonic()
        self._names: dict[Address, str] = {}
        self._split: GameSplit | None = None
        self._round = 0
        self._final_count = 0
        self._unsettled: dict[BatchId, set[TaskId]] = {}
        """The claims of each batch that are neither final nor struck."""
        self._dispute_seconds = 0.0

    @property
    def seconds(self) -> float:
        """How long the story has lasted."""
        return time.monotonic() - self._began_seconds

    def meet(self, scene: Scene) -> None:
        """Learn the names of the accounts."""
        self._names = dict(scene.names)

    def opening(self, shards: int, paths: int) -> None:
        """The title and the cast."""
        cast = Table.grid(padding=(0, 2))
        for name, role in CAST:
            cast.add_row(_name(name), role)
        title = f" truestep · {counted(shards, 'shard')} of {counted(paths, 'simulated year')}, one liar "
        self._panel(cast, title, "dim")

    def heading(self, title: str) -> None:
        """Print the heading of a new part."""
        self._console.print(f"\n[bold cyan]{title}[/]")

    def line(self, text: str) -> None:
        """Print a line with the time."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/]  {text}")

    def aside(self, text: str) -> None:
        """Print an explanation below a line."""
        self._console.print(Padding.indent(f"[dim]{text}[/]", len(INDENT)))

    def lie(self, said: float, true: float) -> None:
        """Say what the liar claimed."""
        self.aside(
            f"{LIAR} claimed that even the worst year of her shard ended with a gain of {said - 1:.0%};"
        )
        self.aside(f"in truth it lost {1 - true:.0%}")

    @property
    def dispute_seconds(self) -> float:
        """From the challenge to the liar's loss."""
        return self._dispute_seconds

    def command(self, words: str) -> None:
        """Print a command that the reader can type."""
        self._console.print(f"{INDENT}[bold]{escape(words)}[/]")

    def events(self, events: Sequence[ChainEvent]) -> None:
        """Tell what one log of the chain says: the same of each shard of a batch, or one event."""
        taken = [event for event in events if isinstance(event, TaskTaken)]
        claimed = [event for event in events if isinstance(event, TaskClaimed)]
        final = [event for event in events if isinstance(event, TaskFinalized)]
        if taken:
            self._tell_taken(taken)
        elif claimed:
            self._tell_claimed(claimed)
        elif final:
            self._tell_final(final)
        else:
            for event in events:
                self._tell(event)

    def warp(self, why: Warp, seconds: int) -> None:
        """Say why the chain's clock is moved on."""
        hours = f"{seconds / 3600:.0f} h"
        match why:
            case Warp.RETURN:
                self.heading("Dispute")
                self.line(f"every shard is claimed; {CHALLENGER} has been away, and comes back {hours} later")
                self.aside("A real network waits; here the chain's clock is moved on. He is still in time:")
                self.aside("claims can be challenged for a day.")
            case Warp.DISPUTED_END:
                self.line(f"the day is over: what {CHALLENGER} does not dispute can become final now")
            case Warp.END:
                self.heading("Finality")
                self.line(f"every claim stands, and {CHALLENGER} agrees with all of them")
                self.aside(f"The last ones can be challenged for another {hours}; the clock is moved on.")

    def _tell(self, event: ChainEvent) -> None:
        match event:
            case ClaimStruck():
                self._unsettled.get(batch_of_claim(event.claim_id), set()).discard(event.task_id)
                who, shard = self._who(event.operator), shard_in_words(event.task_id)
                self.line(f"{who} is [bold]struck[/]: {shard} is open again")
            case GameOpened():
                self._tell_opened(event)
            case GameSplit():
                self._split = event
            case GamePicked():
                self._tell_round(event)
            case GameSettled():
                self._tell_settled(event)
            case GameRewarded():
                self.line(f"{self._who(event.challenger)} is rewarded, now that the true result is final:")
                self.aside(
                    f"{_eth(event.amount_wei)} for his share of her bond and his gas; the rest is burned"
                )
            case _:
                return

    def step(self, step: LastStep) -> None:
        """Show the one instruction that the chain executed."""
        self.line(f"{_name(CHALLENGER)} sends it to the chain, which [bold]executes this one instruction[/]:")
        table = Table.grid(padding=(0, 2))
        table.add_row("instruction", f"number {step.number:,} of the run, at pc {step.pc:#010x}")
        table.add_row("", f"[bold]{step.assembly}[/]  ({step.in_words})")
        for name, old, new in step.changes:
            table.add_row("", f"{name}: {old:#x} → {new:#x}")
        table.add_row("state before", f"{_short(step.before)}  on which both sides agree")
        table.add_row("state after", f"[green]{_short(step.after)}[/]  as the chain computed it")
        table.add_row("", f"[red]{_short(step.claimed)}[/]  as {LIAR} claimed")
        self._panel(table, " the chain decides ", "yellow")

    def final(self) -> None:
        """Say that every shard is final."""
        self.line(f"[green]all {counted(self._final_count, 'shard')} are final[/] and paid")

    def result(self, risk: Risk, loss_share: float, instructions: int) -> None:
        """Show the answer to the question."""
        table = Table.grid(padding=(0, 4))
        table.add_column()
        table.add_column(justify="right", style="bold")
        table.add_row("One year in twenty it loses at least (VaR 95 %)", f"{risk.value_at_risk_95:.1%}")
        table.add_row("One year in a hundred it loses at least (VaR 99 %)", f"{risk.value_at_risk_99:.1%}")
        table.add_row(
            "Mean loss of the worst 5 % of years (expected shortfall)",
            f"{risk.expected_shortfall_95:.1%}",
        )
        table.add_row("Probability of any loss", f"{loss_share:.1%}")
        table.add_row("Mean year", f"{risk.mean_value - 1:+.1%}")
        self._panel(table, f" five stocks, {counted(risk.path_count, 'simulated year')} ", "green")
        self.aside(f"{counted(instructions, 'RISC-V instruction')}, none of them taken on trust")

    def costs(self, gas: GasBook, consumer_gas: int, seconds_by_part: dict[str, float]) -> None:
        """Show the gas and the time of each part."""
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
        for title in ("", "transactions", "gas each", "gas in total", "gas a shard"):
            table.add_column(title, justify="right" if title else "left")
        rows = (
            ("post the job", ("post",)),
            ("take a batch", ("take",)),
            ("claim a batch", ("claim",)),
            ("make a batch final", ("finalize",)),
            ("the dispute, `show` apart", DISPUTE_KINDS),
            ("of which the one instruction", ("step",)),
        )
        for title, kinds in rows:
            each = f"{gas.typical(kinds[0]):,}" if len(kinds) == 1 else ""
            shard = f"{gas.per_shard(kinds[0]):,}" if kinds[0] in BATCH_KINDS else ""
            table.add_row(title, str(gas.count(kinds)), each, f"{gas.total(kinds):,}", shard)
        table.add_row("a contract checks a shard", "", f"{consumer_gas:,}", "", "")
        self._indented(table)
        parts = [f"{part} {seconds:.1f} s" for part, seconds in seconds_by_part.items()]
        self.aside(" · ".join(parts))
        self.aside(f"the dispute alone: {self._dispute_seconds:.1f} s")

    def checks(self, outcomes: dict[str, bool]) -> None:
        """Show the result of each check."""
        for name, passed in outcomes.items():
            self._console.print(f"{INDENT}{'[green]✓[/]' if passed else '[bold red]✗[/]'} {name}")

    def _tell_taken(self, taken: Sequence[TaskTaken]) -> None:
        shards = shards_in_words([event.task_id for event in taken])
        bonds = "a bond of 1 ETH" if len(taken) == 1 else f"{len(taken)} bonds of 1 ETH"
        self.line(f"{self._who(taken[0].operator)} takes {shards}{_as_a_batch(taken)}, with {bonds}")

    def _tell_claimed(self, claimed: Sequence[TaskClaimed]) -> None:
        shards = shards_in_words([event.task_id for event in claimed])
        done = counted(sum(event.claimed.cycle for event in claimed), "instruction")
        how = "" if len(claimed) == 1 else " in one transaction"
        self.line(f"{self._who(claimed[0].operator)} claims {shards}{how}, done in {done}")
        self._unsettled[batch_of_claim(claimed[0].claim_id)] = {event.task_id for event in claimed}

    def _tell_final(self, final: Sequence[TaskFinalized]) -> None:
        self._final_count += len(final)
        tasks = [event.task_id for event in final]
        waiting = self._unsettled.setdefault(batch_of_claim(final[0].claim_id), set())
        waiting.difference_update(tasks)
        who, shards = self._who(final[0].operator), shards_in_words(tasks)
        self.line(f"{who} is paid for {shards}{_as_a_batch(final)}: [green]final[/]")
        if waiting:
            self.aside(f"the dispute holds up {shards_in_words(list(waiting))} of this batch, nothing else")

    def _tell_opened(self, event: GameOpened) -> None:
        self._dispute_seconds -= self.seconds
        shard = f"shard {shard_of_task(task_of_claim(event.claim_id))}"
        self.line(
            f"{self._who(event.challenger)} [bold]disputes {shard}[/]: he ran it too and got another result"
        )
        for text in HOW_DISPUTES_WORK:
            self.aside(text)

    def _tell_round(self, event: GamePicked) -> None:
        """Show one round: the interval, and the part of it that is now in dispute."""
        if self._split is None:
            return
        self._round += 1
        split = Interval(low=self._split.low, high=self._split.high)
        length, parts = split.length, len(self._split.hashes) + 1
        cells = max(1, min(parts, self._console.width - BAR_MARGIN))
        position = split.boundaries(parts).index(event.low) * cells // parts
        seconds, before, after = f"{self.seconds:6.1f} s  ", "·" * position, "·" * (cells - position - 1)
        bar = ((before, "dim"), ("█", "bold yellow"), (after, "dim"))
        left = f" {event.high - event.low:,}"
        self._console.print(Text.assemble((seconds, "dim"), f"{length:>11,} ", *bar, left))

    def _tell_settled(self, event: GameSettled) -> None:
        self._dispute_seconds += self.seconds
        self.line(f"{_name(LIAR)} loses the bond of this shard, 1 ETH, and keeps those of the others;")
        self.aside(f"{CHALLENGER} gets his own bond of {_eth(event.challenger_wei)} back")

    def _who(self, account: Address) -> str:
        return _name(self._names.get(account, account[:NAME_WIDTH]))

    def _panel(self, content: Table, title: str, style: str) -> None:
        width = min(self._console.width, WIDTH)
        panel = Panel(
            content, title=title, title_align="left", border_style=style, width=width, padding=(0, 2)
        )
        self._console.print(panel)

    def _indented(self, table: Table) -> None:
        grid = Table.grid()
        grid.add_row(INDENT, table)
        self._console.print(grid)


def _name(name: str) -> str:
    return f"[{NAME_STYLES.get(name, 'bold')}]{name:<{NAME_WIDTH}}[/]"


def _as_a_batch(events: Sequence[ChainEvent]) -> str:
    return "" if len(events) == 1 else " as one batch"


def _eth(amount_wei: int) -> str:
    return f"{amount_wei / 10**18:.4f} ETH"


def _short(digest: str) -> str:
    return f"{digest[:16]}…{digest[-8:]}"
