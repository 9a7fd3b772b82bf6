"""`truestep operator`: what is known of operators, what they say of themselves, and who may take part."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.errors import Rejected
from truestep.base.text import counted, visible
from truestep.base.units import coins, share
from truestep.cli.commands import operator_admission
from truestep.cli.entry_words import moment
from truestep.cli.evidence_words import WARNING, read_evidence, shown_evidence
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOptions, ask_password, parse_address
from truestep.cli.owner_calls import send_as
from truestep.cli.phases import name_of
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.cli.senders import SenderOptions
from truestep.protocol.settlement.parameters import DAY_SECONDS

if TYPE_CHECKING:
    from truestep.adapters.chain.operators_desk import OperatorsDesk, Standing
    from truestep.base.ids import Address
    from truestep.client.operator_records import OperatorRecord

RECORD_EXAMPLE = 'Example: truestep operator record --name "Ada Computing" --keystore operator.json'
SHOW_EXAMPLE = "Example: truestep operator show 0xADDRESS"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Operators: records, what is known of them, admission (docs/operators.md)."
    )
    group.command(name="show", epilog=SHOW_EXAMPLE)(show)
    group.command(name="record", epilog=RECORD_EXAMPLE)(record)
    operator_admission.add_to(group)
    app.add_typer(group, name="operator")


@guarded
@grouped
def record(
    network: NetworkOptions,
    sender: SenderOptions,
    name: Annotated[str, typer.Option(metavar="TEXT", help="Who you are: 1 to 80 characters.")],
    endpoint: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Where you are reached. Repeatable.")
    ] = None,
    capability: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="What you can do, such as python or 64-cores. Repeatable."),
    ] = None,
    log_key: Annotated[
        str, typer.Option(metavar="KEY", help="The verifier key of your log (docs/logs.md).")
    ] = "",
    evidence: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A file that you show to whoever asks; the record has its SHA-256. Repeatable.",
            dir_okay=False,
        ),
    ] = None,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=731, help="How long it is valid.")] = 365,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Sign and print the record; send nothing.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Sign a record of who you are with the operator's key (EIP-712), and publish it on the chain.

    It replaces the one before, whose revision is one less. What it says, you say: nobody has checked it, and
    it changes nothing in what you may do.
    """
    from truestep.adapters.keystore import keystore_address, open_keystore

    screen = Screen(as_json=as_json)
    digests = [hashlib.sha256(read_evidence(path)).hexdigest() for path in evidence or []]
    desk, account = _desk(network), keystore_address(sender.keystore)
    plain = _record(
        desk,
        account,
        days,
        {
            "name": name,
            "endpoints": endpoint or [],
            "capabilities": capability or [],
            "log_key": log_key,
            "evidence": digests,
        },
    )
    signer = open_keystore(sender.keystore, ask_password(sender.password_file))
    signed = plain.signed_by(signer)
    if not dry_run:
        message = desk.publish(signed.to_bytes())
        send_as(signer, sender, screen, desk, message, f"publish record {signed.revision} of {account}")
    until = moment(signed.valid_until)
    sent = "signed, and not published" if dry_run else "published"
    screen.result(
        signed.model_dump() | {"published": not dry_run},
        shown=f"record {signed.revision} of {account} is {sent}; it is valid until {until}",
    )


@guarded
@grouped
def show(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The operator.")],
    network: NetworkOptions,
    evidence: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A file that the operator shows: a quote with its collateral, or an attestation of EAS."
            " Repeatable.",
            dir_okay=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what the chain knows of an operator, what it may have at risk, and what it says of itself.

    Facts fade: each counts half as much after every 30 days. A record is what the operator says, signed with
    its key; its signature is checked, and nothing else can be. Evidence is checked too (quotes by
    the extra truestep[tee]), and proves nothing about results.
    """
    screen = Screen(as_json=as_json)
    operator = parse_address(address, "ADDRESS")
    desk = _desk(network)
    standing = desk.standing(operator)
    said, problem = _said(desk, operator, standing)
    fields = {"operator": operator, **_standing_fields(standing)}
    fields |= {"record": said.model_dump() if said and problem is None else None, "record_problem": problem}
    shown = {"operator": operator, **_standing_words(standing), **_record_words(said, problem, desk)}
    if evidence:
        listed = said.evidence if said and problem is None else []
        found = shown_evidence(evidence, desk, operator, listed)
        fields |= {"evidence": [each.fields for each in found], "evidence_warning": WARNING}
        shown |= {f"evidence {number}": each.words for number, each in enumerate(found, 1)}
    screen.result(fields if as_json else shown)


def _desk(network: NetworkOptions) -> "OperatorsDesk":
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.adapters.chain.operators_desk import OperatorsDesk

    return OperatorsDesk(network.rpc, read_deployment(network.file))


def _record(desk: "OperatorsDesk", account: "Address", days: int, said: dict[str, Any]) -> "OperatorRecord":
    """The record to sign: one revision after the newest that the account has signed."""
    from pydantic import ValidationError

    from truestep.client.operator_records import OperatorRecord

    before, problem = _said(desk, account, desk.standing(account))
    if problem is not None and before is None:
        raise Failure("record", f"the record that is published cannot be read: {problem}")
    now = desk.owner.now()
    try:
        return OperatorRecord(
            chain_id=desk.chain_id,
            contract=desk.address,
            operator=account,
            revision=before.revision + 1 if before else 1,
            valid_from=now,
            valid_until=now + days * DAY_SECONDS,
            **said,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "record"
        raise Failure("record", f"{where}: {first['msg']}") from error


def _said(
    desk: "OperatorsDesk", operator: "Address", standing: "Standing"
) -> tuple["OperatorRecord | None", str | None]:
    """The record that an operator has published, and what is wrong with it."""
    from truestep.client.operator_records import check_record, parse_record

    content = desk.record(operator, standing)
    if content is None:
        return None, None
    found = None
    try:
        found = parse_record(content)
        check_record(found, chain_id=desk.chain_id, contract=desk.address, operator=operator)
    except Rejected as error:
        return found, f"{error}"
    return found, None


def _standing_fields(standing: "Standing") -> dict[str, Any]:
    return {
        "phase": name_of(standing.phase),
        "admitted": standing.is_admitted,
        "listed": standing.is_listed,
        "stake_wei": standing.stake_wei,
        "locked_wei": standing.locked_wei,
        "pledged_wei": standing.pledged_wei,
        "completed": standing.completed,
        "audited": standing.audited,
        "late": standing.late,
        "struck": standing.struck,
        "share_bps": standing.share_bps,
        "cap_wei": standing.cap_wei,
        "room_wei": standing.room_wei,
    }


def _standing_words(standing: "Standing") -> dict[str, str]:
    bonds = coins(standing.locked_wei - standing.pledged_wei)
    pledged = f", {coins(standing.pledged_wei)} of it pledged" if standing.pledged_wei else ""
    return {
        "admission": _admission_words(standing),
        "stake": f"{coins(standing.stake_wei)}, {bonds} of it locked by bonds{pledged}",
        "facts": ", ".join(
            (
                f"{standing.completed:g} completed",
                f"{standing.audited:g} audited",
                f"{standing.late:g} late",
                f"{standing.struck:g} struck",
            )
        ),
        "cap": f"{coins(standing.cap_wei)} at risk at once: {share(standing.share_bps)} of the stake"
        f" ({share(standing.fresh_share_bps)} if nothing were known)",
        "room": f"{coins(standing.room_wei)} may be locked for tasks now",
    }


def _admission_words(standing: "Standing") -> str:
    name = name_of(standing.phase)
    if standing.is_admitted:
        return f"may take tasks; the network is {name}"
    gate = f" or a stake of {coins(standing.gate_wei)}" if name == "stake-gated" else ""
    return f"may take no tasks: the network is {name}, and asks for a place on its list{gate}"


def _record_words(
    said: "OperatorRecord | None", problem: str | None, desk: "OperatorsDesk"
) -> dict[str, str]:
    """What the operator says, in words that cannot be taken for ours."""
    from truestep.client.operator_records import validity_in_words

    if problem is not None:
        return {"record": f"rely on nothing in it: {visible(problem, limit=300)}"}
    if said is None:
        return {"record": "none published"}
    validity = validity_in_words(said, desk.owner.now())
    words = {
        "record": f"revision {said.revision}, {validity}, until {moment(said.valid_until)}",
        "it says of itself": escape(said.name),
        "endpoints": ", ".join(said.endpoints),
        "capabilities": ", ".join(said.capabilities),
        "log key": said.log_key,
        "evidence": f"{counted(len(said.evidence), 'file')}: {', '.join(said.evidence)}"
        if said.evidence
        else "",
    }
    return {key: value for key, value in words.items() if value}
