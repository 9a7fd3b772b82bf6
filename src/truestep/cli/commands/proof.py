"""`truestep proof`: prints the proof of a result, for contracts that use it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.adapters.files import write_file
from truestep.base.ids import JobId, task_of
from truestep.cli.connection import connect_reader
from truestep.cli.failure import Failure
from truestep.cli.option_groups import grouped
from truestep.cli.options import JobArgument, NetworkOptions
from truestep.cli.screen import JsonFlag, Screen, guarded

if TYPE_CHECKING:
    from truestep.client.proofs import Chunk
    from truestep.ports.chain import ChainReader

EXAMPLE = "Example: truestep proof 1 0 --part 0 --json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="proof", epilog=EXAMPLE)(proof)


@guarded
@grouped
def proof(
    job: JobArgument,
    shard: Annotated[int, typer.Argument(metavar="SHARD", min=0, help="The shard, counted from 0.")],
    network: NetworkOptions,
    part: Annotated[
        int | None,
        typer.Option(metavar="I", min=0, help="Also prove part I of the output, 8 KiB each."),
    ] = None,
    part_level: Annotated[
        int,
        typer.Option(metavar="K", min=0, max=8, help="With --part: parts of 2^K leaves of 32 bytes."),
    ] = 8,
    blobs: Annotated[
        list[str] | None,
        typer.Option(metavar="URL|DIR", envvar="TRUESTEP_BLOBS", help="With --part: a store of outputs."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the ABI-encoded proof to this file."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the proof of a final result that JobReader takes, as JSON and as ABI-encoded bytes.

    The chain needs nothing else to check the result: a contract that carries the proof pays for no storage.
    The proof stays valid for ever. With --part, also a part of the output with its path.
    """
    from truestep.adapters.chain.evidence_abi import encode_chunk, encode_evidence
    from truestep.client.proofs import chunk_fields, evidence_fields, question_fields

    screen = Screen(as_json=as_json)
    if part is not None and not blobs:
        raise typer.BadParameter("the output is in a store: add --blobs", param_hint="--part")
    chain, deployment = connect_reader(network, screen)
    evidence = proved(chain, JobId(job), shard)
    encoded = encode_evidence(evidence)
    fields: dict[str, Any] = {
        "job_id": job,
        "shard_index": shard,
        "question": question_fields(deployment, JobId(job), evidence),
        "evidence": evidence_fields(evidence),
        "evidence_abi": f"0x{encoded.hex()}",
    }
    if part is not None and blobs:
        chunk = _chunk(chain, JobId(job), shard, blobs, part, part_level)
        encoded_chunk = encode_chunk(chunk.index, chunk.content, chunk.path)
        fields |= {"chunk": chunk_fields(chunk), "chunk_abi": f"0x{encoded_chunk.hex()}"}
    if output:
        write_file(output, encoded)
    shown: dict[str, Any] = {
        "job": job,
        "shard": shard,
        "digest": fields["question"]["digest"],
        "claim": f"leaf {evidence.claim_id & 255} of batch {evidence.claim_id >> 8}",
        "proof": f"{len(encoded):,} bytes, ABI-encoded" + (f", in {output}" if output else ""),
    }
    if "chunk" in fields:
        shown["part"] = f"{part}, with its path: --json prints it"
    screen.result(fields if as_json else shown)
    if not as_json and not output:
        screen.note(escape("--json prints the proof, --output FILE writes it"))


def proved(chain: "ChainReader", job_id: JobId, shard: int) -> Any:
    """The evidence of a shard. Raises Failure for a shard that the job does not have."""
    from truestep.client.job_status import known_job

    shard_count = known_job(chain, job_id).shard_count
    if shard >= shard_count:
        raise Failure("no such shard", f"expected a shard from 0 to {shard_count - 1}, got {shard}")
    return chain.evidence(task_of(job_id, shard))


def _chunk(
    chain: "ChainReader", job_id: JobId, shard: int, blobs: list[str], index: int, level: int
) -> "Chunk":
    from truestep.client.proofs import chunk_of
    from truestep.composition.network import open_blobs

    result = chain.result(task_of(job_id, shard))
    return chunk_of(open_blobs(blobs), result, index, level)
