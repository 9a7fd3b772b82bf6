"""`truestep operator admit`, `phase`, `execute` and `cancel`: who may take part, through the timelock."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.cli.delays import skip_time
from truestep.cli.entry_words import moment
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address
from truestep.cli.owner_calls import OwnerOptions
from truestep.cli.phases import PhaseName, name_of, phase_of
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.chain.codec import Message
    from truestep.adapters.chain.operators_desk import AdmissionAction, OperatorsDesk

ADMIT_EXAMPLE = "Example: truestep operator admit 0xADDRESS --keystore governor.json"
PHASE_EXAMPLE = "Example: truestep operator phase open --keystore governor.json"
EXECUTE_EXAMPLE = "Example: truestep operator execute 0xACTION --keystore anybody.json"
CANCEL_EXAMPLE = "Example: truestep operator cancel 0xACTION --keystore guardian.json"

ActionArgument = Annotated[
    str, typer.Argument(metavar="ACTION", help="The action: `truestep operator phase` lists them.")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.command(name="phase", epilog=PHASE_EXAMPLE)(phase)
    group.command(name="admit", epilog=ADMIT_EXAMPLE)(admit)
    group.command(name="execute", epilog=EXECUTE_EXAMPLE)(execute)
    group.command(name="cancel", epilog=CANCEL_EXAMPLE)(cancel)


@guarded
@grouped
def phase(
    network: NetworkOptions,
    owner: OwnerOptions,
    name: Annotated[
        PhaseName | None,
        typer.Argument(metavar="[PHASE]", help="stake-gated or open. Default: show the phase."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who may lock stake and what is announced about it, or announce the next phase.

    A phase moves forward and never back: allow-list, stake-gated, open. The timelock's proposer announces it,
    and after the delay anybody executes it: `truestep operator execute`.
    """
    screen, desk = Screen(as_json=as_json), open_desk(network)
    current = desk.phase()
    if name is None:
        found = desk.announced()
        fields = {"phase": name_of(current), "announced": [_fields(each) for each in found]}
        shown = {"phase": str(name_of(current))} | {
            f"0x{each.action.action_id.hex()}": f"{_words(each)}, from {moment(each.action.due_at)}"
            for each in found
        }
        screen.result(fields if as_json else shown)
        return
    wanted = phase_of(name)
    if wanted <= current:
        raise Failure(
            "phase", f"the network is {name_of(current)} already, and its phase moves forward and never back"
        )
    _announce(screen, desk, owner, desk.announce_phase(wanted), f"announce the phase {name}")


@guarded
@grouped
def admit(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The operator.")],
    network: NetworkOptions,
    owner: OwnerOptions,
    remove: Annotated[bool, typer.Option("--remove", help="Take it off the list instead.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Announce that an operator will be on the allow-list, which counts until the network is open.

    The timelock's proposer announces it, and after the delay anybody executes it with `truestep operator
    execute`. What an operator has locked stays locked when it is taken off the list; it can lock no more.
    """
    screen, desk = Screen(as_json=as_json), open_desk(network)
    operator = parse_address(address, "ADDRESS")
    standing = desk.standing(operator)
    if standing.is_listed != remove:
        raise Failure("admit", f"{operator} is {'not ' if remove else ''}on the list already")
    if name_of(standing.phase) is PhaseName.OPEN:
        screen.warn(["the network is open: its list means nothing any more"])
    words = f"announce that {operator} is {'taken off' if remove else 'put on'} the list"
    _announce(screen, desk, owner, desk.announce_admission(operator, is_admitted=not remove), words)


@guarded
@grouped
def execute(
    action: ActionArgument,
    network: NetworkOptions,
    owner: OwnerOptions,
    skip_delay: Annotated[
        bool,
        typer.Option(
            "--skip-delay",
            help="On a devnet: move its time to where the delay is over. Windows and leases end with it.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Do what was announced about admission and is due. Anybody can, for 14 days."""
    screen, desk = Screen(as_json=as_json), open_desk(network)
    found = _find(desk, action)
    owner.account()
    due_at, stale_at = found.action.due_at, found.action.stale_at
    if skip_delay and desk.owner.now() < due_at:
        skip_time(network, desk.owner, due_at)
    now = desk.owner.now()
    if not due_at <= now <= stale_at:
        raise Failure(
            "not due",
            f"expected a time from {moment(due_at)} to {moment(stale_at)}, and the chain's is {moment(now)};"
            " on a devnet, --skip-delay moves it",
        )
    if not owner.send(screen, desk, desk.owner.execute(found.action), f"execute {action}"):
        screen.note("anybody may send this")
        return
    screen.result({**_fields(found), "executed": True}, shown=f"done: {_words(found)}")


@guarded
@grouped
def cancel(
    action: ActionArgument, network: NetworkOptions, owner: OwnerOptions, as_json: JsonFlag = False
) -> None:
    """Take an announcement back. The proposer and the guardian can, until it is executed."""
    screen, desk = Screen(as_json=as_json), open_desk(network)
    found = _find(desk, action)
    owner.refuse_others("a cancellation", desk.owner.proposer(), desk.owner.guardian())
    if not owner.send(screen, desk, desk.owner.cancel(found.action.action_id), f"cancel {action}"):
        screen.note("for the proposer or the guardian to send")
        return
    screen.result({**_fields(found), "cancelled": True}, shown=f"will not be done: {_words(found)}")


def open_desk(network: NetworkOptions) -> "OperatorsDesk":
    """The contract Operators of the network that the options name."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.chain.operators_desk import OperatorsDesk

    return OperatorsDesk(network.rpc, read_deployment(network.file))


def _announce(
    screen: Screen, desk: "OperatorsDesk", owner: OwnerOptions, message: "Message", intent: str
) -> None:
    owner.refuse_others("an announcement", desk.owner.proposer())
    before = {each.action.action_id for each in desk.announced()}
    if not owner.send(screen, desk, message, intent):
        screen.note(f"for {desk.owner.proposer()} to send; then [bold]truestep operator execute[/]")
        return
    made = next((each for each in desk.announced() if each.action.action_id not in before), None)
    if made is None:
        raise Failure("not shown yet", "it is announced; `truestep operator phase` shows when it is due")
    action = f"0x{made.action.action_id.hex()}"
    screen.result(
        _fields(made),
        shown=f"announced: {_words(made)}, from {moment(made.action.due_at)} on, with\n"
        f"truestep operator execute {action}",
    )


def _find(desk: "OperatorsDesk", action: str) -> "AdmissionAction":
    wanted = action.lower().removeprefix("0x")
    for each in desk.announced():
        if each.action.action_id.hex() == wanted:
            return each
    raise Failure(
        "not announced",
        f"{action[:80]} is not announced about admission, or was executed or cancelled since; see"
        " `truestep operator phase`",
    )


def _fields(found: "AdmissionAction") -> dict[str, Any]:
    fields: dict[str, Any] = {"action": f"0x{found.action.action_id.hex()}", "due_at": found.action.due_at}
    if found.phase is not None:
        return fields | {"phase": name_of(found.phase)}
    return fields | {"operator": found.operator, "admitted": found.is_admitted}


def _words(found: "AdmissionAction") -> str:
    if found.phase is not None:
        return f"the network is {name_of(found.phase)}"
    return f"{found.operator} is {'on' if found.is_admitted else 'off'} the allow-list"
