"""Consumers that demand that data is kept, in both languages (docs/consumers.md, docs/availability.md A5)."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

from tests.contracts.consumers import deploy, each_language, evidence, output_root
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.keeping import POLICY, KeptArena, MadeItem, input_part, program_part, rows
from tests.contracts.settings import ALICE, BOB
from tests.contracts.settlement import MAX_CYCLES, NATIVE, REWARD, PostedJob, leaf_for
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.records import Work

PROGRAM = (b"p" * 32, 0, MAX_CYCLES)


def expecting(arena: KeptArena, language: str, job: PostedJob) -> EvmContract:
    """A consumer that means this job."""
    reader = deploy(arena, language, "Reader", arena.jobs.address)
    reader.transact("expect", job.job_id, astuple(job.work), astuple(job.terms))
    return reader


@each_language
def test_a_consumer_refuses_jobs_whose_data_need_not_be_kept(language: str) -> None:
    arena = KeptArena()
    other = KeptArena.deploy_kept(arena)
    kept, _ = arena.post_kept()
    plain = arena.post_runs()
    reader = expecting(arena, language, kept)
    reader.call("check_kept", arena.kept.address)
    for address in (other.address, ALICE, NATIVE):
        with rejects(Reject.QUESTION_NOT_KEPT):
            reader.call("check_kept", address)
    for address in (arena.kept.address, NATIVE):  # policy 1 has no contract: zero is none
        with rejects(Reject.QUESTION_NOT_KEPT):
            expecting(arena, language, plain).call("check_kept", address)
    reader.transact("forget")
    with rejects(Reject.QUESTION_OTHER):
        reader.call("check_kept", arena.kept.address)


@each_language
def test_a_consumer_asks_for_a_job_whose_data_is_kept_and_reads_its_result(language: str) -> None:
    """The contract is the requester: so it supplies, with items that anybody may have registered."""
    arena = KeptArena()
    reader = deploy(arena, language, "Reader", arena.jobs.address)
    job = _asked(arena, reader)
    item = arena.item(program_part(job), input_part(job))
    with rejects(Reject.NOT_REQUESTER):
        arena.supply(job, item, sender=BOB)
    with rejects(Reject.QUESTION_NOT_KEPT):
        _supply(reader, ALICE, job, item)
    wrong = arena.item(program_part(job))
    with rejects(Reject.PART_UNKNOWN):
        _supply(reader, arena.kept.address, job, wrong)
    _supply(reader, arena.kept.address, job, item)
    batch = arena.take((job, 0, 1))
    output = b"answer"
    leaf = replace(leaf_for(0), output_root=output_root(output))
    leaf = replace(leaf, head=leaf.head >> 64 << 64 | len(output))
    arena.claim(batch, [leaf])
    arena.deliver(batch, arena.outputs(batch), ALICE)
    arena.pass_time(60_000)
    arena.finalize(batch)
    reader.call("proved_output", 0, evidence(arena, batch, 0), output)


def _asked(arena: KeptArena, reader: EvmContract) -> PostedJob:
    order = arena.order(policy=POLICY, seed=b"q" * 32)
    reader.transact("ask", astuple(order), PROGRAM, 1, sender=BOB, value=REWARD)
    job_id = arena.jobs.call("job_count")
    work = Work(
        image_root=Bytes32(PROGRAM[0]),
        entry=PROGRAM[1],
        max_cycles=PROGRAM[2],
        input_root=order.input_root,
        input_size=order.input_size,
        seed=order.seed,
        shard_count=1,
    )
    usual: Any = arena.post().terms
    window_seconds = arena.jobs.call("get_job", job_id)[8]
    terms = replace(usual, requester=reader.address.lower(), policy=POLICY, window_seconds=window_seconds)
    digest = Bytes32(arena.jobs.call("job_digests", job_id))
    posted = PostedJob(job_id=job_id, work=work, terms=terms, digest=digest, reward=REWARD)
    arena.posted[job_id] = posted
    return posted


def _supply(reader: EvmContract, kept: str, job: PostedJob, item: MadeItem) -> None:
    named = (astuple(item.named(0)), astuple(item.named(1)))
    parts = (rows(item.parts), rows(item.parts))
    reader.transact("supply", kept, astuple(job.work), astuple(job.terms), *named, *parts, sender=ALICE)
