"""`truestep log`: an operator's log on the chain: its registration, its end, and what contradicts it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.text import one_line
from truestep.base.units import coins, duration
from truestep.cli.commands import log_epochs
from truestep.cli.entry_words import moment
from truestep.cli.failure import Failure
from truestep.cli.log_desk import desk_of
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, ask_password, parse_address
from truestep.cli.owner_calls import send_as
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog
    from truestep.client.log_evidence import AnchoredStatement
    from truestep.protocol.logs.notes import Note

REGISTER_EXAMPLE = "Example: truestep log register operator/log/LOG --url https://operator.example/log"
SHOW_EXAMPLE = "Example: truestep log show 0xADDRESS"
REPORT_EXAMPLE = "Example: truestep log report 7 evidence.json --keystore reporter.json"
NAME_LIMIT_BYTES = 128

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The log's number.")]


def register_commands(group: typer.Typer) -> None:
    """Add the commands to their group."""
    group.command(name="register", epilog=REGISTER_EXAMPLE)(register_log)
    group.command(name="show", epilog=SHOW_EXAMPLE)(show)
    group.command(name="move")(move)
    group.command(name="retire")(retire)
    group.command(name="release")(release)
    group.command(name="report", epilog=REPORT_EXAMPLE)(report)
    group.command(name="withdraw")(withdraw)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Logs of operators on the chain: bonds, ends, reports (docs/logs.md)."
    )
    register_commands(group)
    log_epochs.add_to(group)
    app.add_typer(group, name="log")


@guarded
@grouped
def register_log(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The log's folder, which a worker writes.")],
    url: Annotated[str, typer.Option(metavar="URL", help="Where everybody reads the log.")],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Register the operator's log with its keys, and lock its bond out of the operator's free stake.

    By the account whose worker writes the log, which is the operator. From then on two pasts of the log cost
    the bond. An operator has one live log; `truestep log retire` ends it.
    """
    from truestep.adapters.chain.anchors_desk import key_words
    from truestep.adapters.keepers.client import check_url
    from truestep.adapters.keystore import open_keystore
    from truestep.adapters.logs.keys import LogKeys
    from truestep.protocol.logs.epochs import possession_message
    from truestep.protocol.logs.notes import parse_checkpoint

    screen = Screen(as_json=as_json)
    try:
        check_url(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
    note = _note_in(folder)
    origin = parse_checkpoint(note).origin
    for name, text in (("the log's name", origin), ("--url", url)):
        if len(text.encode()) > NAME_LIMIT_BYTES:
            raise Failure("too long", f"{name}: expected at most {NAME_LIMIT_BYTES} bytes, got {text!r}")
    desk = desk_of(network)
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    keys = LogKeys(signer)
    if not keys.verifier_key(origin).verifies(note):
        raise Failure("other log", f"the log {origin} in {folder} is not of the account {keys.signer}")
    message = possession_message(desk.chain_id, desk.address, keys.signer, keys.bls_key)
    named = (keys.note_key, keys.signer, origin, url)
    call = desk.message("register", key_words(keys.bls_key), keys.possession(message), *named)
    send_as(signer, sender, screen, desk, call, f"register the log {origin}")
    found = desk.log_of(keys.signer)
    if found is None:
        raise Failure(
            "not registered", f"the chain has no live log of {keys.signer} yet; try `truestep log show`"
        )
    screen.result(
        _fields(found, desk),
        shown=f"log {found.number} of {found.operator} is registered, with a bond of"
        f" {coins(desk.terms.bond_wei)}. `truestep audit-log {found.operator}` reads it",
    )


@guarded
@grouped
def show(
    log: Annotated[str, typer.Argument(metavar="ADDRESS|NUMBER", help="The operator, or the log's number.")],
    network: NetworkOptions,
    as_json: JsonFlag = False,
) -> None:
    """Show a registered log: whose it is, where it is read, its key, and in how many anchors it is."""
    from truestep.protocol.logs.contracts.anchors import LogNumber
    from truestep.protocol.logs.epochs import group_of, place_of

    screen, desk = Screen(as_json=as_json), desk_of(network)
    if log.isdecimal():
        found: RegisteredLog | None = desk.get(LogNumber(int(log)))
    else:
        found = desk.log_of(parse_address(log, "ADDRESS"))
    if found is None:
        raise Failure("no log", f"{log} has no log that is registered and live")
    anchored = [
        number
        for number, anchor in desk.anchors().items()
        if anchor.group == group_of(found.number) and anchor.bitmap >> place_of(found.number) & 1
    ]
    fields = _fields(found, desk) | {"anchors": anchored}
    shown = {
        "log": f"{found.number}, {found.state}",
        "operator": found.operator,
        "name": escape(one_line(found.origin)),
        "url": escape(one_line(found.url)),
        "key": found.verifier_key.text,
        "bond": coins(desk.terms.bond_wei),
        "anchors": f"{len(anchored)}, one at most every {duration(desk.terms.epoch_seconds)} is due",
    }
    if found.leaves_at:
        shown["bond is free"] = moment(found.leaves_at)
    screen.result(fields if as_json else shown)


@guarded
@grouped
def move(
    number: NumberArgument,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where everybody reads the log now.")],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Say on the chain that your log is read somewhere else."""
    _send(number, network, sender, as_json, "move_to", lambda _: [url], f"is read at {url}")


@guarded
@grouped
def retire(
    number: NumberArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """End your log: it is attested no longer, and its bond is free after the network's exit time."""
    _send(number, network, sender, as_json, "retire", lambda found: [_key(network, found)], "is retired")


@guarded
@grouped
def release(
    number: NumberArgument, network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False
) -> None:
    """Free the bond of a log that was retired long enough ago. Anybody can."""
    _send(number, network, sender, as_json, "release", lambda _: [], "has its bond back")


@guarded
@grouped
def report(
    number: NumberArgument,
    evidence: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `truestep audit-log --evidence` has written.")
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: JsonFlag = False,
) -> None:
    """Show the chain that a log has two pasts: its bond is seized, and half of it is yours.

    Each of the two is a row that is anchored, or a checkpoint with the log's second signature, for the chain
    (docs/logs.md L6.2); `audit-log` says if one lacks it. `truestep log withdraw` pays what is yours.
    """
    from truestep.client.log_evidence import FILE_LIMIT_BYTES, parse_evidence

    with evidence.open("rb") as file:
        shown = parse_evidence(file.read(FILE_LIMIT_BYTES + 1))

    def arguments(found: "RegisteredLog") -> list[Any]:
        statements = [_statement(found, part) for part in (shown.first, shown.second)]
        return [_key(network, found), *statements, list(shown.path)]

    _send(number, network, sender, as_json, "report", arguments, "has lost its bond")


@guarded
@grouped
def withdraw(network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False) -> None:
    """Withdraw what reports have earned you."""
    from truestep.adapters.keystore import open_keystore

    screen, desk = Screen(as_json=as_json), desk_of(network)
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    owed_wei = desk.credit(signer.address)
    if owed_wei:
        send_as(signer, sender, screen, desk, desk.message("withdraw_to", signer.address), "withdraw")
    screen.result(
        {"account": signer.address, "amount_wei": owed_wei},
        shown=f"{coins(owed_wei)} sent to {signer.address}" if owed_wei else "nothing is owed",
    )


def _statement(found: "RegisteredLog", part: "bytes | AnchoredStatement") -> tuple[Any, ...]:
    """An anchored row or the note of a checkpoint as the contract takes it."""
    from truestep.protocol.logs.notes import parse_checkpoint, parse_note
    from truestep.protocol.logs.statements import signature_in

    if not isinstance(part, bytes):
        place = part.place
        anchor = (place.anchor.group, place.anchor.epoch, place.anchor.root, place.anchor.bitmap)
        return part.size, part.root, 0, 0, 0, place.number, anchor, list(place.path)
    note = parse_note(part)
    checkpoint = parse_checkpoint(note)
    signature = signature_in(note, found.origin, found.signer)
    if checkpoint.origin != found.origin or signature is None:
        raise Failure(
            "not for the chain",
            f"the checkpoint of {checkpoint.size:,} entries has no signature of {found.signer} for the log"
            f" {found.origin}: the chain cannot check it",
        )
    nowhere = (0, (0, 0, bytes(32), 0), [bytes(32)] * 8)
    return checkpoint.size, checkpoint.root, signature.v, signature.r, signature.s, *nowhere


def _send(
    number: int,
    network: NetworkOptions,
    sender: SenderOptions,
    as_json: bool,
    function: str,
    arguments: "Callable[[RegisteredLog], list[Any]]",
    done: str,
) -> None:
    """Make a call about a log, whose number is its first argument."""
    from truestep.adapters.keystore import open_keystore
    from truestep.protocol.logs.contracts.anchors import LogNumber

    screen, desk = Screen(as_json=as_json), desk_of(network)
    found = desk.get(LogNumber(number))
    call = desk.message(function, number, *arguments(found))
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    send_as(signer, sender, screen, desk, call, f"{function} of log {number}")
    fields = _fields(desk.get(found.number), desk)
    screen.result(fields, shown=f"log {number} of {found.operator} {escape(done)}")


def _key(network: NetworkOptions, found: "RegisteredLog") -> list[int]:
    from truestep.adapters.chain.anchors_desk import key_words

    return key_words(desk_of(network).key_of(found))


def _note_in(folder: Path) -> "Note":
    from truestep.protocol.logs.notes import NOTE_LIMIT_BYTES, parse_note
    from truestep.protocol.logs.tiles import CHECKPOINT_PATH

    try:
        with (folder / CHECKPOINT_PATH).open("rb") as file:
            return parse_note(file.read(NOTE_LIMIT_BYTES + 1))
    except FileNotFoundError:
        raise Failure("no log", f"expected the folder of a log, got {folder}: it has no checkpoint") from None


def _fields(found: "RegisteredLog", desk: "AnchorsDesk") -> dict[str, Any]:
    return {
        "number": found.number,
        "state": found.state,
        "operator": found.operator,
        "signer": found.signer,
        "origin": found.origin,
        "url": found.url,
        "key": found.verifier_key.text,
        "bond_wei": desk.terms.bond_wei,
        "leaves_at": found.leaves_at or None,
    }
