"""What `truestep prove JOB` does: the seal of a claim that stands, for an entry that takes it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from truestep.base.ids import JobId, TaskId, job_of_task, shard_of_task, task_in_words, task_of
from truestep.circuits.claim_prover import ModelProver, open_model
from truestep.circuits.claims import Claimed, check_claim
from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Model
from truestep.circuits.model_file import read_input, read_model
from truestep.circuits.prover import PROVE_LIMITS
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.options import DeploymentOption, NetworkOption, NetworkOptions, ReadBlobsOption, TrustOption
from truestep.cli.screen import Screen
from truestep.ports.blobs import never
from truestep.ports.proving import CannotProve, SealOrder

if TYPE_CHECKING:
    from truestep.adapters.chain.deployment import Deployment
    from truestep.client.verifiers import ListedEntry, StandingClaim
    from truestep.ports.chain import ChainReader

NAMED_LIMIT = 8
"""Entries that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimOptions:
    """Where the claim of a job is, and whose model proves it."""

    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of a job: the quantised model that its program was made of."),
    ] = None
    runs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Of a job of many shards: prove the claims of 2, 4, 8, 16 or 32 from this shard on by one"
            " proof.",
        ),
    ] = None
    rpc: Annotated[
        list[str] | None,
        typer.Option("--rpc", metavar="URL", envvar="TRUESTEP_RPC", help="Of a job: a node of its chain."),
    ] = None
    deployment: DeploymentOption = None
    network: NetworkOption = None
    trust_unknown_code: TrustOption = False
    blobs: ReadBlobsOption = None

    @property
    def reading(self) -> NetworkOptions:
        """The network to look at."""
        if not self.rpc:
            raise typer.BadParameter("where is the job? add --rpc URL", param_hint="--rpc")
        return NetworkOptions(
            rpc=self.rpc,
            deployment=self.deployment,
            network=self.network,
            trust_unknown_code=self.trust_unknown_code,
        )


def task_named(what: str, shard: int | None) -> TaskId | None:
    """The task of `JOB`, `JOB SHARD` or `JOB/SHARD`; None if it is no job but a file."""
    match = re.fullmatch(r"(\d{1,18})(?:/(\d{1,9}))?", what)
    if match is None:
        return None
    if match[2] is not None and shard is not None:
        raise typer.BadParameter(f"{what} names a shard already; leave out {shard}", param_hint="SHARD")
    return task_of(JobId(int(match[1])), int(match[2] or shard or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A claim to prove, on a chain that was asked."""

    chain: "ChainReader"
    deployment: "Deployment"
    claim: "StandingClaim"
    claimed: Claimed


def prove_claim(
    screen: Screen,
    task_id: TaskId,
    options: ClaimOptions,
    inputs: list[Path],
    key: KeyName,
    output: Path,
) -> dict[str, Any]:
    """Write the claim's seal, and say what was done. Raises `Failure` if something is missing."""
    if len(inputs) > 1:
        raise Failure("too many inputs", f"a job has one input; got {len(inputs)}")
    sought = _sought(screen, task_id, options)
    model = claimed_model(sought, options.model)
    content = _input(sought, model, options, inputs[0] if inputs else None)
    check_claim(model, content, sought.claimed)
    proven = open_model(model, Tools(tools_folder()), key, screen.tell)
    entry = taking_entry(sought, proven.key_digest, key, "this model's circuit")
    order = SealOrder(
        chain_id=sought.deployment.chain_id,
        jobs=sought.deployment.address("Jobs"),
        key_digest=proven.key_digest,
        task_id=task_id,
        job=sought.chain.job(job_of_task(task_id)),
        work=sought.claimed.work,
        terms=sought.claimed.terms,
        leaf=sought.claimed.leaf,
    )
    prover = ModelProver([proven], Tools(tools_folder()), PROVE_LIMITS)
    try:
        seal = prover.seal(order, content, never, screen.tell)
    except CannotProve as error:
        raise CircuitError(str(error)) from error
    from truestep.adapters.files import write_file

    write_file(output, seal)
    return {
        "job_id": job_of_task(task_id),
        "shard_index": shard_of_task(task_id),
        "seal": str(output),
        "seal_bytes": len(seal),
        "statement": f"0x{sought.claim.statement.hex()}",
        "entry": entry.number,
        "system": entry.entry.system,
        "key": key.value,
        "key_digest": f"0x{proven.key_digest.hex()}",
        "gates": proven.circuit.gates,
    }


def _sought(screen: Screen, task_id: TaskId, options: ClaimOptions) -> Sought:
    """The claim as the chain has it. Refuses one that cannot be proven, and says why."""
    from truestep.client.verifiers import standing_claim
    from truestep.protocol.settlement.ids import batch_of_claim
    from truestep.protocol.settlement.tasks.ids import leaf_of

    chain, deployment = connect_reader(options.reading, screen)
    claim, what = standing_claim(chain, task_id), task_in_words(task_id)
    if claim.proven_by is not None:
        raise Failure("proven already", f"{what} was proven by entry {claim.proven_by}; see `truestep proof`")
    facts = chain.facts()
    leaf_id, job = leaf_of(facts, claim.claim_id), facts.jobs[job_of_task(task_id)].job
    if leaf_id is not None and chain.head().time_seconds > facts.batches[batch_of_claim(leaf_id)].batch.until:
        raise Failure("too late", f"the window of {what} is over: its claim cannot be proven any more")
    claimed = Claimed(task_id=task_id, work=job.work, terms=job.terms, leaf=claim.leaf)
    return Sought(chain=chain, deployment=deployment, claim=claim, claimed=claimed)


def claimed_model(sought: Sought, path: Path | None) -> Model:
    """The model of the claim's program, as the user says."""
    if path is not None:
        return read_model(path)
    raise Failure(
        "no model",
        f"which model computes {task_in_words(sought.claim.task_id)}? Give its file with --model."
        f" {_entries_in_words(sought)}",
    )


def _input(sought: Sought, model: Model, options: ClaimOptions, path: Path | None) -> bytes:
    return kept_input(sought, options) if path is None else read_input(model, path)


def kept_input(sought: Sought, options: ClaimOptions) -> bytes:
    """The job's input as stores have it."""
    from truestep.client.stored import stored_input
    from truestep.composition.network import open_blobs

    if not options.blobs:
        raise Failure(
            "no input", "give the job's input with --input FILE, or a store that has it with --blobs URL|DIR"
        )
    work, job = sought.claimed.work, sought.chain.job(job_of_task(sought.claim.task_id))
    return stored_input(open_blobs(options.blobs), work.input_root, work.input_size, job.input_uri)


def taking_entry(sought: Sought, key_digest: bytes, key: KeyName, what: str) -> "ListedEntry":
    """The entry that takes the seal, now or soon; a proof that none takes would be made in vain."""
    from truestep.client.verifiers import EntryState

    own = [each for each in _entries(sought) if each.entry.key_digest == key_digest]
    for state in (EntryState.LIVE, EntryState.EARLY):
        for each in own:
            if each.state is state:
                return each
    other = KeyName.DEVELOPMENT if key is KeyName.PRODUCTION else KeyName.PRODUCTION
    raise Failure(
        "no entry",
        f"no entry of Verifiers takes proofs of {what} with the {key} key, 0x{key_digest.hex()}."
        f" {_entries_in_words(sought)} If one is of the {other} key, add --key"
        f" {other}; else governance must add one (docs/circuits.md)",
    )


def refuse_without_entries(sought: Sought) -> None:
    """A program that no entry is for: said before circuits are compiled, which takes minutes."""
    if not _entries(sought):
        raise Failure(
            "no entry",
            f"no entry of Verifiers is for the program of job {job_of_task(sought.claim.task_id)}, so nobody"
            " takes a proof of its claims: governance must add one (docs/circuits.md)",
        )


def _entries(sought: Sought) -> list["ListedEntry"]:
    """The entries that are for the job's program."""
    from truestep.client.verifiers import entries
    from truestep.protocol.settlement.jobs import program_hash

    program = program_hash(sought.claimed.work)
    return [each for each in entries(sought.chain) if each.entry.program_hash == program]


def _entries_in_words(sought: Sought) -> str:
    found = _entries(sought)
    named = "; ".join(
        f"entry {each.number} ({each.entry.system}, {each.state}) of circuit 0x{each.entry.key_digest.hex()}"
        for each in found[:NAMED_LIMIT]
    )
    return f"For its program there is {named}." if found else "There is no entry for its program."
