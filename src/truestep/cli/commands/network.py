"""`truestep network`: deployments with names."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from truestep.base.errors import Rejected
from truestep.cli.failure import ExitCode
from truestep.cli.screen import JsonFlag, Screen, fields_text, guarded
from truestep.protocol.deployment.bounds import key_of, shown

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.adapters.chain.inspection import Finding
    from truestep.composition.deploying import Owners

ADD_EXAMPLE = "Example: truestep network add sepolia deployment.json"
LIST_EXAMPLE = "Example: truestep network list"
SHOW_EXAMPLE = "Example: truestep network show sepolia --rpc http://127.0.0.1:8545"
PARAMETERS_EXAMPLE = "Example: truestep network parameters testnet > mine.toml"

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The network's name.")]
CheckRpcOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc", metavar="URL", envvar="TRUESTEP_RPC", help="Also check the contracts with this node."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    networks = typer.Typer(no_args_is_help=True, help="Networks by name: which contracts, which rules.")
    networks.command(name="add", epilog=ADD_EXAMPLE)(add)
    networks.command(name="list", epilog=LIST_EXAMPLE)(show_all)
    networks.command(name="show", epilog=SHOW_EXAMPLE)(show)
    networks.command(name="parameters", epilog=PARAMETERS_EXAMPLE)(parameters)
    app.add_typer(networks, name="network")


@guarded
def add(
    name: NameArgument,
    place: Annotated[str, typer.Argument(metavar="FILE|URL", help="The network's deployment file.")],
    rpc: CheckRpcOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the name stand for this network from now on.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a network a name: later commands take --network NAME.

    The file is copied, so that it cannot change unnoticed. With --rpc it is kept only if the contracts are
    those that it promises.
    """
    from truestep.adapters.chain.inspection import refuse_wrong
    from truestep.adapters.networks import add_network, fetch_deployment
    from truestep.composition.deploying import inspected

    screen = Screen(as_json=as_json)
    deployment = fetch_deployment(place)
    if rpc:
        refuse_wrong(inspected(rpc, deployment))
    path = add_network(name, deployment, may_replace=replace)
    words = f"{name} is on chain {deployment.chain_id}, Jobs at {deployment.address('Jobs')}"
    screen.result({"name": name, "file": str(path), "checked": bool(rpc)}, shown=words)
    if not rpc:
        screen.note(f"not checked yet: [bold]truestep network show {escape(name)} --rpc URL[/]")


@guarded
def show_all(as_json: JsonFlag = False) -> None:
    """List the networks that have names."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.networks import network_file, network_names

    screen = Screen(as_json=as_json)
    rows: dict[str, dict[str, Any]] = {}
    for name in network_names():
        try:
            found = read_deployment(network_file(name))
        except Rejected as error:
            screen.warn([f"{name}: {error}"])
            continue
        rows[name] = {"chain_id": found.chain_id, "jobs": found.address("Jobs")}
    if not rows and not as_json:
        screen.note("no network has a name yet; `truestep network add NAME FILE` gives one")
        return
    width = max(map(len, rows), default=0)
    lines = [f"{name:<{width}}  chain {row['chain_id']}, Jobs at {row['jobs']}" for name, row in rows.items()]
    screen.result({"networks": rows}, shown=Text("\n".join(lines)))


@guarded
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A network's name, or a deployment file.")],
    rpc: CheckRpcOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a network's contracts, parameters and rules. With --rpc, check them: exits with 1 if any is wrong.

    The rules say what operators, members of committees, auditors and logs earn and can lose. A right
    network's present owners and parameters are then shown as well: the timelock may change them.
    """
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.networks import network_file, network_names
    from truestep.composition.deploying import inspected, owners

    screen = Screen(as_json=as_json)
    is_file = name not in network_names() and Path(name).is_file()
    file = Path(name) if is_file else network_file(name)
    deployment = read_deployment(file)
    findings = inspected(rpc, deployment) if rpc else []
    is_right = all(finding.is_right for finding in findings)
    present = owners(rpc, deployment) if rpc and is_right else None
    screen.result(
        _fields(file, deployment, findings, present),
        shown=None if as_json else _shown(file, deployment, findings, present),
    )
    if not rpc:
        screen.note("not checked; --rpc URL compares all of this with the chain, and shows who owns it")
    if not is_right:
        raise typer.Exit(ExitCode.REFUSED)


@guarded
def parameters(
    name: Annotated[str, typer.Argument(metavar="NAME", help="`testnet` or `mainnet`.")],
    as_json: JsonFlag = False,
) -> None:
    """Print a file of parameters, with comments, to change and give to `truestep deploy --parameters`."""
    from truestep.adapters.parameter_files import shipped_text

    text = shipped_text(name)
    Screen(as_json=as_json).result({"name": name, "toml": text}, shown=Text(text.rstrip()))


def _fields(
    file: Path, deployment: "Deployment", findings: "list[Finding]", present: "Owners | None"
) -> dict[str, Any]:
    return {
        "file": str(file),
        "chain_id": deployment.chain_id,
        "block_number": deployment.block_number,
        "contracts": {name: deployment.address(name) for name in deployment.contracts},
        "delay_seconds": deployment.delay_seconds,
        "parameters": deployment.parameters,
        **_rules(deployment),
        "present": None if present is None else asdict(present),
        "checks": [
            {"title": each.title, "right": each.is_right, "expected": each.expected, "found": each.found}
            for each in findings
        ],
    }


def _rules(deployment: "Deployment") -> dict[str, dict[str, int] | None]:
    """What never changes of each part of the network, and what a pledge or a bond can lose; None without."""
    return {
        "availability": deployment.availability.rules if deployment.availability else None,
        "admission": deployment.admission.model_dump(),
        "draws": deployment.draws,
        "quorum": deployment.quorum.rules if deployment.quorum else None,
        "audits": deployment.audits.rules if deployment.audits else None,
        "drawn": deployment.drawn.rules if deployment.drawn else None,
        "logs": deployment.logs.terms if deployment.logs else None,
    }


def _shown(file: Path, deployment: "Deployment", findings: "list[Finding]", present: "Owners | None") -> Text:
    fields: dict[str, str] = {
        "file": str(file),
        "chain": f"{deployment.chain_id}",
        "first block": f"{deployment.block_number:,}",
    }
    fields |= {name: deployment.address(name) for name in deployment.contracts}
    fields["delay"] = shown("delay_seconds", deployment.delay_seconds)
    fields |= _owner_fields(present) if present is not None else {}
    parameters = deployment.parameters if present is None else present.parameters
    fields |= {key_of(field): shown(field, value) for field, value in parameters.items()}
    for part, rules in _rules(deployment).items():
        fields |= {f"{part}: {key_of(field)}": shown(field, value) for field, value in (rules or {}).items()}
    text = fields_text(fields)
    if not findings:
        return text
    wrong = [each for each in findings if not each.is_right]
    for each in wrong:
        text.append("\n✗ ", style="bold red")
        text.append(f"{each.title}: expected {each.expected}, got {each.found}")
    verdict = "not the contracts that the file promises: do not use this network" if wrong else "as promised"
    text.append(f"\n{len(findings) - len(wrong)} of {len(findings)} checks passed: {verdict}")
    return text


def _owner_fields(present: "Owners") -> dict[str, str]:
    """Who may change the network, and which set of parameters is the newest."""
    until = datetime.fromtimestamp(present.guardian_until, UTC)
    has_guardian = int(present.guardian, 16) != 0
    return {
        "proposer": present.proposer,
        "guardian": f"{present.guardian}, until {until:%Y-%m-%d}" if has_guardian else "nobody",
        "parameters": f"set number {present.parameters_id}, which new jobs are bound to",
    }
