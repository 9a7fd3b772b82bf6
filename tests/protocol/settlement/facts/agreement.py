"""Facts held against the model whose events they were made of."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.settlement.facts.chains import ModelChain
from truestep.base.ids import job_of_task, task_of
from truestep.protocol.settlement.batches import shares
from truestep.protocol.settlement.contracts.disputes import GameStage
from truestep.protocol.settlement.disputes import split_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import kept_split, open_leaves, split_of_game
from truestep.protocol.settlement.facts.retention import final_leaves
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.standing import Counts


def check_agreement(facts: Facts, chain: ModelChain) -> None:
    """What the facts have is what the model has; what they have not is over."""
    _check_accounts(facts, chain)
    _check_batches(facts, chain)
    _check_jobs(facts, chain)
    _check_disputes(facts, chain)


def _check_accounts(facts: Facts, chain: ModelChain) -> None:
    life = chain.life
    assert facts.parameters == life.parameters
    assert facts.programs == life.programs
    assert (facts.stopped_at, facts.stopped_until) == (life.stopped_at, life.stopped_until)
    # What is known of operators, and the allow-list, only the contract is asked for.
    stakes = {key: replace(stake, facts=Counts(), is_listed=False) for key, stake in life.stakes.items()}
    assert facts.stakes == {key: stake for key, stake in stakes.items() if stake.stake_wei}
    assert facts.roles == {key: roles for key, roles in life.roles.items() if roles}
    assert facts.credits == {key: amount for key, amount in life.credits.items() if amount}
    assert facts.bond_credits == {key: wei for key, wei in chain.disputes.credits.items() if wei}


def _check_batches(facts: Facts, chain: ModelChain) -> None:
    assert facts.batch_count == chain.life.batch_count
    for batch_id, batch in chain.life.batches.items():
        known = facts.batches.get(batch_id)
        if known is None:
            assert batch.stage in (BatchStage.OVER, BatchStage.FINAL)
            assert not batch.held
            continue
        assert known.batch == batch
        written = [task for task in chain.life.outcomes if task in _final_tasks(chain, batch_id)]
        assert known.written.bit_count() == len(written)
        assert open_leaves(facts, batch_id) == chain.disputes.held.get(batch_id, 0)


def _final_tasks(chain: ModelChain, batch_id: int) -> set[int]:
    batch = chain.life.batches[batch_id]  # type: ignore[index]
    if batch.stage is not BatchStage.FINAL:
        return set()
    return {share.task_id for share in shares(chain.life, batch, final_leaves(batch))}


def _check_jobs(facts: Facts, chain: ModelChain) -> None:
    life = chain.life
    final = dict.fromkeys(life.jobs, 0)
    for batch_id in life.batches:
        for task_id in _final_tasks(chain, batch_id):
            final[job_of_task(task_id)] |= 1 << (task_id & 2**32 - 1)  # type: ignore[arg-type, index]
    assert facts.job_count == life.job_count
    for job_id, job in life.jobs.items():
        known = facts.jobs.get(job_id)
        if known is None:
            assert final[job_id] | job.refunded == (1 << job.work.shard_count) - 1
            continue
        assert known.job == job
        assert known.final == final[job_id]
        assert known.needed_by >= 0
        for shard in range(job.work.shard_count if known.is_wanted and facts.keeps is None else 0):
            leaf, kept = life.outcomes.get(task_of(job_id, shard)), facts.outcomes.get(task_of(job_id, shard))
            assert (leaf is None) == (kept is None)
            assert (
                leaf is None or kept is None or (leaf.head, leaf.output_root) == (kept.head, kept.output_root)
            )
    assert all(job_of_task(task_id) in facts.jobs for task_id in facts.outcomes)


def _check_disputes(facts: Facts, chain: ModelChain) -> None:
    for game_id, game in chain.disputes.games.items():
        known = facts.games.get(game_id)
        if known is None:
            claim = chain.disputes.claims[claim_of_game_id(game_id)]
            assert game.stage in (GameStage.CLOSED, GameStage.SHOWN)
            assert claim.pot_wei == 0
            continue
        assert known == game
        split, kept = split_of_game(facts, game_id, game), split_of(chain.disputes, game_id, game)
        assert (kept_split(game, split) if split is not None else None) == kept
    assert set(facts.games) <= set(chain.disputes.games)
    for claim_id, dispute in facts.disputes.items():
        assert dispute.claim == chain.disputes.claims[claim_id]
    for key, ordinal in chain.disputes.ordinals.items():
        assert facts.ordinals.get(key) == (ordinal if key[0] in facts.disputes else None)
    for shown, count in chain.disputes.shown.items():
        assert facts.shown.get(shown) == (count if shown[0] in facts.disputes else None)
    for claim_id, claim in chain.disputes.claims.items():
        if claim_id not in facts.disputes:
            batch = chain.life.batches[batch_of_claim(claim_id)]
            has_games = any(claim_of_game_id(game_id) == claim_id for game_id in chain.disputes.games)
            assert claim.pot_wei == 0 or (claim.striker == 0 and not has_games)
            is_struck = claim.struck_at or batch.struck >> leaf_of_claim(claim_id) & 1  # by a policy, too
            assert is_struck or batch.stage is BatchStage.FINAL
    of_splits = {split.claim_id for split in facts.splits.values()} - set(facts.disputes)
    of_batches = {batch_of_claim(claim_id) for claim_id in of_splits}
    assert all(batch_id in facts.batches or batch_id > facts.batch_count for batch_id in of_batches)
    assert set(facts.results) <= set(facts.pots)
