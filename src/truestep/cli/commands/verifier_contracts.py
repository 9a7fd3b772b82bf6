"""`truestep verifiers deploy` and `check`: contracts that check proofs of RISC Zero and SP1."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.options import KeystoreOption, PasswordFileOption, RpcOption, ask_password
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.chain.foreign_verifiers import VerifierContract
    from truestep.proofs.versions import Version

DEPLOY_EXAMPLE = "Example: truestep verifiers deploy risc-zero-3.0 --rpc URL --keystore deployer.json"
CHECK_EXAMPLE = "Example: truestep verifiers check risc-zero-3.0 ADDRESS --rpc http://127.0.0.1:8545"

VersionArgument = Annotated[
    str,
    typer.Argument(
        metavar="VERSION", help="`risc-zero-2.2`, `risc-zero-3.0`, `risc-zero-set-0.9` or `sp1-6.1`."
    ),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.command(name="deploy", epilog=DEPLOY_EXAMPLE)(deploy)
    group.command(name="check", epilog=CHECK_EXAMPLE)(check)


@guarded
def deploy(
    version: VersionArgument,
    rpc: RpcOption,
    keystore: KeystoreOption,
    root_verifier: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a set: the verifier of roots, if it is there already."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Journal of what was sent, with which the command resumes. Default: VERSION.state.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent and what it costs; send nothing.")
    ] = False,
    password_file: PasswordFileOption = None,
    max_fee: MaxFeeOption = None,
    max_tip: MaxTipOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Deploy the contract that checks proofs of RISC Zero or SP1, and check what is there then.

    Nobody owns it. It counts for nothing until governance adds an entry for a program (docs/validity.md V2).
    Anybody can check that it is the right one: `truestep verifiers check`. An interrupted deployment goes on
    with the same state file.
    """
    from truestep.adapters.chain.connection import connect
    from truestep.adapters.chain.deploy import carry_out, done_steps
    from truestep.adapters.chain.foreign_verifiers import check_verifier, verifier_plan
    from truestep.adapters.chain.trial import refuse_poor, try_plan
    from truestep.adapters.keystore import keystore_address, open_keystore
    from truestep.adapters.store.sqlite import SqliteStore

    screen = Screen(as_json=as_json)
    wanted, web3, policy = named_version(version), connect(rpc), transaction_policy(max_fee, max_tip)
    roots = None if root_verifier is None else _root_verifier(web3, wanted, root_verifier)
    plan, account = verifier_plan(wanted, roots), keystore_address(keystore)
    place = state or Path(f"{version}.state")
    with SqliteStore(place if place.exists() or not dry_run else None) as store:
        trial = try_plan(web3, account, plan, policy, done_steps(store, plan, account))
        words = f"{len(plan.steps)} transactions, {trial.gas:,} gas, about {coins(trial.cost_wei)}"
        if dry_run:
            screen.result({"version": wanted.name, "gas": trial.gas, "cost_wei": trial.cost_wei}, shown=words)
            return
        refuse_poor(trial, account)
        screen.note(words)
        signer = open_keystore(keystore, ask_password(password_file))
        deployed = carry_out(
            web3, signer, store, plan, policy=policy, progress=lambda words: screen.note(escape(words))
        )
    address = Address(str(deployed.entries[plan.contracts[-1]].contract))
    _show(screen, check_verifier(web3, wanted, address), gas_used=deployed.gas_used)


@guarded
def check(
    version: VersionArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The contract.")],
    rpc: RpcOption,
    as_json: JsonFlag = False,
) -> None:
    """Check that a contract is the verifier of this version: its code with every constant in it.

    Do this before you let an entry with it be added, or rely on one. Of a set the verifier of roots is
    checked too.
    """
    from truestep.adapters.chain.connection import connect
    from truestep.adapters.chain.foreign_verifiers import check_verifier

    screen = Screen(as_json=as_json)
    _show(screen, check_verifier(connect(rpc), named_version(version), _address(address)))


def named_version(name: str) -> "Version":
    """The live version with this name. Raises Rejected, which says why another one is refused."""
    from truestep.proofs.versions import known_versions, live_version, live_versions

    for version in (*live_versions(), *known_versions()):
        if _plain(version.name) == _plain(name):
            return live_version(version.selector)
    known = ", ".join(_plain(version.name) for version in live_versions())
    raise typer.BadParameter(f"expected one of {known}, got {name[:60]!r}")


def _plain(name: str) -> str:
    """As these commands take it: SP1 6.1.0 is `sp1-6.1`."""
    plain = name.lower().replace(" ", "-").replace("set-inclusion", "set")
    return plain.removesuffix(".0") if plain.count(".") > 1 else plain


def _root_verifier(web3: Any, version: "Version", text: str) -> Address:
    from truestep.adapters.chain.foreign_verifiers import check_verifier
    from truestep.proofs.versions import live_version

    if not version.root_selector:
        raise typer.BadParameter(f"{version.name} has no roots; leave --root-verifier out")
    return check_verifier(web3, live_version(version.root_selector), _address(text)).address


def _address(text: str) -> Address:
    from web3 import Web3

    if not Web3.is_address(text):
        raise typer.BadParameter(f"expected the address of a contract, got {text[:60]!r}")
    return Address(Web3.to_checksum_address(text))


def _show(screen: Screen, found: "VerifierContract", **more: int) -> None:
    version = found.version
    fields: dict[str, Any] = {
        "version": version.name,
        "verifier": found.address,
        "selector": f"0x{version.selector.hex()}",
        "code_hash": f"0x{found.code_hash.hex()}",
        **({"root_verifier": found.root_verifier} if found.root_verifier else {}),
        **more,
    }
    screen.result(fields)
    if not screen.as_json:
        screen.note(
            "this is the verifier that truestep ships, with the published key; an entry also names the image"
            " of a program and the limits of what it may prove"
        )
