"""`truestep verifiers add`, `execute` and `cancel`: entries of Verifiers, through the timelock."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from truestep.base.ids import Bytes32
from truestep.base.units import coins
from truestep.circuits.setup_key import KeyName
from truestep.cli.delays import skip_time
from truestep.cli.entry_words import announcement_fields, moment, shown_announcement
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, parse_address, parse_amount
from truestep.cli.owner_calls import OwnerOptions
from truestep.cli.screen import JsonFlag, Screen, fields_text, guarded
from truestep.cli.verifier_kinds import (
    SECURITY_BITS,
    Believed,
    CheckedVerifier,
    CircuitKind,
    KeyOption,
    Kind,
    MaxCyclesOption,
    RunsOption,
    WhatArgument,
    is_model,
    kind_of,
    refuse_run_count,
)

if TYPE_CHECKING:
    from truestep.adapters.chain.timelock import Announcement, Timelock
    from truestep.protocol.validity.contracts.verifiers import Entry

ADD_EXAMPLE = "Example: truestep verifiers add model.json ADDRESS --value-cap 5 --keystore governor.json"
EXECUTE_EXAMPLE = "Example: truestep verifiers execute 1 --keystore anybody.json"
CANCEL_EXAMPLE = "Example: truestep verifiers cancel 1 --keystore guardian.json"
NO_LEAST_BOND = (
    "no --least-bond: whoever loses the smallest proven claim on purpose stops this entry"
    " (docs/validity.md, V6)"
)
ACTIVE_DAYS = 365
"""Longer than most believe a verifier without looking again."""
DAY_SECONDS = 86_400
DAY = ["%Y-%m-%d"]

EntryArgument = Annotated[int, typer.Argument(metavar="ENTRY", min=1, help="The number of the entry.")]
ActionOption = Annotated[
    str | None,
    typer.Option(metavar="HEX", help="The action, if several announcements have this number."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands to a group."""
    group.command(name="add", epilog=ADD_EXAMPLE)(add)
    group.command(name="execute", epilog=EXECUTE_EXAMPLE)(execute)
    group.command(name="cancel", epilog=CANCEL_EXAMPLE)(cancel)


@guarded
@grouped
def add(
    what: WhatArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The contract: `verifiers deploy`.")],
    value_cap: Annotated[
        str, typer.Option(metavar="COINS", help="The most that one claim may have of bond and reward.")
    ],
    network: NetworkOptions,
    owner: OwnerOptions,
    least_bond: Annotated[
        str,
        typer.Option(
            metavar="COINS",
            help="The least bond of a claim that it proves. Who stops it by losing a claim on purpose pays"
            " half of that.",
        ),
    ] = "0",
    image: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Of a version: RISC Zero's image id, or the hash of SP1's key."),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(metavar="PROG", help="Of a version: the truestep program that the image computes."),
    ] = None,
    max_cycles: MaxCyclesOption = None,
    runs: RunsOption = None,
    key: KeyOption = KeyName.PRODUCTION,
    bits: Annotated[
        int, typer.Option(min=80, max=256, help="Of security, as you estimate it.")
    ] = SECURITY_BITS,
    gas_limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=10**7, help="Gas for one proof. Default: enough for its kind."),
    ] = None,
    active_from: Annotated[
        datetime | None, typer.Option(metavar="DAY", formats=DAY, help="The first day. Default: at once.")
    ] = None,
    active_until: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", formats=DAY, help="The last day. Default: a year after it is added."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Announce that a verifier will be believed, for one program and up to a value of each claim.

    Everything about it is checked before: the contract's code with every constant, key and program, the
    limits; the contract Verifiers itself is asked whether it would take it. The announcement is for the
    timelock's proposer. After the delay anybody executes it: `truestep verifiers execute`. Until then
    everybody sees it in `truestep verifiers list`, and the guardian can cancel it.
    """
    from truestep.protocol.validity.contracts.verifiers import EntryNumber

    screen = Screen(as_json=as_json)
    refuse_run_count(runs)
    if runs is not None and not is_model(what):
        raise typer.BadParameter("--runs is of models; leave it out for a version")
    least_wei = parse_amount(least_bond, "--least-bond")
    cap_wei, place = parse_amount(value_cap, "--value-cap"), parse_address(address, "ADDRESS")
    timelock = open_timelock(network)
    owner.refuse_others("an announcement", timelock.proposer())
    kind = kind_of(timelock.web3, what, network, screen, key=key, max_cycles=max_cycles, run_count=runs)
    believed = _believed(kind, image, program, max_cycles)
    if gas_limit is not None and gas_limit < kind.gas_limit:
        words = f"{gas_limit:,} gas may be too little for a proof; {kind.gas_limit:,} is enough for its kind"
        screen.warn([words])
    if not least_wei:
        screen.warn([NO_LEAST_BOND])
    due_at = timelock.now() + timelock.delay_seconds
    entry = _entry(
        kind,
        kind.check(timelock.web3, place),
        believed,
        limits={
            "value_cap_wei": cap_wei,
            "least_bond_wei": least_wei,
            "bits": bits,
            "gas_limit": gas_limit or kind.gas_limit,
        },
        active_from=_seconds(active_from) or 0,
        active_until=_seconds(active_until, is_end=True) or due_at + ACTIVE_DAYS * DAY_SECONDS,
    )
    announced = timelock.announced()
    _refuse_useless(entry, announced, due_at)
    timelock.rehearse(entry, due_at)
    number = EntryNumber(max([timelock.entry_count(), *(each.number for each in announced)]) + 1)
    message = timelock.announce(entry, number)
    if not owner.send(screen, timelock, message, f"announce entry {number}"):
        screen.note(f"for {timelock.proposer()} to send; then [bold]truestep verifiers execute {number}[/]")
        return
    made = next((each for each in timelock.announced() if (each.number, each.entry) == (number, entry)), None)
    if made is None:
        raise Failure(
            "not shown yet", f"entry {number} is announced; `truestep verifiers list` shows when it is due"
        )
    shown = fields_text(shown_announcement(made, timelock.now()))
    screen.result(announcement_fields(made), shown=shown)


@guarded
@grouped
def execute(
    entry: EntryArgument,
    network: NetworkOptions,
    owner: OwnerOptions,
    action: ActionOption = None,
    skip_delay: Annotated[
        bool,
        typer.Option(
            "--skip-delay",
            help="On a devnet: move its time to where the delay is over. Windows and leases end with it.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Add an entry that was announced and is due. Anybody can, for 14 days."""
    screen = Screen(as_json=as_json)
    timelock = open_timelock(network)
    found = _announced(timelock, entry, action)
    owner.account()
    count = timelock.entry_count()
    if found.number != count + 1:
        raise Failure(
            "not the next",
            f"entry {count + 1} must be added before entry {entry}; if it was cancelled, cancel this one too"
            " and announce it again, as it then gets another number",
        )
    if skip_delay and timelock.now() < found.due_at:
        skip_time(network, timelock, found.due_at)
    _refuse_early_and_late(timelock, found)
    if not owner.send(screen, timelock, timelock.execute(found), f"add entry {entry}"):
        screen.note("anybody may send this")
        return
    words = f"entry {entry} is added: {found.entry.system}, for claims of up to"
    fields = {"entry": entry, "added": True, "verifier": found.entry.verifier}
    screen.result(fields, shown=f"{words} {coins(found.entry.value_cap_wei)}")


@guarded
@grouped
def cancel(
    entry: EntryArgument,
    network: NetworkOptions,
    owner: OwnerOptions,
    action: ActionOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take an announcement back. The proposer and the guardian can, until it is executed."""
    screen = Screen(as_json=as_json)
    timelock = open_timelock(network)
    found = _announced(timelock, entry, action)
    owner.refuse_others("a cancellation", timelock.proposer(), timelock.guardian())
    if not owner.send(screen, timelock, timelock.cancel(found), f"cancel entry {entry}"):
        screen.note("for the proposer or the guardian to send")
        return
    screen.result({"entry": entry, "cancelled": True}, shown=f"entry {entry} will not be added")


def open_timelock(network: NetworkOptions) -> "Timelock":
    """The owner of the network that the options name."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.chain.timelock import Timelock

    return Timelock(network.rpc, read_deployment(network.file))


def _seconds(day: datetime | None, *, is_end: bool = False) -> int | None:
    """The first or the last second of a day."""
    if day is None:
        return None
    return int(day.replace(tzinfo=UTC).timestamp()) + (DAY_SECONDS - 1 if is_end else 0)


def _believed(kind: Kind, image: str | None, program: Path | None, max_cycles: int | None) -> Believed:
    """Key and program: made from a model, or told by whoever lists a foreign image for a program."""
    if isinstance(kind, CircuitKind):
        if image is not None or program is not None:
            raise typer.BadParameter("--image and --program are of versions: a model says both by itself")
        return kind.believed()
    if image is None or program is None or max_cycles is None:
        raise typer.BadParameter(
            "expected --image HEX, --program PROG and --max-cycles N: which image proves claims of which"
            " registered program"
        )
    return Believed(key_digest=_image(image), program_hash=_program_hash(program, max_cycles))


def _image(text: str) -> Bytes32:
    digits = text.removeprefix("0x")
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if len(found) != 32 or len(digits) != 64:
        raise typer.BadParameter(f"expected 64 hex digits, got {text[:80]!r}", param_hint="--image")
    return Bytes32(found)


def _program_hash(path: Path, max_cycles: int) -> Bytes32:
    from truestep.client.files import read_program
    from truestep.engine.hashing import hash_many_pairs
    from truestep.protocol.settlement.programs import named_program

    program = read_program(path).program
    return named_program(program.root(hash_many_pairs), program.entry, max_cycles)


def _entry(
    kind: Kind,
    found: CheckedVerifier,
    believed: Believed,
    *,
    limits: dict[str, int],
    active_from: int,
    active_until: int,
) -> "Entry":
    from truestep.protocol.validity.contracts.verifiers import Entry, Selector

    return Entry(
        verifier=found.address,
        selector=Selector(found.selector),
        key_digest=believed.key_digest,
        program_hash=believed.program_hash,
        system=kind.system,
        active_from=active_from,
        active_until=active_until,
        **limits,
    )


def _refuse_useless(entry: "Entry", announced: "list[Announcement]", due_at: int) -> None:
    """What Verifiers would take, but nobody can want."""
    if entry.active_until <= due_at:
        raise typer.BadParameter(
            f"expected a day after {moment(due_at)}, when the entry can be added at the earliest",
            param_hint="--active-until",
        )
    for each in announced:
        other = each.entry
        same = (entry.verifier, entry.key_digest, entry.program_hash, entry.active_from)
        if same == (other.verifier, other.key_digest, other.program_hash, other.active_from):
            raise Failure(
                "announced already",
                f"this verifier is announced for this program as entry {each.number}, due"
                f" {moment(each.due_at)}: `truestep verifiers execute {each.number}`, or `cancel` it first",
            )


def _announced(timelock: "Timelock", number: int, action: str | None) -> "Announcement":
    """The announcement of an entry. Raises Failure if there is none, or more than one."""
    found = [each for each in timelock.announced() if each.number == number]
    if action is not None:
        wanted = action.lower().removeprefix("0x")
        found = [each for each in found if each.action_id.hex() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        actions = ", ".join(f"0x{each.action_id.hex()}" for each in found)
        raise Failure(
            "several announcements", f"entry {number} is announced as {actions}; choose one with --action"
        )
    raise Failure(
        "not announced",
        f"entry {number} is not announced, or was added or cancelled since; see `truestep verifiers list`",
    )


def _refuse_early_and_late(timelock: "Timelock", found: "Announcement") -> None:
    now = timelock.now()
    if now < found.due_at:
        raise Failure(
            "not due",
            f"entry {found.number} can be added from {moment(found.due_at)} on, and the chain's time is"
            f" {moment(now)}; on a devnet, --skip-delay moves it",
        )
    if now > found.stale_at:
        raise Failure(
            "stale",
            f"entry {found.number} could be added until {moment(found.stale_at)}; cancel it, and announce it"
            " again",
        )
