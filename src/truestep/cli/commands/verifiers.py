"""`truestep verifiers`: which verifiers a network believes, and proofs of claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from truestep.base.ids import JobId, task_of
from truestep.circuits.row_prover import check_part
from truestep.cli.commands import verifier_contracts, verifier_entries
from truestep.cli.connection import connect_reader, connect_sender
from truestep.cli.entry_words import announcement_fields, entry_fields, shown_announcement, shown_entry
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.owner_calls import OwnerOptions
from truestep.cli.screen import JsonFlag, Screen, fields_text, guarded
from truestep.cli.senders import SenderOptions
from truestep.cli.verifier_kinds import refuse_run_count

if TYPE_CHECKING:
    from truestep.client.verifiers import StandingClaim

LIST_EXAMPLE = "Example: truestep verifiers list"
STOP_EXAMPLE = "Example: truestep verifiers stop 2 --keystore guardian.json"
STATEMENT_EXAMPLE = "Example: truestep verifiers statement 1 0 --json"
PROVE_EXAMPLE = "Example: truestep verifiers prove 1 0 --entry 2 --seal seal.bin --keystore operator.json"
CONTRADICT_EXAMPLE = "Example: truestep verifiers contradict --keystore anybody.json"

ShardArgument = Annotated[int, typer.Argument(metavar="SHARD", min=0, help="The shard, counted from 0.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    verifiers = typer.Typer(
        no_args_is_help=True, help="Verifiers whose proofs make claims final at once (docs/validity.md)."
    )
    verifiers.command(name="list", epilog=LIST_EXAMPLE)(show_all)
    verifiers.command(name="stop", epilog=STOP_EXAMPLE)(stop)
    verifiers.command(name="statement", epilog=STATEMENT_EXAMPLE)(statement)
    verifiers.command(name="prove", epilog=PROVE_EXAMPLE)(prove)
    verifiers.command(name="contradict", epilog=CONTRADICT_EXAMPLE)(contradict)
    verifier_contracts.add_to(verifiers)
    verifier_entries.add_to(verifiers)
    app.add_typer(verifiers, name="verifiers")


@guarded
@grouped
def show_all(network: NetworkOptions, as_json: JsonFlag = False) -> None:
    """List the entries: which verifier, for which program, within which limits, and whether it is believed.

    The timelock adds entries, after its delay; those that it has announced are listed too. The guardian stops
    them at once, and so does anybody who shows a claim that an entry has proven and a dispute has struck.
    """
    from truestep.client.verifiers import entries

    screen = Screen(as_json=as_json)
    chain, _ = connect_reader(network, screen)
    found = entries(chain)
    timelock = verifier_entries.open_timelock(network)
    now, announced = timelock.now(), timelock.announced()
    if not found and not announced and not as_json:
        screen.note("no verifier is believed yet: governance adds them with `truestep verifiers add`")
        return
    fields = {
        "entries": [entry_fields(each) for each in found],
        "announced": [announcement_fields(each) for each in announced],
    }
    shown = [shown_entry(each) for each in found] + [shown_announcement(each, now) for each in announced]
    screen.result(fields, shown=Text("\n\n").join(map(fields_text, shown)))


@guarded
@grouped
def stop(
    entry: Annotated[int, typer.Argument(metavar="ENTRY", min=1, help="The number of the entry.")],
    network: NetworkOptions,
    owner: OwnerOptions,
    as_json: JsonFlag = False,
) -> None:
    """Stop an entry at once and for ever. Only the guardian can; the owner uses the timelock.

    Claims that it has proven are final for nobody at once any more: they wait for their window. Leaves that
    nobody can prove now cost their operators nothing.
    """
    from truestep.client import verifiers
    from truestep.protocol.validity.contracts.verifiers import EntryNumber

    screen = Screen(as_json=as_json)
    timelock, number = verifier_entries.open_timelock(network), EntryNumber(entry)
    owner.refuse_others("a stop", timelock.guardian())
    sender = owner.sender()
    if sender is None:
        verifiers.check_stoppable(connect_reader(network, screen)[0], number)
        owner.send(screen, timelock, timelock.stop(number), f"stop entry {entry}")
        screen.note(f"for {timelock.guardian()} to send")
        return
    verifiers.stop(connect_sender(network, sender, screen), number)
    screen.result({"entry": entry, "stopped": True}, shown=f"entry {entry} is stopped, for ever")


@guarded
@grouped
def statement(
    job: JobArgument, shard: ShardArgument, network: NetworkOptions, as_json: JsonFlag = False
) -> None:
    """Print what a proof of the claim on a shard must state, and the values that it is the hash of.

    A program that is proven elsewhere writes these 32 bytes as its whole public output (its journal).
    """
    from truestep.client.verifiers import standing_claim

    screen = Screen(as_json=as_json)
    chain, deployment = connect_reader(network, screen)
    claim = standing_claim(chain, task_of(JobId(job), shard))
    fields = {"chain_id": deployment.chain_id, "jobs": deployment.address("Jobs")} | _claim_fields(claim)
    screen.result({"job_id": job, "shard_index": shard} | fields)


@guarded
@grouped
def prove(
    job: JobArgument,
    shard: ShardArgument,
    entry: Annotated[int, typer.Option(metavar="N", min=1, help="The entry whose verifier is asked.")],
    seal: Annotated[
        Path, typer.Option(metavar="FILE", help="The proof in bytes, from its selector on.", dir_okay=False)
    ],
    network: NetworkOptions,
    sender: SenderOptions,
    runs: Annotated[
        int | None,
        typer.Option(metavar="N", help="The proof is of the claims of so many shards from this one on."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Send the proof of the claim on a shard: it is final for consumers at once. Anybody can.

    With --runs it is one proof of the claims of 2, 4, 8, 16 or 32 shards. Bonds stay locked for one window,
    in which a dispute can still show the proof wrong.
    """
    from truestep.client import verifiers
    from truestep.protocol.validity.contracts.verifiers import EntryNumber

    screen = Screen(as_json=as_json)
    refuse_run_count(runs)
    content = _read_seal(seal)
    chain = connect_sender(network, sender, screen)
    task_id, number = task_of(JobId(job), shard), EntryNumber(entry)
    if runs is not None:
        check_part(runs, shard, chain.job(JobId(job)).shard_count)
        verifiers.prove_many(chain, task_id, runs, number, content)
        words = (
            f"shards {shard} to {shard + runs - 1} of job {job} are proven: `truestep proof {job} {shard}`"
        )
        many = {"job_id": job, "first_shard": shard, "runs": runs, "entry": entry}
        screen.result(many, shown=f"{words} is what consumers take, and so on for each")
        return
    claim = verifiers.prove(chain, task_id, number, content)
    words = f"shard {shard} of job {job} is proven: `truestep proof {job} {shard}` is what consumers take"
    fields = {"job_id": job, "shard_index": shard, "entry": entry, "statement": f"0x{claim.statement.hex()}"}
    screen.result(fields, shown=words)


@guarded
@grouped
def contradict(network: NetworkOptions, sender: SenderOptions, as_json: JsonFlag = False) -> None:
    """Stop every entry that has proven a claim which was struck. Challengers do so by themselves."""
    from truestep.client import verifiers
    from truestep.protocol.settlement.facts.due import Action

    screen = Screen(as_json=as_json)
    chain = connect_sender(network, sender, screen)
    stopped = 0
    while found := verifiers.contradicted(chain):
        verifiers.contradict(chain, found[0])
        stopped += 1
    words = f"stopped: {stopped}" if stopped else "no entry has proven anything that was struck"
    screen.result({"action": str(Action.CONTRADICT), "stopped": stopped}, shown=words)


def _read_seal(path: Path) -> bytes:
    from truestep.protocol.validity.verifiers import SEAL_LIMIT_BYTES

    try:
        with path.open("rb") as file:
            content = file.read(SEAL_LIMIT_BYTES + 1)
    except OSError as error:
        raise Failure("seal", f"cannot read {path}: {error.strerror}; give the file of the proof") from error
    if not 4 <= len(content) <= SEAL_LIMIT_BYTES:
        raise Failure(
            "seal",
            f"{path} has {len(content):,} bytes or more: expected 4 to {SEAL_LIMIT_BYTES:,}, from the"
            " selector on",
        )
    return content


def _claim_fields(claim: "StandingClaim") -> dict[str, Any]:
    leaf = claim.leaf
    return {
        "statement": f"0x{claim.statement.hex()}",
        "job_digest": f"0x{claim.job_digest.hex()}",
        "task_digest": f"0x{claim.task_digest.hex()}",
        "output_root": f"0x{leaf.output_root.hex()}",
        "output_size": leaf.output_size,
        "status": leaf.status,
        "code": leaf.code,
        "cycle": leaf.cycle,
        "proven_by": claim.proven_by,
    }
