"""Kept.vy: jobs wait for data, batches for outputs, and whoever withholds pays (docs/availability.md A5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.evm import rejects
from tests.contracts.keeping import (
    ACKNOWLEDGE_SECONDS,
    BLOB_BOND_WEI,
    OUTPUT_SECONDS,
    KeptArena,
    input_part,
    output_parts,
    program_part,
)
from tests.contracts.playing import BOND_WEI, CLOCK, LEAF_BOND_WEI, LIAR, RULES, leaf_of
from tests.contracts.runs import FAIL, SUM, falsified_run, run
from tests.contracts.settings import ALICE, GUARDIAN
from tests.contracts.settlement import PostedJob, TakenBatch, leaf_for
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.kept import HOLD_LIMIT_SECONDS

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
OTHER_ROOT = Bytes32(b"o" * 32)


@pytest.fixture
def arena() -> KeptArena:
    return KeptArena()


def claimed(arena: KeptArena, count: int = 1, **order: object) -> tuple[PostedJob, TakenBatch]:
    """A batch of a supplied job whose leaves all have outputs."""
    job, _ = arena.supplied_job(**order)
    batch = arena.take((job, 0, count), operator=LIAR)
    arena.claim(batch, [leaf_for(number, cycle=5) for number in range(count)], sender=LIAR)
    return job, batch


def to_due(arena: KeptArena) -> None:
    """The window is over."""
    arena.pass_time(WINDOW_SECONDS + 1)


# --- supply ---------------------------------------------------------------------------------------


def test_a_job_goes_from_supply_to_its_end(arena: KeptArena) -> None:
    job, item = arena.post_kept()
    with rejects(Reject.JOB_WAITS):
        arena.take((job, 0, 1), operator=LIAR)
    arena.supply(job, item)
    assert arena.kept.call("supplied", job.job_id) == item.item_id << 128 | item.item_id
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, [leaf_for(1)], sender=LIAR)
    outputs = arena.outputs(batch)
    arena.deliver(batch, outputs, LIAR)
    assert arena.kept.call("get_batch", batch.batch_id) == (True, outputs.item_id, 0, 0, 0)
    arena.pass_time(WINDOW_SECONDS)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.pass_time(1)
    arena.finalize(batch)
    assert arena.credit(LIAR) == job.reward


def test_a_requester_cannot_withhold_what_it_promises(arena: KeptArena) -> None:
    """Only items that keepers have taken let a job be taken, and only its own program and input."""
    job, item = arena.post_kept()
    program, given = item.parts
    for state in (ItemState.REGISTERED, ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED):
        with rejects(Reject.DATA_NOT_KEPT):
            arena.supply(job, arena.item(program, given, state=state))
    for wrong in (replace(program, root=OTHER_ROOT), replace(program, depth=24)):
        with rejects(Reject.PART_OTHER_ROOT):
            arena.supply(job, arena.item(wrong, given))
    for wrong in (replace(given, root=OTHER_ROOT), replace(given, depth=26)):
        with rejects(Reject.PART_OTHER_ROOT):
            arena.supply(job, arena.item(program, wrong))
    with rejects(Reject.PART_UNKNOWN):
        arena.supply(job, arena.item(program))
    arena.supply(job, arena.item(program), arena.item(given))
    with rejects(Reject.JOB_READY):
        arena.supply(job, item)


def test_only_the_requester_supplies(arena: KeptArena) -> None:
    """Others could name an item with few keepers, who are their friends."""
    job, item = arena.post_kept()
    with rejects(Reject.NOT_REQUESTER):
        arena.supply(job, item, sender=ALICE)
    other = arena.post_runs()
    with rejects(Reject.NOT_POLICY):  # under policy 1
        arena.supply(other, arena.item(program_part(other), input_part(other)))
    stranger = replace(job, terms=replace(job.terms, requester=ALICE))
    with rejects(Reject.JOB_OTHER):
        arena.supply(stranger, item, sender=ALICE)


def test_an_item_lasts_until_the_last_game_on_the_job_is_over(arena: KeptArena) -> None:
    job = arena.post_runs(policy=2)
    last = arena.jobs.call("deadlines", job.job_id) + WINDOW_SECONDS + HOLD_LIMIT_SECONDS + 8 * CLOCK
    early = arena.item(program_part(job), input_part(job), until=last - 1)
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.supply(job, early)
    arena.supply(job, arena.item(program_part(job), input_part(job), until=last))


def test_the_bond_of_a_lie_pays_for_all_blobs_that_a_challenger_may_need(arena: KeptArena) -> None:
    job = arena.post_runs(policy=2)
    covered = LEAF_BOND_WEI * RULES.winner_share_bps // 10_000 // BLOB_BOND_WEI
    program = arena.item(program_part(job), blob_count=covered - 1)
    with rejects(Reject.DATA_BOND):
        arena.supply(job, program, arena.item(input_part(job), blob_count=2))
    arena.supply(job, program, arena.item(input_part(job), blob_count=1))


def test_an_item_is_named_by_all_that_it_is(arena: KeptArena) -> None:
    """After a reorganisation its number may be that of another one (S1.9)."""
    job, item = arena.post_kept()
    other = arena.item(program_part(job), input_part(job), blob_count=3)
    with rejects(Reject.RECORD_OTHER):
        arena.supply(job, replace(item, item_id=other.item_id))
    with rejects(Reject.PARTS_OTHER):
        arena.supply(job, replace(item, parts=item.parts[::-1]))
    with rejects(Reject.RECORD_OTHER):
        arena.supply(job, replace(item, item_id=99))
    _, batch = claimed(arena)
    outputs = arena.outputs(batch)
    with rejects(Reject.RECORD_OTHER):
        arena.deliver(batch, replace(outputs, item_id=other.item_id), LIAR)
    with rejects(Reject.PARTS_OTHER):
        arena.deliver(batch, outputs, LIAR, parts=output_parts([leaf_for(7)]))


# --- deliver --------------------------------------------------------------------------------------


def test_the_operator_delivers_what_it_has_claimed(arena: KeptArena) -> None:
    _, batch = claimed(arena, 3)
    outputs = arena.outputs(batch)
    with rejects(Reject.NO_ROLE):
        arena.deliver(batch, outputs, ALICE)
    arena.operators.transact("set_delegate", ALICE, 1 | 4, sender=LIAR)
    with rejects(Reject.NO_ROLE):
        arena.deliver(batch, outputs, ALICE)
    for places in (b"\0\0\0", b"\0\1\1"):
        with rejects(Reject.PART_OTHER_ROOT):
            arena.deliver(batch, outputs, LIAR, places=places)
    for places in (b"\0\1", b"\0\1\3"):
        with rejects(Reject.PART_UNKNOWN):
            arena.deliver(batch, outputs, LIAR, places=places)
    with rejects(Reject.PART_UNKNOWN):
        arena.deliver(batch, None, LIAR)
    with rejects(Reject.PARTS_OTHER):  # no item, and parts that nobody has registered
        arena.deliver(batch, None, LIAR, parts=outputs.parts)
    for leaves in ([], batch.leaves[:2], batch.leaves[::-1], [*batch.leaves, batch.leaves[0]]):
        with rejects(Reject.LEAF_PROOF):
            arena.deliver(replace(batch, leaves=leaves), outputs, LIAR)
    for state in (ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED):
        with rejects(Reject.DATA_STATE):
            arena.deliver(batch, arena.outputs(batch, state), LIAR)
    window_end = arena.batch(batch.batch_id).until
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.deliver(batch, arena.outputs(batch, until=window_end + OUTPUT_SECONDS - 1), LIAR)
    arena.operators.transact("set_delegate", ALICE, 2, sender=LIAR)
    arena.deliver(batch, arena.outputs(batch, until=window_end + OUTPUT_SECONDS), ALICE)


def test_outputs_are_replaced_while_they_are_not_kept(arena: KeptArena) -> None:
    _, batch = claimed(arena)
    first, second = arena.outputs(batch, ItemState.REGISTERED), arena.outputs(batch, ItemState.REGISTERED)
    arena.deliver(batch, first, LIAR)
    arena.deliver(batch, second, LIAR)
    to_due(arena)
    arena.put(first, ItemState.KEPT)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.put(second, ItemState.KEPT)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.deliver(batch, first, LIAR)
    arena.finalize(batch)
    with rejects(Reject.BATCH_STAGE):
        arena.deliver(batch, first, LIAR)


def test_equal_outputs_are_one_part_and_leaves_without_output_are_none(arena: KeptArena) -> None:
    job, _ = arena.supplied_job(shard_count=5)
    batch = arena.take((job, 0, 5), operator=LIAR)
    same = leaf_for(1).output_root
    leaves = [leaf_for(1), leaf_for(2, output_root=same), leaf_for(3, output_size=0)]
    leaves += [leaf_for(4, code=1), leaf_for(5, status=2)]
    arena.claim(batch, leaves, sender=LIAR)
    arena.deliver(batch, arena.item(*output_parts(leaves[:1])), LIAR, places=bytes(5))
    to_due(arena)
    arena.finalize(batch)


def test_a_batch_without_outputs_needs_no_item(arena: KeptArena) -> None:
    job, _ = arena.supplied_job(words=FAIL)
    batch = arena.claim_runs(run(FAIL), job=job)
    to_due(arena)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.deliver(batch, None, LIAR)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.deliver(batch, None, LIAR)
    arena.pass_time(ACKNOWLEDGE_SECONDS)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.finalize(batch)


def test_a_struck_leaf_needs_no_output(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, LIE, job=job)
    play = arena.open(batch, LIE, TRUTH, leaf_index=1)
    play.strike()
    assert leaf_of(TRUTH).head & 2**64 - 1 != 0
    arena.deliver(batch, arena.item(*output_parts([leaf_of(TRUTH)])), LIAR, places=b"\0")
    to_due(arena)
    arena.finalize(batch)


# --- links ----------------------------------------------------------------------------------------


def test_batches_under_other_policies_are_none_of_its_business(arena: KeptArena) -> None:
    other = arena.double("QuorumDouble")
    arena.by_owner(arena.assurances, "add", other.address, 3)
    for policy in (1, 3):
        _refuses(arena, arena.claim_runs(TRUTH, job=arena.post_runs(policy=policy)))


def _refuses(arena: KeptArena, batch: TakenBatch) -> None:
    item = arena.outputs(batch)
    for call in (
        lambda: arena.deliver(batch, item, LIAR),
        lambda: arena.fail(batch),
        lambda: arena.hold(batch, arena.challenge(item), BOND_WEI),
    ):
        with rejects(Reject.POLICY_OTHER):
            call()


def test_terms_of_another_batch_are_refused(arena: KeptArena) -> None:
    _, batch = claimed(arena)
    _, other = claimed(arena)
    wrong = replace(batch, terms=replace(other.terms, reward=5))
    for call in (lambda: arena.deliver(wrong, None, LIAR), lambda: arena.fail(wrong)):
        with rejects(Reject.BATCH_TERMS_OTHER):
            call()


def test_nothing_fails_while_ends_are_stopped(arena: KeptArena) -> None:
    _, batch = claimed(arena)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS + 1)
    arena.assurances.transact("stop", 60, sender=GUARDIAN)
    with rejects(Reject.FINALIZE_STOPPED):
        arena.fail(batch)
    arena.pass_time(61)
    arena.fail(batch)


def test_contracts_belong_together(arena: KeptArena) -> None:
    links = [arena.assurances.address, *[arena.availability.address] * 3]
    other = arena.double("AvailabilityDouble", 1, 1, 1)
    for place in range(4):
        with rejects(Reject.NO_CONTRACT):
            arena.deploy("Kept", *links[:place], ALICE, *links[place + 1 :])
    for place in (1, 3):
        with rejects(Reject.WIRING):
            arena.deploy("Kept", *links[:place], other.address, *links[place + 1 :])
    with rejects(Reject.NOT_ASSURANCES):
        arena.evm.send(ALICE, arena.kept.address, b"", 1)
    assert arena.kept.call("must_wait")


def test_a_reducer_is_supplied_once_it_is_fed(arena: KeptArena) -> None:
    source, _ = arena.supplied_job(shard_count=1)
    reducer = arena.post_runs(
        policy=2, reducer_of=source.job_id << 8 | 3, input_root=source.digest, input_size=0, shard_count=1
    )
    with rejects(Reject.JOB_WAITS):
        arena.supply(reducer, arena.item(program_part(reducer), input_part(reducer)))
