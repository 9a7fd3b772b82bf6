"""A command's output: results on stdout, everything else on stderr; with `--json` one object on stdout."""

import functools
import json
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.text import Text

from truestep.base.text import LAYOUT, visible
from truestep.cli.failure import EXPECTED, ExitCode, Failure, as_failure
from truestep.cli.interruption import interruptible
from truestep.cli.silence import begin_silence, silence_now
from truestep.cli.streams import silence, write_result
from truestep.cli.wrapping import wrapped

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout; everything else goes to stderr.")
]

Fields = Mapping[str, Any]
P = ParamSpec("P")


class _Console(Console):
    """A console whose reader may go away. It then becomes silent, where rich would end the program."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(sys.stderr if self.stderr else sys.stdout)


class Screen:
    """The output of one command. Control characters in it are shown as escapes."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.notes: Console = _Console(stderr=True, highlight=False)
        self.results: Console = _Console(highlight=False)
        self._silence = silence_now()
        self._silence.begin(lambda words: self._print_note(Text(f"… {visible(words)}", style="dim")))

    @property
    def shows_progress(self) -> bool:
        """Whether to draw a progress bar: only on a terminal, and not with `--json`."""
        return not self.as_json and self.notes.is_terminal

    def note(self, text: str) -> None:
        """Print a line for people that is not part of the result. `text` may hold rich markup."""
        self._print_note(visible(text, keep=LAYOUT))

    def tell(self, sentence: str) -> None:
        """Print what is done now, for people; it may hold anybody's text. If it takes long, that is said."""
        self._print_note(Text(visible(sentence, keep=LAYOUT)))
        self._silence.doing(f"still: {sentence}")

    def doing(self, words: str) -> None:
        """Say this only if it takes long: `reading the chain's events`."""
        self._silence.doing(words)

    def in_flight(self, words: str) -> None:
        """A transaction is on its way; empty: no more."""
        self._silence.in_flight(words)

    def leave_behind(self, sentence: str) -> None:
        """Say this if the command is interrupted from now on: what exists, and how to go on."""
        self._silence.leave_behind(sentence)

    def warn(self, sentences: Iterable[str]) -> None:
        """Print what a person should know and a program need not."""
        for sentence in sentences:
            self._print_note(Text.assemble(("warning: ", "bold yellow"), visible(sentence)))

    def said(self, text: str) -> None:
        """Print the message of another program, such as a compiler, unchanged."""
        self._print_note(Text(visible(text.rstrip(), keep=LAYOUT)))

    def result(self, fields: Fields, shown: object | None = None) -> None:
        """Print the result: the JSON object, or for people `shown` (default: one line per field)."""
        self._silence.end()
        if self.as_json:
            write_result(f"{json.dumps(dict(fields))}\n")
            return
        content = shown if shown is not None else fields_text(fields)
        with self.results.capture() as captured:
            self.results.print(
                visible(content, keep=LAYOUT) if isinstance(content, str) else content, soft_wrap=True
            )
        write_result(captured.get())

    def failure(self, failure: Failure) -> None:
        """Print why the command failed. Never raises."""
        if self.as_json:
            error = {"reason": failure.reason, "message": str(failure)}
            with suppress(Failure):
                write_result(f"{json.dumps({'error': error})}\n")
        message = Text.assemble(("error: ", "bold red"), visible(str(failure), keep=LAYOUT))
        self._print_note(message)

    def _print_note(self, content: object) -> None:
        self._silence.has_spoken()
        try:
            if self.notes.is_terminal:
                text = Text.from_markup(content) if isinstance(content, str) else content
                content = wrapped(text, self.notes.width) if isinstance(text, Text) else text
            self.notes.print(content, soft_wrap=True)
        except OSError:  # what is not part of the result may be lost
            silence(sys.stderr)

    @contextmanager
    def cycles(self, action: str, total: int | None = None) -> Generator[Callable[[int], None], None, None]:
        """A progress bar in cycles and cycles per second. Call the value with the cycle reached."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *([BarColumn()] if total else []),
            TextColumn("{task.completed:,} cycles"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.notes, transient=True, disable=not self.shows_progress) as bar:
            task = bar.add_task(action, total=total, rate="")

            def told(cycle: int) -> None:
                bar.update(task, completed=cycle)
                self._silence.progress(f"{action}: {cycle:,} cycles")
                seconds = bar.tasks[0].elapsed
                if seconds:
                    bar.update(task, rate=f"{cycle / seconds / 1e6:,.1f} M/s")

            with self._drawing(action):
                yield told

    @contextmanager
    def steps(self, action: str, total: int) -> Generator[Callable[[int, str], None], None, None]:
        """A progress bar over `total` items. Call the value with the number done and a description."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
        )
        with Progress(
            *columns, TimeElapsedColumn(), console=self.notes, transient=True, disable=not self.shows_progress
        ) as bar:
            task = bar.add_task(action, total=total)

            def told(done: int, words: str) -> None:
                bar.update(task, completed=done, description=words)
                self._silence.progress(words)

            with self._drawing(action):
                yield told

    @contextmanager
    def _drawing(self, action: str) -> Generator[None]:
        """While a bar is drawn, nothing else need be said; without one, what is done."""
        drawn = int(self.shows_progress)
        self._silence.draw(drawn)
        self._silence.doing(action)
        try:
            yield
        finally:
            self._silence.draw(-drawn)
            self._silence.doing("")


def fields_text(fields: Fields) -> Text:
    """One line per field. Long values are left to the terminal to wrap, so that they can be copied."""
    text = Text()
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        text.append(f"{name.replace('_', ' '):<{width}}  ", style="bold")
        text.append(f"{_shown(value)}\n")
    text.rstrip()
    return text


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return visible(str(value), keep=LAYOUT)


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command with its expected failures turned into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        watched = begin_silence()
        try:
            with interruptible():
                command(*args, **kwargs)
        except EXPECTED as error:
            failure = as_failure(error)
            Screen(as_json=bool(kwargs.get("as_json"))).failure(failure)
            raise typer.Exit(failure.exit_code) from error
        except KeyboardInterrupt as error:
            screen = Screen(as_json=False)
            screen.note("interrupted")
            for sentence in watched.last_words:
                screen.tell(sentence)
            raise typer.Exit(ExitCode.INTERRUPTED) from error
        finally:
            watched.end()

    return run
