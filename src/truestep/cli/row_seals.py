"""What `truestep prove JOB --runs N` does: one seal of the claims of many shards that stand (C12)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import TaskId, job_of_task, shard_of_task, task_of
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.circuits.claims import Claimed
from truestep.circuits.folding import compile_tree
from truestep.circuits.model import Model
from truestep.circuits.model_file import read_input, read_limited
from truestep.circuits.reference import Shown
from truestep.circuits.row_prover import ClaimedRows, check_part, check_rows, rows_of, rows_seal
from truestep.circuits.rows import rows_input
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools, tools_folder
from truestep.circuits.verifier import key_digest
from truestep.cli.claim_seals import (
    ClaimOptions,
    Sought,
    claimed_model,
    kept_input,
    refuse_without_entries,
    taking_entry,
)
from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.screen import Screen

if TYPE_CHECKING:
    from truestep.client.verifiers import StandingClaim
    from truestep.ports.chain import ChainReader
    from truestep.protocol.settlement.ids import LeafId


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Claims to prove at once, on a chain that was asked."""

    sought: Sought
    """The first of them."""
    claimed: ClaimedRows


def prove_rows(
    screen: Screen,
    first_task: TaskId,
    run_count: int,
    options: ClaimOptions,
    inputs: list[Path],
    key: KeyName,
    output: Path,
) -> dict[str, Any]:
    """Write the claims' seal, and say what was done. Raises `Failure` if something is missing."""
    part = _part(screen, first_task, run_count, options)
    sought, claimed = part.sought, part.claimed
    model = claimed_model(sought, options.model)
    rows = rows_of(model, _input(part, model, options, inputs), claimed.work)
    check_rows(model, rows, claimed)
    refuse_without_entries(sought)
    tools = Tools(tools_folder())
    tree = compile_tree(model, run_count, Shown.ROOT, tools, key, screen.tell)
    digest = key_digest(tree.circuits[-1].key)
    entry = taking_entry(sought, digest, key, f"{run_count} runs of this model")
    deployment = sought.deployment
    seal = rows_seal(
        model,
        rows,
        tree,
        tools,
        screen.tell,
        chain_id=deployment.chain_id,
        jobs=deployment.address("Jobs"),
        claimed=claimed,
    )
    from truestep.adapters.files import write_file

    write_file(output, seal)
    return {
        "job_id": job_of_task(first_task),
        "first_shard": shard_of_task(first_task),
        "runs": run_count,
        "seal": str(output),
        "seal_bytes": len(seal),
        "entry": entry.number,
        "system": entry.entry.system,
        "key": key.value,
        "key_digest": f"0x{digest.hex()}",
        "gates": tree.circuits[-1].gates,
    }


def _part(screen: Screen, first_task: TaskId, run_count: int, options: ClaimOptions) -> _Part:
    """The claims as the chain has them. Refuses those that cannot be proven by one proof, and says why."""
    chain, deployment = connect_reader(options.reading, screen)
    claims, seconds_left = standing_part(chain, first_task, run_count)
    shown, left = counted(run_count, "claim"), duration(seconds_left)
    screen.tell(f"these {shown} can be proven for {left} more, until their window is over")
    job = chain.facts().jobs[job_of_task(first_task)].job
    leaves = tuple(claim.leaf for claim in claims)
    return _Part(
        sought=Sought(
            chain=chain,
            deployment=deployment,
            claim=claims[0],
            claimed=Claimed(task_id=first_task, work=job.work, terms=job.terms, leaf=leaves[0]),
        ),
        claimed=ClaimedRows(first_task=first_task, work=job.work, terms=job.terms, leaves=leaves),
    )


def standing_part(
    chain: "ChainReader", first_task: TaskId, run_count: int
) -> tuple[list["StandingClaim"], int]:
    """The claims on so many shards, and the seconds in which one proof can still prove them.

    Raises `Failure` if they are not all there, or no part of one batch; CircuitError, Rejected.
    """
    from truestep.client.verifiers import standing_claim

    job_id, first = job_of_task(first_task), shard_of_task(first_task)
    check_part(run_count, first, chain.job(job_id).shard_count)
    claims, missing = list["StandingClaim"](), dict[int, str]()
    for shard in range(first, first + run_count):
        try:
            claims.append(standing_claim(chain, task_of(job_id, shard)))
        except Rejected as error:
            if error.reason is not Reject.CLAIM_NOT_STANDING:
                raise
            missing[shard] = chain.task(task_of(job_id, shard)).stage.name.lower()
    if missing:
        named = ", ".join(f"{shard} ({stage})" for shard, stage in missing.items())
        raise Failure(
            "claims are missing",
            f"one proof is of the claims of shards {first} to {first + run_count - 1} of job {job_id}, and"
            f" these have none that can be proven: {named}; see `truestep status {job_id}`",
        )
    return claims, _seconds_left(chain, claims)


def _seconds_left(chain: "ChainReader", claims: list["StandingClaim"]) -> int:
    """For a proof. Refuses claims that are proven already, too old, or no part of one batch (V4.7)."""
    from truestep.protocol.settlement.ids import batch_of_claim
    from truestep.protocol.settlement.tasks.ids import leaf_of

    facts, job_id = chain.facts(), job_of_task(claims[0].task_id)
    if all(claim.proven_by is not None for claim in claims):
        raise Failure(
            "proven already", f"all of these shards of job {job_id} are proven; see `truestep proof`"
        )
    leaves = [leaf for claim in claims if (leaf := leaf_of(facts, claim.claim_id)) is not None]
    until = min((facts.batches[batch_of_claim(leaf)].batch.until for leaf in leaves), default=0)
    left = until - chain.head().time_seconds
    if left < 0:
        raise Failure("too late", "the window of these claims is over: they cannot be proven any more")
    _refuse_scattered(leaves, len(claims))
    return left


def _refuse_scattered(leaves: list["LeafId"], run_count: int) -> None:
    """Claims that are no subtree of a batch's tree."""
    from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim

    first = leaves[0]
    if leaves != [*range(first, first + run_count)]:
        batches = sorted({batch_of_claim(leaf) for leaf in leaves})
        where = f"they are in batches {', '.join(map(str, batches))}, or in another order"
    elif leaf_of_claim(first) % run_count:
        where = f"they begin at leaf {leaf_of_claim(first)} of their batch, no multiple of {run_count}"
    else:
        return
    raise Failure(
        "claims are not side by side",
        f"one proof is of claims that follow one another in one batch of a worker: {where}. Prove fewer at"
        " once, by an entry that takes fewer runs",
    )


def _input(part: _Part, model: Model, options: ClaimOptions, paths: list[Path]) -> bytes:
    """The input of the whole job: its file, a file for each of its rows, or what stores have of it."""
    shard_count = part.claimed.work.shard_count
    if not paths:
        return kept_input(part.sought, options)
    if len(paths) == 1:
        return read_limited(paths[0])
    if len(paths) != shard_count:
        raise typer.BadParameter(
            f"expected one file, the job's input, or {shard_count}, one for each of its rows; got"
            f" {len(paths)}",
            param_hint="--input",
        )
    rows = [read_input(model, path) for path in paths]
    for path, row in zip(paths, rows, strict=True):
        if len(row) != model.input_size:
            raise Failure("row", f"{path} has {len(row)} bytes; the model takes {model.input_size}")
    return rows_input(rows)
