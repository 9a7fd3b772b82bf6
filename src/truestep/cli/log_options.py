"""The options by which a worker keeps its log (docs/logs.md)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.cli.options import parse_amount

if TYPE_CHECKING:
    from truestep.composition.logs import LogSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Where a worker logs its claims, and who can read them."""

    log: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the log of claims, which any web server can serve. Default: in --state-dir.",
        ),
    ] = None
    log_listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve the log here, for `truestep audit-log`."),
    ] = None
    log_shared: Annotated[
        bool,
        typer.Option(
            "--log-shared",
            help="Other workers claim for the same operator, each with a log of its own: claims on the chain"
            " that this log lacks are theirs.",
        ),
    ] = False
    anchor: Annotated[
        bool,
        typer.Option(
            help="If the log is registered: sign its epochs for others of its group (with --log-listen), and"
            " anchor them when it is this log's turn.",
        ),
    ] = True
    anchor_cost: Annotated[
        str,
        typer.Option(
            metavar="AMOUNT", help="Most that anchoring an epoch for the whole group may cost, in gas."
        ),
    ] = "0.01"
    no_log: Annotated[bool, typer.Option("--no-log", help="Keep no log of claims.")] = False

    def settings(self) -> "LogSettings | None":
        """The settings; None without a log."""
        from truestep.composition.logs import LogSettings

        if self.no_log:
            given = {"--log": self.log, "--log-listen": self.log_listen, "--log-shared": self.log_shared}
            for option, value in given.items():
                if value:
                    raise typer.BadParameter("expected a log to use it on, got --no-log", param_hint=option)
            return None
        listen = parse_listen(self.log_listen, "--log-listen") if self.log_listen is not None else None
        cost_wei = parse_amount(self.anchor_cost, "--anchor-cost") if self.anchor else None
        return LogSettings(
            folder=self.log, listen=listen, is_shared=self.log_shared, anchor_cost_wei=cost_wei
        )


def parse_listen(text: str, option: str) -> tuple[str, int]:
    """The host and the port of `0.0.0.0:8547`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) < 2**16:
        raise typer.BadParameter(
            f"expected a host and a port such as 0.0.0.0:8547, got {text!r}", param_hint=option
        )
    return host.strip("[]"), int(port)
