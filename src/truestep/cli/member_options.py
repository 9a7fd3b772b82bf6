"""The options by which a worker sits on committees (docs/quorum.md Q10, Q11)."""

from dataclasses import dataclass
from typing import Annotated

import typer

from truestep.cli.log_options import parse_listen


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOptions:
    """Whether a worker is a member, and who sends what it has to say."""

    member: Annotated[
        bool,
        typer.Option(
            "--member",
            help="Sit on committees of the policy *quorum* that the operator is drawn for by its pledge"
            " (`truestep stake pledge`): run their jobs, commit to results, dispute what differs.",
        ),
    ] = False
    member_listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Hand over here, to whoever sends for a whole committee, what this member has to say, which"
            " saves it gas; what nobody sends in time, it sends itself. The operator's record names the"
            " public URL.",
        ),
    ] = None

    @property
    def listen(self) -> tuple[str, int] | None:
        """Host and port; None if nothing is handed over."""
        if self.member_listen is None:
            return None
        if not self.member:
            raise typer.BadParameter("expected --member with it", param_hint="--member-listen")
        return parse_listen(self.member_listen, "--member-listen")
