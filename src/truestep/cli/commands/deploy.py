"""`truestep deploy`: deploys a network of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from truestep.base.units import coins, coins_or_more, gas_price
from truestep.cli.failure import Failure
from truestep.cli.fee_options import MaxFeeOption, MaxTipOption, transaction_policy
from truestep.cli.options import KeystoreOption, PasswordFileOption, RpcOption, ask_password
from truestep.cli.phases import PhaseName
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.protocol.deployment.bounds import key_of, shown

if TYPE_CHECKING:
    from truestep.adapters.chain.deploy import Deployed
    from truestep.adapters.chain.deployment import Deployment
    from truestep.adapters.chain.inspection import Finding
    from truestep.adapters.chain.trial import Trial
    from truestep.composition.deploying import Deploying

EXAMPLE = "Example: truestep deploy --rpc URL --parameters testnet --keystore deployer.json --dry-run"
STATE_SUFFIX = ".state"

ParametersOption = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="`testnet`, `mainnet`, or a file such as `truestep network parameters` prints.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="deploy", epilog=EXAMPLE)(deploy)


@guarded
def deploy(
    rpc: RpcOption,
    parameters: ParametersOption,
    keystore: KeystoreOption,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a parameter, such as window=12h. Repeatable.",
        ),
    ] = None,
    phase: Annotated[
        PhaseName | None,
        typer.Option(help="Who may lock stake at first. Default: what the parameters say."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and what it costs; send nothing.")
    ] = False,
    chain_id: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Refuse nodes of any other chain.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The deployment file to write.")
    ] = Path("deployment.json"),
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Journal of what was sent, with which the command resumes. Default: --out with `.state`.",
        ),
    ] = None,
    password_file: PasswordFileOption = None,
    max_fee: MaxFeeOption = None,
    max_tip: MaxTipOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Deploy all contracts of a network, connect them, check them and write the deployment file.

    Begin with --dry-run: it simulates every transaction and says what all of it costs. If a deployment is
    interrupted or fails, repeat the command: with the same state file it goes on where it stopped. At the end
    the code of every contract, the links between them and their parameters are read back and compared.
    """
    from truestep.adapters.keystore import keystore_address, open_keystore
    from truestep.adapters.parameter_files import read_settings
    from truestep.composition.deploying import opened_deploying

    screen = Screen(as_json=as_json)
    state = state or out.with_suffix(STATE_SUFFIX)
    account = keystore_address(keystore)
    wanted = [*(changes or []), *([f"admission.phase={phase}"] if phase else [])]
    settings = read_settings(parameters, wanted, account)
    if not dry_run:
        _check_files(out, state)
    with opened_deploying(
        rpc=rpc,
        settings=settings,
        account=account,
        state=state if state.exists() or not dry_run else None,
        policy=transaction_policy(max_fee, max_tip),
        chain_id=chain_id,
    ) as deploying:
        trial = deploying.trial()
        if dry_run:
            _show_trial(screen, deploying, trial)
            return
        _announce(screen, deploying, trial)
        signer = open_keystore(keystore, ask_password(password_file))
        count, total = 0, len(trial.steps)

        def progress(sentence: str) -> None:
            nonlocal count
            count += 1
            screen.note(f"{count:>2}/{total} {escape(sentence)}")

        try:
            deployment, deployed = deploying.deploy(signer, progress)
        except KeyboardInterrupt:
            screen.note(f"{count} of {total} steps are done; the same command goes on there")
            raise
        findings = deploying.verify(deployment)
    deployment.write(out)
    _show_deployment(screen, deployment, deployed, findings, out)


def _check_files(out: Path, state: Path) -> None:
    """A deployment file that another deployment has written must not be lost."""
    if out.exists() and not state.exists():
        raise Failure("file exists", f"{out} would be lost; choose another --out, or move it away first")


def _announce(screen: Screen, deploying: "Deploying", trial: "Trial") -> None:
    """Say what is about to happen. Raises `Rejected` if the account is short of coins."""
    from truestep.adapters.chain.trial import refuse_poor

    refuse_poor(trial, deploying.account)
    left = sum(not step.is_done for step in trial.steps)
    screen.note(
        f"chain {deploying.chain_id}: {left} of {len(trial.steps)} transactions to send, for about"
        f" {coins(trial.cost_wei)}"
    )


def _show_trial(screen: Screen, deploying: "Deploying", trial: "Trial") -> None:
    fields: dict[str, Any] = {
        "chain_id": deploying.chain_id,
        "deployer": deploying.account,
        "balance_wei": trial.balance_wei,
        "gas": trial.gas,
        "gas_price_wei": trial.price_wei,
        "cost_wei": trial.cost_wei,
        "needed_wei": trial.needed_wei,
        "missing_wei": trial.missing_wei,
        "simulated": trial.is_simulated,
        "parameters": deploying.settings.values,
        "steps": [
            {
                "title": step.title,
                "address": step.address,
                "size_bytes": step.size_bytes,
                "gas": step.gas,
                "done": step.is_done,
            }
            for step in trial.steps
        ],
    }
    if screen.as_json:
        screen.result(fields)
        return
    screen.result({}, shown=_table(trial))
    screen.result({}, shown="")
    screen.result({key_of(name): shown(name, value) for name, value in deploying.settings.values.items()})
    screen.result({}, shown="")
    kind = "each step simulated by the node" if trial.is_simulated else "estimated: the node cannot simulate"
    screen.result(
        {
            "chain_id": f"{deploying.chain_id}",
            "deployer": f"{deploying.account}, with {coins(trial.balance_wei)}",
            "gas": f"{trial.gas:,} ({kind})",
            "gas_price": gas_price(trial.price_wei),
            "cost": f"{coins(trial.cost_wei)} at this price",
            "needed": f"{coins(trial.needed_wei)}, because the price may rise",
        }
    )
    if trial.missing_wei:
        screen.warn([f"the deployer is short of {coins_or_more(trial.missing_wei)}"])
    screen.note("nothing was sent; the same command without --dry-run deploys")


def _table(trial: "Trial") -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("step")
    for title in ("bytes", "gas", "cost"):
        table.add_column(title, justify="right", no_wrap=True)
    for number, step in enumerate(trial.steps, 1):
        size = "" if step.size_bytes is None else f"{step.size_bytes:,}"
        cost = "done" if step.is_done else coins(step.gas * trial.price_wei)
        table.add_row(f"{number:>2}. {step.title}", size, f"{step.gas:,}", cost)
    return table


def _show_deployment(
    screen: Screen,
    deployment: "Deployment",
    deployed: "Deployed",
    findings: "list[Finding]",
    out: Path,
) -> None:
    contracts = {name: deployment.address(name) for name in deployment.contracts}
    fields: dict[str, Any] = {
        "deployment_file": str(out),
        "chain_id": deployment.chain_id,
        "gas_used": deployed.gas_used,
        "cost_wei": deployed.cost_wei,
        "checks": len(findings),
        "contracts": contracts,
    }
    if screen.as_json:
        screen.result(fields)
        return
    screen.note(
        f"checked: the code of {len(contracts)} contracts, {len(findings) - len(contracts)} links and rules"
    )
    cost = f"{coins(deployed.cost_wei)} for {deployed.gas_used:,} gas"
    screen.result(
        {"deployment_file": str(out), "chain_id": f"{deployment.chain_id}", "cost": cost, **contracts}
    )
    screen.note(
        f"Give it a name: [bold]truestep network add NAME {escape(str(out))}[/]. Then commands take --network"
        " NAME. Others can use the same file."
    )
