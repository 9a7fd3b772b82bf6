"""`truestep program`: what is said about programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.commands import program_trials
from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.options import PasswordFileOption, ask_password
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep program bind-proof guest.elf --proof receipt.json --output binding.json"


class SystemName(StrEnum):
    """Whose program it is."""

    RISC_ZERO = "risc-zero"
    SP1 = "sp1"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    programs = typer.Typer(no_args_is_help=True, help="Programs, and what is said about them.")
    programs.command(name="bind-proof", epilog=EXAMPLE)(bind_proof)
    program_trials.add_to(programs)
    app.add_typer(programs, name="program")


@guarded
def bind_proof(
    program: Annotated[
        Path, typer.Argument(metavar="PROGRAM", help="The truestep program: an ELF file, or C or Python.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The statement to write.")],
    proof: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A proof of the foreign program; it is checked, and names it."),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Without --proof: its image id, or the hash of its verifying key."),
    ] = None,
    system: Annotated[
        SystemName | None, typer.Option("--system", help="With --image: whose program it is.")
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sign with this account. Default: nobody signs."),
    ] = None,
    password_file: PasswordFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say that a program of RISC Zero or SP1 computes what a truestep program computes.

    Nothing can prove that here: it is your statement, and whoever relies on it relies on you. Sign it with
    --keystore so that others can tell that it is yours. `truestep verify FILE` checks it, and
    `truestep verify PROOF --binding FILE` shows it beside a proof.
    """
    from truestep.adapters.keystore import open_keystore
    from truestep.client.files import read_program
    from truestep.client.proof_bindings import bind

    screen = Screen(as_json=as_json)
    keep_inputs(output, program, proof, keystore)
    named, found = _foreign_program(proof, image, system)
    signer = open_keystore(keystore, ask_password(password_file)) if keystore else None
    binding = bind(read_program(program), named, found, signer)
    binding.write(output)
    screen.result(
        {"binding": str(output), **binding.model_dump()},
        shown=escape(f"{binding.says}\n{_signed_in_words(binding.binder)}, in {output}"),
    )


def _foreign_program(proof: Path | None, image: str | None, system: SystemName | None) -> tuple[str, bytes]:
    """The system and the image, from a proof that holds or from the options."""
    from truestep.client.foreign_receipts import FOREIGN_LIMIT_BYTES, parse_image, read_foreign
    from truestep.proofs.receipts import check_receipt
    from truestep.proofs.versions import System

    names = {SystemName.RISC_ZERO: System.RISC_ZERO, SystemName.SP1: System.SP1}
    expected = None if image is None else parse_image(image)
    if proof is None:
        if expected is None or system is None:
            raise typer.BadParameter(
                "expected --proof FILE, or --image HEX and --system", param_hint="--proof"
            )
        return names[system].value, expected
    with proof.open("rb") as file:
        found = read_foreign(file.read(FOREIGN_LIMIT_BYTES + 1), expected)
    if found is None:
        raise Failure(
            "not a proof", f"{proof} is no proof of RISC Zero or SP1; give one, or --image and --system"
        )
    if system is not None and names[system] is not found.system:
        raise typer.BadParameter(
            f"the proof is of {found.system.value}; leave --system out", param_hint="--system"
        )
    if not check_receipt(found).holds:
        raise Failure("proof is false", f"{proof} does not hold; do not bind a program by it")
    return found.system.value, found.image


def _signed_in_words(binder: str | None) -> str:
    return f"signed by {binder}" if binder else "signed by nobody: --keystore signs"
