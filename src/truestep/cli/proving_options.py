"""Options of a worker that proves its claims by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.cli.options import parse_size
from truestep.cli.screen import Screen

if TYPE_CHECKING:
    from truestep.circuits.claim_prover import ModelProver

PROVE_SECONDS, PROVE_MEMORY = 1_800, "8GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvingOptions:
    """Which claims a worker proves, with which key, and what a proof may take."""

    prove: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="MODEL",
            help="Prove claims of this quantised model's program, for an entry of Verifiers that names its"
            " circuit; take such jobs. Repeatable.",
        ),
    ] = None
    prove_key: Annotated[
        KeyName, typer.Option(help="The key to prove with. The development key convinces nobody.")
    ] = KeyName.PRODUCTION
    prove_seconds: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, help="Most time that each step of a proof may take.")
    ] = PROVE_SECONDS
    prove_memory: Annotated[
        int, typer.Option(metavar="SIZE", parser=parse_size, help="Most memory that a proof may take.")
    ] = PROVE_MEMORY  # pyright: ignore[reportAssignmentType]

    def prover(self, screen: Screen) -> "ModelProver | None":
        """What proves claims; None if no model is named. Compiles circuits that were not compiled yet."""
        if not self.prove:
            return None
        from truestep.circuits.claim_prover import ModelProver, open_model
        from truestep.circuits.model_file import read_model
        from truestep.circuits.processes import Limits
        from truestep.circuits.toolchain import Tools, tools_folder

        tools = Tools(tools_folder())
        _ = tools.bb, tools.noir  # a circuit that was compiled before does not need them, a proof does
        models = [open_model(read_model(path), tools, self.prove_key, screen.tell) for path in self.prove]
        if self.prove_key is KeyName.DEVELOPMENT:
            screen.warn([DEVELOPMENT_WARNING])
        limits = Limits(seconds=self.prove_seconds, memory_bytes=self.prove_memory)
        return ModelProver(models, tools, limits)
