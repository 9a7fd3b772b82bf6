"""Who is paid and who pays in an audit, and that pretending does not pay (docs/audits.md U4 to U7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.audits.scene import (
    AUDITORS,
    CLAIMANT,
    EVERY,
    FIRST,
    LIE,
    OTHER_LIE,
    REQUESTER,
    SALT,
    SECOND,
    TRUTH,
    AuditScene,
)
from tests.protocol.audits.world import Pledge
from tests.protocol.settlement.world import KEEPER, START_TIME, Hold
from truestep.base.errors import Reject
from truestep.base.ids import BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Ending, Failure, Seat, Stage
from truestep.protocol.audits.rules import check_rules, copied_gain_bps
from truestep.protocol.audits.statements import checkpoint_numbers, drawn_leaves, seat_thing
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.refusals import Refused

DAY_SECONDS = 86_400


def test_an_auditor_that_has_run_the_task_earns_the_fee() -> None:
    scene = AuditScene()
    claim_id = scene.audited()
    assert scene.audit(claim_id).auditor == FIRST
    scene.commit(claim_id, FIRST, TRUTH)
    scene.state(claim_id)
    scene.reveal(claim_id, TRUTH)
    assert (scene.owed(FIRST), scene.lost(FIRST)) == (scene.fee_wei, 0)
    assert scene.world.audits.batches[BatchId(1)].confirmed == 1


def test_nobody_can_commit_once_the_claimant_has_stated_or_to_the_commitment_of_another() -> None:
    scene = AuditScene()
    claim_id = scene.audited()
    early = scene.statement(claim_id)
    assert scene.refusal(CLAIMANT, early) is Reject.AUDIT_STAGE
    scene.commit(claim_id, FIRST, TRUTH)
    again = audits.Commit(
        claim_id=claim_id, seed=scene.audit(claim_id).seed, seat=Seat.FIRST, commitment=SALT
    )
    assert scene.refusal(FIRST, again) is Reject.AUDIT_STAGE


@pytest.mark.parametrize("answers", [0, 1])
def test_an_absent_auditor_pays_whenever_it_stops(answers: int) -> None:
    scene = AuditScene()
    claim_id = scene.audited()
    if answers:
        scene.commit(claim_id, FIRST, TRUTH)
        scene.state(claim_id)
    scene.now = scene.audit(claim_id).time + 1
    scene.send(KEEPER, audits.Dismiss(claim_id=claim_id))
    assert (scene.owed(FIRST), scene.lost(FIRST)) == (0, scene.penalty_wei)
    assert scene.appoint(claim_id).stage is (Stage.PANEL_COMMIT if answers else Stage.COMMIT)


def test_an_idle_auditor_loses_to_the_second_one() -> None:
    scene = AuditScene()
    scene.panel(scene.contested(first=LIE), TRUTH, LIE, TRUTH)
    assert (scene.owed(FIRST), scene.lost(FIRST)) == (0, scene.penalty_wei)
    assert (scene.owed(SECOND), scene.lost(SECOND)) == (scene.fee_wei, 0)
    assert scene.owed(CLAIMANT) == 0


def test_an_idle_second_auditor_loses_to_the_first_one() -> None:
    scene = AuditScene()
    scene.panel(scene.contested(claimed=LIE, first=TRUTH), TRUTH, TRUTH, LIE)
    assert (scene.owed(FIRST), scene.lost(SECOND)) == (scene.fee_wei, scene.penalty_wei)


def test_a_claimant_that_stands_alone_loses_its_claim_and_pays_both_auditors() -> None:
    scene = AuditScene()
    claim_id = scene.contested(claimed=LIE, first=TRUTH)
    scene.panel(claim_id, OTHER_LIE, TRUTH, TRUTH)
    assert not is_leaf_standing(scene.world.state, claim_id)
    assert scene.owed(FIRST) == scene.owed(SECOND) == scene.fee_wei
    assert scene.world.audits.burned_wei == scene.lost_wei - 2 * scene.fee_wei
    fund = next(iter(scene.world.audits.funds.values()))
    assert fund.left_wei == scene.fee_wei, "the requester pays for no claimant that fails"


def test_a_claimant_that_never_states_loses_its_claim() -> None:
    scene = AuditScene()
    claim_id = scene.audited()
    scene.commit(claim_id, FIRST, TRUTH)
    drop = scene.named(audits.Drop, claim_id)
    assert scene.refusal(KEEPER, drop) is Reject.STAGE_RUNS
    scene.now = scene.audit(claim_id).time + 1
    scene.send(KEEPER, drop)
    assert not is_leaf_standing(scene.world.state, claim_id)
    assert scene.owed(FIRST) == scene.fee_wei


def test_a_claim_of_a_batch_that_was_not_prepared_is_dropped() -> None:
    scene = AuditScene()
    batch_id = scene.claimed(is_prepared=False)
    terms = scene.world.state.batches[batch_id].terms
    scene.new_round()
    assert scene.refusal(KEEPER, audits.Draw(batch_id=batch_id, terms=terms)) is Reject.BATCH_NOT_PREPARED
    scene.send(KEEPER, scene.named(audits.Drop, claim_of(batch_id, 0)))
    assert not is_leaf_standing(scene.world.state, claim_of(batch_id, 0))
    assert scene.world.audits.burned_wei == scene.lost_wei


def test_who_says_nothing_pays_if_no_two_agree() -> None:
    scene = AuditScene()
    claim_id = scene.contested()
    scene.commit(claim_id, CLAIMANT, TRUTH, Seat.CLAIMANT)
    scene.now = scene.audit(claim_id).time + 1
    scene.reveal(claim_id, TRUTH, Seat.CLAIMANT)
    scene.now += 61
    effects = scene.send(KEEPER, scene.named(audits.Judge, claim_id))
    failed = [effect for effect in effects if isinstance(effect, audits.Failed)]
    assert [(each.auditor, each.reason) for each in failed] == [
        (FIRST, Failure.ABSENT),
        (SECOND, Failure.ABSENT),
    ]
    (ended,) = [effect for effect in effects if isinstance(effect, audits.Ended)]
    assert ended.outcome == Ending.UNDECIDED
    assert is_leaf_standing(scene.world.state, claim_id)


# --- pretending -----------------------------------------------------------------------------------


def test_an_auditor_that_copies_what_is_published_loses_on_average() -> None:
    """Whoever copies each statement is caught by the part of them that carries an error (U6.3)."""
    scene, claims = AuditScene(), 60
    copied = trapped = 0
    for number in range(claims):
        claim_id = scene.audited(seed=encode(number))
        statement = scene.early(claim_id)
        scene.send(
            CLAIMANT, audits.Publish(claim_id=claim_id, seed=scene.audit(claim_id).seed, statement=statement)
        )
        auditor = scene.audit(claim_id).auditor
        scene.commit(claim_id, auditor, statement)
        scene.state(claim_id)
        scene.reveal(claim_id, statement)
        trapped += scene.is_trap(claim_id)
        copied += not scene.is_trap(claim_id)
        scene.now += 1
    assert copied + trapped == claims
    assert 0.25 < trapped / claims < 0.55, "trap_bps is 40 %"
    won_wei = scene.owed(FIRST) - scene.lost(FIRST)
    assert won_wei == copied * scene.fee_wei - trapped * scene.penalty_wei
    assert won_wei < -claims * scene.fee_wei // 2
    assert scene.owed(CLAIMANT) == trapped * (scene.penalty_wei // 2), "a bait pays"


def test_a_claimant_cannot_choose_whether_its_statement_carries_the_error() -> None:
    scene = AuditScene()
    claims = [scene.audited(seed=encode(number)) for number in range(12)]
    for claim_id in claims:
        wrong = TRUTH if scene.is_trap(claim_id) else LIE
        scene.send(
            CLAIMANT, audits.Publish(claim_id=claim_id, seed=scene.audit(claim_id).seed, statement=wrong)
        )
        scene.commit(claim_id, scene.audit(claim_id).auditor, TRUTH)
        assert scene.refusal(CLAIMANT, scene.statement(claim_id)) is Reject.STATEMENT_OTHER
    other = replace(scene.statement(claims[0]), salt=SALT)
    assert scene.refusal(CLAIMANT, other) is Reject.TRAPS_PROOF


@pytest.mark.parametrize("trap_bps", [1, 20, 500, 1_000, 5_000])
def test_no_rules_are_taken_under_which_copying_pays(trap_bps: int) -> None:
    for factor in (0, 1, 2, 4, 19, 20, 40, 1_000):
        rules = replace(EVERY, trap_bps=trap_bps, penalty_factor=factor)
        try:
            check_rules(rules)
        except Refused as refused:
            assert refused.reason is Reject.AUDIT_PENALTY
            assert trap_bps * factor < 20_000
        else:
            assert copied_gain_bps(rules) < -10_000


def test_a_lie_is_as_likely_to_be_drawn_in_a_large_batch_as_alone() -> None:
    seeds = [Bytes32(keccak256(encode(number))) for number in range(400)]
    alone = sum(drawn_leaves(seed, 1_000, 1) for seed in seeds)
    last = sum(drawn_leaves(seed, 1_000, 256) >> 255 & 1 for seed in seeds)
    assert 20 <= alone <= 62 and 20 <= last <= 62
    many = sum(drawn_leaves(seed, 1_000, 256).bit_count() for seed in seeds)
    assert abs(many - 400 * 25.6) < 4 * (400 * 25.6 * 0.9) ** 0.5


def test_checkpoints_lie_all_over_the_run_and_shift_with_the_seed() -> None:
    numbers = checkpoint_numbers(Bytes32(encode(12_345)), 10**6, 64)
    assert len({*numbers}) == 64
    assert all(number // 15_625 == part for part, number in enumerate(numbers))
    assert numbers != checkpoint_numbers(Bytes32(encode(12_346)), 10**6, 64)
    assert checkpoint_numbers(SALT, 3, 64) == (0, 1, 2)


# --- what could hold a batch, or empty a fund ----------------------------------------------------


def test_one_window_and_the_time_of_a_draw_is_all_that_a_network_without_draws_delays() -> None:
    scene = AuditScene()
    batch_id = scene.claimed()
    batch = scene.world.state.batches[batch_id]
    finalize = jobs.Finalize(batch_id=batch_id, terms=batch.terms, items=())
    scene.now = batch.until + scene.rules.draw_seconds
    assert scene.refusal(KEEPER, finalize) is Reject.BATCH_NOT_DUE
    scene.now += 1
    scene.send(KEEPER, finalize)


def test_a_claim_whose_audit_runs_waits_and_can_be_challenged() -> None:
    scene = AuditScene(shards=2)
    batch_id = scene.claimed()
    batch = scene.world.state.batches[batch_id]
    scene.now = batch.until
    scene.draw(batch_id)
    audit = scene.appoint(claim_of(batch_id, 0))
    policy = scene.world.state.deployment.policies[batch.policy]
    assert policy.open_until(batch_id, batch.until) > audit.time > batch.until
    scene.now = policy.open_until(batch_id, batch.until) + 1
    finalize = jobs.Finalize(batch_id=batch_id, terms=batch.terms, items=batch.items)
    scene.send(KEEPER, finalize)
    assert scene.world.state.batches[batch_id].held == 0b11


def test_an_auditor_does_not_pay_for_silence_while_the_lie_that_it_found_is_played_out() -> None:
    """The liar's clock is longer than the auditor's time: it could have had every auditor punished."""
    scene = AuditScene()
    claim_id = scene.audited()
    scene.world.play(Hold(batch_id=BatchId(1), mask=1))
    scene.now = scene.audit(claim_id).time + 1
    dismiss = audits.Dismiss(claim_id=claim_id)
    assert scene.refusal(KEEPER, dismiss) is Reject.LEAF_HELD
    scene.world.play(Hold(batch_id=BatchId(1), mask=0))
    scene.send(KEEPER, dismiss)
    assert scene.lost(FIRST) == scene.penalty_wei


def test_no_panel_is_judged_while_a_game_runs() -> None:
    scene = AuditScene()
    claim_id = scene.contested()
    scene.world.play(Hold(batch_id=BatchId(1), mask=1))
    scene.now = scene.audit(claim_id).time + DAY_SECONDS
    judge = scene.named(audits.Judge, claim_id)
    assert scene.refusal(KEEPER, judge) is Reject.LEAF_HELD
    scene.world.play(Hold(batch_id=BatchId(1), mask=0))
    scene.send(KEEPER, judge)
    assert scene.lost(SECOND) == scene.penalty_wei


def test_closing_a_job_brings_back_no_fee_that_a_running_lease_may_need() -> None:
    """Its claim, long after the deadline, would be drawn and never audited."""
    scene = AuditScene()
    batch_id = scene.claimed()
    batch = scene.world.state.batches[batch_id]
    job_id = next(iter(scene.world.state.jobs))
    job = scene.world.state.jobs[job_id]
    stated = {"job_id": job_id, "work": job.work, "terms": job.terms}
    scene.send(REQUESTER, jobs.Close(**stated))
    scene.now += batch.terms.window_seconds + EVERY.draw_seconds + job.terms.lease_seconds
    assert scene.refusal(KEEPER, audits.Refund(**stated)) is Reject.FEES_NEEDED
    scene.now += 1
    scene.send(KEEPER, audits.Refund(**stated))
    assert scene.owed(REQUESTER) == scene.fee_wei


def test_what_no_audit_used_comes_back() -> None:
    scene = AuditScene(shards=3)
    claim_id = scene.audited()
    job = scene.world.state.jobs[next(iter(scene.world.state.jobs))]
    refund = audits.Refund(job_id=next(iter(scene.world.state.jobs)), work=job.work, terms=job.terms)
    assert scene.refusal(KEEPER, refund) is Reject.FEES_NEEDED
    scene.commit(claim_id, FIRST, TRUTH)
    scene.state(claim_id)
    scene.reveal(claim_id, TRUTH)
    scene.now = START_TIME + DAY_SECONDS
    scene.send(KEEPER, refund)
    assert scene.owed(REQUESTER) == 2 * scene.fee_wei


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"max_cycles": 10**11}, Reject.AUDIT_TOO_LONG), ({"max_cycles": 9 * 10**9}, Reject.AUDIT_BOND)],
)
def test_a_job_that_cannot_be_audited_well_is_refused_when_it_is_paid(
    changes: dict[str, int], reason: Reject
) -> None:
    rules = replace(EVERY, load=1 if reason is Reject.AUDIT_BOND else 64)
    with pytest.raises(AssertionError, match=reason.value):
        AuditScene(rules=rules, **changes).claimed()


def test_an_auditor_has_no_more_audits_than_it_may_have_or_can_pay_for() -> None:
    scene = AuditScene(rules=replace(EVERY, load=1), shards=4)
    batch_id = scene.claimed()
    scene.draw(batch_id)
    found = [scene.appoint(claim_of(batch_id, index)).auditor for index in range(3)]
    assert len({*found}) == 3
    last = scene.named(audits.Appoint, claim_of(batch_id, 3))
    assert scene.refusal(KEEPER, last) is Reject.AUDITORS_BUSY
    poor = AuditScene(shards=1)
    for auditor in AUDITORS:
        poor.world.play(Pledge(operator=auditor, amount_wei=poor.penalty_wei - 1 - 10**20))
    batch_id = poor.claimed()
    poor.draw(batch_id)
    assert poor.refusal(KEEPER, poor.named(audits.Appoint, claim_of(batch_id, 0))) is Reject.AUDITORS_BUSY


def test_what_was_audited_once_and_is_final_is_not_audited_or_paid_again() -> None:
    scene = AuditScene()
    claim_id = scene.audited()
    certify = scene.named(audits.Certify, claim_id)
    assert scene.refusal(KEEPER, certify) is Reject.NOT_CONFIRMED
    scene.commit(claim_id, FIRST, TRUTH)
    scene.state(claim_id)
    scene.reveal(claim_id, TRUTH)
    assert scene.refusal(KEEPER, certify) is Reject.LEAF_NOT_FINAL
    batch = scene.world.state.batches[BatchId(1)]
    scene.now = batch.until + 1
    scene.send(KEEPER, jobs.Finalize(batch_id=BatchId(1), terms=batch.terms, items=()))
    scene.send(KEEPER, certify)
    again = scene.claimed()
    scene.draw(again)
    effects = scene.send(KEEPER, scene.named(audits.Appoint, claim_of(again, 0)))
    assert isinstance(effects[-1], audits.Excused)
    assert scene.world.audits.batches[again].pending == 0
    assert scene.world.audits.funds[2].left_wei == scene.fee_wei  # type: ignore[index]


# --- what another chain has said --------------------------------------------------------------------------


def test_words_name_the_appointment_that_they_are_about() -> None:
    """After a reorganisation a claim may have other checkpoints: the truth about the first would be a lie."""
    scene = AuditScene()
    claim_id = scene.audited()
    seed, other = scene.audit(claim_id).seed, keccak256(b"another appointment")
    statement = scene.statement(claim_id)
    published = audits.Publish(claim_id=claim_id, seed=other, statement=scene.early(claim_id))
    committed = audits.Commit(claim_id=claim_id, seed=other, seat=Seat.FIRST, commitment=SALT)
    assert scene.refusal(CLAIMANT, published) is Reject.AUDIT_SEED
    assert scene.refusal(FIRST, committed) is Reject.AUDIT_SEED
    scene.send(FIRST, replace(committed, seed=seed))
    assert scene.refusal(CLAIMANT, replace(statement, seed=other)) is Reject.AUDIT_SEED
    scene.send(CLAIMANT, statement)


def test_an_appointment_is_of_what_the_claim_says() -> None:
    """Of another claim with the same number, another seed: whoever names one names the other."""
    scene = AuditScene()
    claim_id = scene.audited()
    terms = scene.world.state.batches[BatchId(claim_id >> 8)].terms
    said = replace(terms, claims_root=keccak256(terms.claims_root))
    assert seat_thing(claim_id, terms, 0) != seat_thing(claim_id, said, 0)


def test_salts_are_promised_of_the_batch_that_was_meant() -> None:
    scene, refused = AuditScene(), list[Reject | None]()

    def root_of(batch_id: BatchId) -> Bytes32:
        terms = replace(scene.world.state.batches[batch_id].terms, tasks_root=SALT)
        prepare = audits.Prepare(batch_id=batch_id, terms=terms, traps=SALT)
        refused.append(scene.refusal(CLAIMANT, prepare))
        return SALT

    scene.claimed(root_of=root_of)
    assert refused == [Reject.BATCH_TERMS_OTHER]


def test_whoever_has_failed_audits_nothing_of_the_job_any_more() -> None:
    """One that was absent when it was to reveal is not drawn as the second auditor of the same claim."""
    scene = AuditScene()
    claim_id = scene.audited()
    assert scene.audit(claim_id).auditor == FIRST
    scene.commit(claim_id, FIRST, TRUTH)
    scene.state(claim_id)
    scene.now = scene.audit(claim_id).time + 1
    scene.send(KEEPER, audits.Dismiss(claim_id=claim_id))
    assert scene.appoint(claim_id).second == SECOND
    other_id = scene.audited(seed=b"another job")
    assert scene.audit(other_id).auditor == FIRST
