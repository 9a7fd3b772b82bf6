"""`truestep proofs`: the tools and keys of circuits, and verifier contracts."""

from pathlib import Path
from typing import Annotated

import typer

from truestep.adapters.files import write_file
from truestep.circuits.evm import GAS_LIMIT
from truestep.circuits.proof_file import read_proof
from truestep.circuits.setup_key import (
    DEVELOPMENT_WARNING,
    KeyName,
    install_production_key,
    key_folder,
    make_development_key,
    points,
)
from truestep.circuits.toolchain import set_up, tools_folder
from truestep.circuits.verifier import key_digest, verifier_code
from truestep.cli.failure import keep_inputs
from truestep.cli.option_errors import PlainGroup
from truestep.cli.screen import JsonFlag, Screen, guarded

DEFAULT_POINTS = 1 << 17
"""Enough for an MLP of a hundred thousand weights; made in seconds."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        cls=PlainGroup,
        no_args_is_help=True,
        help="Set up what proofs of circuits need, and write their verifier contracts.",
    )
    group.command(name="setup", epilog="Example: truestep proofs setup --production-key g1_compressed.dat")(
        proofs_setup
    )
    group.command(name="verifier", epilog="Example: truestep proofs verifier proof.json -o verifier.hex")(
        proofs_verifier
    )
    app.add_typer(group, name="proofs")


@guarded
def proofs_setup(
    count: Annotated[
        int,
        typer.Option("--points", metavar="N", min=1, max=2**22, help="Points of the development key."),
    ] = DEFAULT_POINTS,
    production_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="g1_compressed.dat of the ceremony. It is checked by its hashes."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Install the prover and make the development key.

    Noir and the prover come from npm, from the registry that npm is set to, and are checked against the
    hashes that truestep was made with. They are kept in the user's cache, or in TRUESTEP_CIRCUIT_TOOLS. The
    secret of the development key is known, so that its proofs convince nobody. Proofs for production need the
    points of a ceremony, which are not fetched: give their file.
    """
    screen = Screen(as_json=as_json)
    folder = tools_folder()
    screen.tell(f"installing Noir and the prover into {folder}")
    is_new = set_up(folder)
    development = key_folder(KeyName.DEVELOPMENT)
    with screen.steps("making the development key", count) as told:
        make_development_key(development, count, lambda done: told(done, "making the development key"))
    production = key_folder(KeyName.PRODUCTION)
    if production_key is not None:
        screen.tell("checking and unpacking the production key")
        install_production_key(production_key, production)
    screen.warn([DEVELOPMENT_WARNING])
    screen.result(
        {
            "tools": str(folder),
            "tools_were_installed": is_new,
            "development_points": points(development),
            "production_points": points(production),
        }
    )


@guarded
def proofs_verifier(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="A proof that `truestep prove` wrote.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write the code, in hex.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Write the code that deploys the verifier of a proof's circuit.

    No compiler is needed. The contract has one function, `verify(bytes proof, bytes32[] publicInputs)`. It
    takes proofs of this circuit only, made with the same key.
    """
    screen = Screen(as_json=as_json)
    keep_inputs(output, proof)
    file = read_proof(proof)
    code = verifier_code(file.key_bytes, file.key_name)
    write_file(output, f"0x{code.hex()}\n".encode())
    if file.key_name is KeyName.DEVELOPMENT:
        screen.warn([DEVELOPMENT_WARNING])
    screen.result(
        {
            "verifier": str(output),
            "key": file.key,
            "key_digest": f"0x{key_digest(file.key_bytes).hex()}",
            "code_bytes": len(code),
            "gas_limit_for_calls": GAS_LIMIT,
        }
    )
