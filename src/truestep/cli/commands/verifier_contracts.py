"""`truestep verifiers deploy` and `check`: contracts that check proofs of RISC Zero, SP1 and circuits."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.circuits.setup_key import KeyName
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.option_groups import grouped
from truestep.cli.options import (
    KeystoreOption,
    NetworkOptions,
    PasswordFileOption,
    ask_password,
    parse_address,
)
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.verifier_kinds import (
    CheckedVerifier,
    KeyOption,
    Kind,
    MaxCyclesOption,
    RunsOption,
    WhatArgument,
    foreign_kind,
    is_model,
    kind_of,
    refuse_run_count,
)

DEPLOY_EXAMPLE = "Example: truestep verifiers deploy risc-zero-3.0 --rpc URL --keystore deployer.json"
CHECK_EXAMPLE = "Example: truestep verifiers check risc-zero-3.0 ADDRESS --rpc http://127.0.0.1:8545"


def add_to(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.command(name="deploy", epilog=DEPLOY_EXAMPLE)(deploy)
    group.command(name="check", epilog=CHECK_EXAMPLE)(check)


@guarded
@grouped
def deploy(
    what: WhatArgument,
    network: NetworkOptions,
    keystore: KeystoreOption,
    root_verifier: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a set: the verifier of roots, if it is there already."),
    ] = None,
    key: KeyOption = KeyName.PRODUCTION,
    max_cycles: MaxCyclesOption = None,
    runs: RunsOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Journal of what was sent, with which the command resumes. Default: VERSION.state, or the"
            " model's name with this suffix, and the number of runs before it.",
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
    """Deploy the contract that checks proofs of RISC Zero, SP1 or a model's circuit, and check it then.

    Of a model two contracts are deployed: that of its circuit, and CircuitVerifier, which checks what of a
    claim the circuit's proof is of, for one program in one network. With --runs it is the outermost circuit
    of a tree, and RowsVerifier, which takes one proof of the claims of as many shards.

    Nobody owns them. They count for nothing until governance adds an entry (`truestep verifiers add`).
    Anybody can check that they are right: `truestep verifiers check`. An interrupted deployment goes on with
    the same state file, and a finished one is shown again: nothing is paid for twice.
    """
    from truestep.adapters.chain.connection import connect
    from truestep.adapters.chain.deploy import carry_out, done_steps
    from truestep.adapters.chain.trial import refuse_poor, try_plan
    from truestep.adapters.keystore import keystore_address, open_keystore
    from truestep.adapters.store.sqlite import SqliteStore

    screen = Screen(as_json=as_json)
    web3, policy = connect(network.rpc), transaction_policy(max_fee, max_tip)
    _refuse_options_of_others(what, key, max_cycles, root_verifier, runs)
    if root_verifier is not None:
        kind: Kind = foreign_kind(web3, what, root_verifier)
    else:
        kind = kind_of(web3, what, network, screen, key=key, max_cycles=max_cycles, run_count=runs)
    plan, account = kind.plan(), keystore_address(keystore)
    place = state or _state_file(what, runs)
    with SqliteStore(place if place.exists() or not dry_run else None) as store:
        trial = try_plan(web3, account, plan, policy, done_steps(store, plan, account))
        words = f"{len(plan.steps)} transactions, {trial.gas:,} gas, about {coins(trial.cost_wei)}"
        if dry_run:
            fields = {"version": kind.name, "gas": trial.gas, "cost_wei": trial.cost_wei}
            screen.result(fields, shown=words)
            return
        refuse_poor(trial, account)
        screen.note(words)
        signer = open_keystore(keystore, ask_password(password_file))
        deployed = carry_out(
            web3, signer, store, plan, policy=policy, progress=lambda words: screen.note(escape(words))
        )
    address = Address(str(deployed.entries[plan.contracts[-1]].contract))
    _show(screen, kind, _checked(kind, web3, address, place), gas_used=deployed.gas_used)
    same = f" --key {key}" if is_model(what) and key is not KeyName.PRODUCTION else ""
    same += f" --max-cycles {max_cycles}" if max_cycles is not None else ""
    same += f" --runs {runs}" if runs is not None else ""
    same += "" if is_model(what) else " --image HEX --program PROG --max-cycles N"
    screen.note(f"next: [bold]truestep verifiers add {escape(what)} {address}{same} --value-cap COINS[/]")


@guarded
@grouped
def check(
    what: WhatArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The contract.")],
    network: NetworkOptions,
    key: KeyOption = KeyName.PRODUCTION,
    max_cycles: MaxCyclesOption = None,
    runs: RunsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that a contract is the verifier of this version or model: its code with every constant in it.

    Do this before you let an entry with it be added, or rely on one. Of a set the verifier of roots is
    checked too, of a model the contract of its circuit; its circuit and program are made again from the file.
    """
    from truestep.adapters.chain.connection import connect

    screen = Screen(as_json=as_json)
    web3, place = connect(network.rpc), parse_address(address, "ADDRESS")
    _refuse_options_of_others(what, key, max_cycles, None, runs)
    kind = kind_of(web3, what, network, screen, key=key, max_cycles=max_cycles, run_count=runs)
    _show(screen, kind, kind.check(web3, place))


def _state_file(what: str, runs: int | None) -> Path:
    """One of each deployment, so that none is taken for another that was interrupted."""
    if not is_model(what):
        return Path(f"{what}.state")
    return Path(f"{Path(what).stem}.state" if runs is None else f"{Path(what).stem}-{runs}-runs.state")


def _refuse_options_of_others(
    what: str, key: KeyName, max_cycles: int | None, root_verifier: str | None, runs: int | None
) -> None:
    """An option that would change nothing may have been meant to."""
    if is_model(what) and root_verifier is not None:
        raise typer.BadParameter("a model has no roots; leave --root-verifier out")
    given = (max_cycles, runs) != (None, None) or key is not KeyName.PRODUCTION
    if not is_model(what) and given:
        raise typer.BadParameter("--key, --max-cycles and --runs are of models; leave them out for a version")
    refuse_run_count(runs)


def _checked(kind: Kind, web3: Any, address: Address, state: Path) -> CheckedVerifier:
    """What was deployed. A state file may be of a chain that is gone, such as a devnet that was stopped."""
    try:
        return kind.check(web3, address)
    except Rejected as error:
        if error.reason is not Reject.NO_CONTRACT:
            raise
        raise Rejected(
            error.reason,
            f"{state} says that the verifier was deployed at {address}, and this chain has no contract there:"
            " the file is of a chain that is gone, or the node lags; give another --state to deploy again",
        ) from error


def _show(screen: Screen, kind: Kind, found: CheckedVerifier, **more: int) -> None:
    fields: dict[str, Any] = {
        "version": kind.name,
        "verifier": found.address,
        "selector": f"0x{found.selector.hex()}",
        "code_hash": f"0x{found.code_hash.hex()}",
        **found.shown,
        **more,
    }
    screen.result(fields)
    if not screen.as_json:
        screen.note(f"this is the verifier that truestep ships: {kind.promise}")
