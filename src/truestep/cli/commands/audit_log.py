"""`truestep audit-log`: reads an operator's log as a stranger does, and says what is wrong with it."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.errors import Rejected, Unavailable
from truestep.base.text import counted
from truestep.cli.connection import unknown_code_warning
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import NetworkOption, TrustOption, chosen_file, parse_address
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.adapters.chain.anchors_desk import AnchorsDesk, RegisteredLog
    from truestep.adapters.logs.epoch_file import EpochFile
    from truestep.adapters.logs.keys import Anchoring
    from truestep.adapters.logs.sources import LogSource
    from truestep.client.epochs import ServedEpochs
    from truestep.client.log_audit import LogReport, OtherPast
    from truestep.protocol.logs.audit import EntriesAudit
    from truestep.protocol.logs.notes import VerifierKey

EXAMPLE = "Example: truestep audit-log https://operator.example/log --network testnet --reproduce 5"
SHOWN_FINDINGS = 20
BUSY_SECONDS = 10.0
"""For another log that is asked for an epoch: there are more."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="audit-log", epilog=EXAMPLE)(audit_log)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOptions:
    """The chain that a log is compared with."""

    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", metavar="URL", envvar="TRUESTEP_RPC", help="A node. Repeat it to use several."),
    ] = None
    deployment: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="TRUESTEP_DEPLOYMENT", help="The network's deployment file."),
    ] = None
    network: NetworkOption = None
    trust_unknown_code: TrustOption = False
    offline: Annotated[
        bool, typer.Option("--offline", help="Compare with no chain: only tree, signature and records.")
    ] = False


@guarded
@grouped
def audit_log(
    log: Annotated[
        str,
        typer.Argument(
            metavar="URL|DIR|ADDRESS",
            help="Where the log is served, or its folder, or an operator whose log is registered:"
            " then the chain says where it is, and its key.",
        ),
    ],
    chain: ChainOptions,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME+ID+KEY", help="The log's key. Default: what the log says, which proves nothing."
        ),
    ] = None,
    operator: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Whose log it must be. Default: whoever it says.")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A checkpoint of this log that somebody else has seen. Repeat it."),
    ] = None,
    epoch: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="An epoch file that was anchored, of a registered log, if it is not served with the log.",
        ),
    ] = None,
    anchors: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=1_000,
            help="Compare a registered log with what it has stated in its newest N anchors.",
        ),
    ] = 30,
    reproduce: Annotated[
        int, typer.Option(metavar="N", min=0, max=10_000, help="Run N random claims again.")
    ] = 0,
    blobs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL|DIR", envvar="TRUESTEP_BLOBS", help="A store with programs and inputs. Repeat it."
        ),
    ] = None,
    seen: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the last checkpoint of each log is kept. Default: in the user's cache."
        ),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what shows that the log has two pasts, if it has."),
    ] = None,
    max_entries: Annotated[
        int, typer.Option(metavar="N", min=1, help="Read no log that is longer.")
    ] = 10_000_000,
    as_json: JsonFlag = False,
) -> None:
    """Read an operator's whole log and compare it with what was seen before, and with the chain.

    Checks the signature of its checkpoint; that the entries have the root that was signed; that the log goes
    on from the checkpoint that was seen last, and from those of --compare; that every entry is a record; that
    every claim of the operator on the chain is in the log, and none in another form. Exits with 0 only if
    nothing is wrong. Two people who have read the log compare the checkpoints that --seen keeps: an operator
    that shows each another log has signed both. What is checked, and why: docs/logs.md.
    """
    from truestep.client.log_audit import LogReader, SeenLogs, check_second_signature
    from truestep.protocol.logs.audit import Fault

    screen = Screen(as_json=as_json)
    expected = parse_address(operator, "--operator") if operator is not None else None
    if reproduce and chain.offline:
        raise typer.BadParameter(
            "expected a chain, which says what was claimed; leave out --offline", param_hint="--reproduce"
        )
    registered = _registered(chain, log) if _ADDRESS.fullmatch(log) else None
    if registered is not None:
        expected, key = registered.log.operator, key or registered.log.verifier_key.text
    seen_logs = SeenLogs(folder=seen or _default_folder(), is_key_known=key is not None)
    with _opened(log, registered) as source:
        entries = _entries_audit(screen, chain, expected)
        verifier = _key(screen, source, key)
        others = [*_others(seen_logs, verifier, compare or []), *_anchored(registered, epoch or [])]
        served = _served(screen, registered, source, anchors)
        others += served.pasts if served is not None else []
        screen.doing("reading the log")
        reader = LogReader(
            source=source, key=verifier, others=others, entries_limit=max_entries, tell=screen.tell
        )
        report = reader.read(entries, sample=reproduce)
    _check_beginning(screen, chain, report)
    if registered is not None:
        check_second_signature(report, registered.log.signer, registered.anchoring)
    _reproduce(screen, report, chain, blobs or [])
    files = _write_evidence(report, evidence)
    if not {Fault.SPLIT, Fault.ROLLED_BACK} & {*report.entries.faults}:
        seen_logs.keep(report, verifier)  # else what was seen before is what can be shown
    fields = _fields(report, source.place, verifier, others, files)
    fields["anchors_unread"] = served.unread if served is not None else []
    screen.result(fields, shown=None if as_json else _shown(report, fields, chain))
    if not report.is_sound:
        raise typer.Exit(ExitCode.REFUSED)


def _default_folder() -> Path:
    from truestep.guest.user_cache import user_cache

    return user_cache() / "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Registered:
    """What the chain says of a log."""

    log: "RegisteredLog"
    anchoring: "Anchoring"
    desk: "AnchorsDesk"
    is_stranger: bool
    """Whether its URL must lie in the public internet."""


def _registered(chain: ChainOptions, operator: str) -> _Registered:
    from truestep.adapters.chain.anchors_desk import AnchorsDesk
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.composition.network import DEVNET_CHAINS

    file = chosen_file(chain.deployment, chain.network)
    if not chain.rpc or file is None:
        raise Failure(
            "no chain",
            "expected the network in which the log is registered; give --rpc and --network (or --deployment)",
            ExitCode.USAGE,
        )
    desk = AnchorsDesk(chain.rpc, read_deployment(file))
    found = desk.log_of(parse_address(operator, "ADDRESS"))
    if found is None:
        raise Failure("no log", f"{operator} has no log that is registered and live; give its URL")
    is_stranger = desk.chain_id not in DEVNET_CHAINS
    return _Registered(log=found, anchoring=desk.anchoring, desk=desk, is_stranger=is_stranger)


@contextmanager
def _opened(place: str, registered: _Registered | None) -> "Generator[LogSource]":
    from truestep.adapters.logs.sources import FolderSource, HttpSource

    is_stranger = registered is not None and registered.is_stranger
    place = registered.log.url if registered is not None else place
    if not _URL.match(place):
        if registered is not None:
            raise Failure(
                "no log", f"the chain says no URL of the log, but {place!r}; get it from the operator"
            )
        if not Path(place).is_dir():
            raise Failure("no log", f"expected the URL of a log or its folder, got {place!r}")
        yield FolderSource(Path(place))
        return
    try:
        source = HttpSource(place, is_stranger=is_stranger)
    except ValueError as error:
        raise Failure("no log", f"{error}") from error
    try:
        yield source
    finally:
        source.close()


def _entries_audit(screen: Screen, chain: ChainOptions, operator: Any) -> "EntriesAudit":
    """What the chain has, read before the log: what is claimed later is in the log already."""
    from truestep.adapters.chain.claims import read_claims
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.protocol.logs.audit import EntriesAudit

    if chain.offline:
        return EntriesAudit(claims={}, operator=operator)
    file = chosen_file(chain.deployment, chain.network)
    if not chain.rpc or file is None:
        raise Failure(
            "no chain",
            "expected a chain to compare the log with; give --rpc and --network (or --deployment), or"
            " --offline",
            ExitCode.USAGE,
        )
    deployment = read_deployment(file)
    screen.doing("reading all claims on the chain")
    found = read_claims(chain.rpc, deployment)
    network = deployment.chain_id, deployment.address("Jobs")
    return EntriesAudit(claims=found.claims, words=found.words, operator=operator, network=network)


def _check_beginning(screen: Screen, chain: ChainOptions, report: "LogReport") -> None:
    """Compare the log's first batch with the chain, which is read anew if the log may be the newer one."""
    from truestep.adapters.chain.claims import read_claims
    from truestep.adapters.chain.deployment import read_deployment

    opened, file = report.entries.opened, chosen_file(chain.deployment, chain.network)
    if chain.offline or opened is None or not chain.rpc or file is None:
        return
    newest = max((batch for batch, _ in report.entries.claims), default=0)
    if opened.batch_count > newest:
        screen.doing("reading all claims on the chain once more")
        report.entries.check_beginning(read_claims(chain.rpc, read_deployment(file)).batch_count)


def _key(screen: Screen, source: "LogSource", given: str | None) -> "VerifierKey":
    from truestep.client.log_audit import served_key
    from truestep.protocol.logs.notes import parse_verifier_key

    if given is not None:
        return parse_verifier_key(given)
    screen.doing(f"asking {source.place} for its key")
    found = parse_verifier_key(served_key(source))
    screen.warn(
        [f"the log itself says that its key is {found.text}; ask its operator for it, and give it with --key"]
    )
    return found


def _others(seen: Any, key: "VerifierKey", files: list[Path]) -> "list[OtherPast]":
    from truestep.client.log_audit import past_in
    from truestep.protocol.logs.notes import NOTE_LIMIT_BYTES

    others: list[OtherPast] = seen.read(key)
    for file in files:
        with file.open("rb") as opened:
            others.append(past_in(opened.read(NOTE_LIMIT_BYTES + 1), key, str(file)))
    return others


def _anchored(registered: _Registered | None, files: list[Path]) -> "list[OtherPast]":
    """What the log has stated in anchors."""
    from truestep.adapters.logs.epoch_file import FILE_LIMIT_BYTES, parse_epoch
    from truestep.client.epochs import anchored_pasts

    if not files:
        return []
    if registered is None:
        raise Failure(
            "not registered", "--epoch is for a registered log: give its operator's address", ExitCode.USAGE
        )
    read: list[tuple[str, EpochFile]] = []
    for path in files:
        with path.open("rb") as opened:
            read.append((str(path), parse_epoch(opened.read(FILE_LIMIT_BYTES + 1))))
    return anchored_pasts(read, registered.desk.anchors(), registered.log)


def _served(
    screen: Screen, registered: _Registered | None, source: "LogSource", limit: int
) -> "ServedEpochs | None":
    """What the log has stated in anchors, by the rows that it or another log of its group serves."""
    from truestep.adapters.logs.sources import HttpSource
    from truestep.client.epochs import served_epochs

    if registered is None:
        return None

    @contextmanager
    def opened(log: "RegisteredLog") -> "Generator[LogSource]":
        other = HttpSource(log.url, is_stranger=registered.is_stranger, busy_seconds=BUSY_SECONDS)
        try:
            yield other
        finally:
            other.close()

    screen.doing("asking for the rows of anchors")
    found = served_epochs(registered.desk, registered.log, source, opened, limit)
    if found.unread:
        numbers = ", ".join(map(str, found.unread[:SHOWN_FINDINGS]))
        screen.warn(
            [
                f"nobody who was asked serves the rows of {counted(len(found.unread), 'anchor')} ({numbers}):"
                " get their files from operators, and give them with --epoch"
            ]
        )
    return found


def _reproduce(screen: Screen, report: "LogReport", chain: ChainOptions, blobs: list[str]) -> None:
    """Run the chosen claims again."""
    from truestep.adapters.chain.deployment import read_deployment
    from truestep.client.log_audit import reproduce
    from truestep.composition.engines import EngineName, open_engine
    from truestep.composition.network import open_kept_blobs, open_reader
    from truestep.protocol.logs.audit import Fault

    file = chosen_file(chain.deployment, chain.network)
    if not report.reproduced or not chain.rpc or file is None:
        return
    deployment = read_deployment(file)
    warning = unknown_code_warning(screen, is_trusted=chain.trust_unknown_code)
    reader = open_reader(chain.rpc, deployment, warning)
    sources = open_kept_blobs(blobs, reader, deployment, chain.rpc, [])
    engine = open_engine(EngineName.JIT)
    for entry in report.reproduced:
        where = f"shard {entry.shard_index} of job {entry.job_id}, claimed in batch {entry.batch_id}"
        screen.doing(f"running {where}")
        try:
            different = reproduce(entry, reader, sources, engine)
        except (Rejected, Unavailable) as error:
            raise Failure(
                "not run", f"{where} could not be run again: {error}", ExitCode.WORLD_FAILED
            ) from error
        if different:
            report.entries.find(Fault.NOT_REPRODUCED, f"{where}, gives another {different}")


def _write_evidence(report: "LogReport", file: Path | None) -> list[str]:
    from truestep.adapters.files import write_file

    if file is None or not report.evidence:
        return []
    names = [
        file,
        *(file.with_name(f"{file.name}.{number}") for number in range(2, 1 + len(report.evidence))),
    ]
    for name, each in zip(names, report.evidence, strict=True):
        write_file(name, each.to_json())
    return [str(name) for name in names]


def _fields(
    report: "LogReport", place: str, key: "VerifierKey", others: "list[OtherPast]", files: list[str]
) -> dict[str, Any]:
    entries = report.entries
    return {
        "log": place,
        "origin": report.checkpoint.origin,
        "key": key.text,
        "size": report.checkpoint.size,
        "root": report.checkpoint.root.hex(),
        "operator": entries.opened.operator if entries.opened is not None else None,
        "chain_checked": entries.network is not None,
        "sound": report.is_sound,
        "entries": entries.counts,
        "claims_on_chain": entries.matched_count,
        "claims_never_on_chain": entries.unsent_count,
        "claims_before_log": entries.older_count,
        "reproduced": len(report.reproduced),
        "compared": [
            {"name": other.name, "size": other.checkpoint.size, "root": other.checkpoint.root.hex()}
            for other in others
        ],
        "faults": {fault.value: count for fault, count in entries.faults.items()},
        "findings": [{"fault": each.fault.value, "message": each.message} for each in entries.findings],
        "evidence": files,
    }


def _shown(report: "LogReport", fields: dict[str, Any], chain: ChainOptions) -> str:
    entries, checkpoint = report.entries, report.checkpoint
    owner = entries.opened.operator if entries.opened is not None else "nobody that it names"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(entries.counts.items()))
    lines = [
        f"{escape(checkpoint.origin)}: the log of {owner}",
        f"  entries: {checkpoint.size:,} ({escape(kinds)}), all below the root that it has signed",
    ]
    lines += [
        f"  goes on from {each['size']:,} entries: {escape(each['name'])}" for each in fields["compared"]
    ]
    if not fields["compared"]:
        lines.append("  not seen before: the next reading is compared with this one")
    if chain.offline:
        lines.append("  no chain was asked")
    else:
        lines.append(
            f"  {counted(entries.matched_count, 'claim')} alike on the chain;"
            f" {counted(entries.unsent_count, 'claim')} of the log never came there"
        )
    if entries.older_count:
        lines.append(
            f"  {counted(entries.older_count, 'claim')} on the chain of before the log, not needed in it"
        )
    if report.reproduced:
        lines.append(f"  {counted(len(report.reproduced), 'claim')} run again")
    if report.is_sound:
        return "\n".join([*lines, "[bold green]nothing is wrong[/]"])
    lines = [each for each in lines if not each.startswith("  goes on from")]
    lines += [f"[bold red]✗[/] {escape(each.message)}" for each in entries.findings[:SHOWN_FINDINGS]]
    total = sum(entries.faults.values())
    if total > SHOWN_FINDINGS:
        lines.append(f"and {total - SHOWN_FINDINGS:,} more; --json tells up to a thousand of each kind")
    if report.evidence and not fields["evidence"]:
        lines.append("--evidence FILE writes what shows that the log has two pasts")
    return "\n".join(lines)
