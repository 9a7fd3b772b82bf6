"""Whatever the model lets anybody do is among what is due, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.world import KEEPER
from truestep.protocol.settlement.apply import apply
from truestep.protocol.settlement.batches import is_leaf_final, shares
from truestep.protocol.settlement.contracts import disputes, jobs, results
from truestep.protocol.settlement.dispute_apply import apply_dispute, held_by
from truestep.protocol.settlement.disputes import GameMessage
from truestep.protocol.settlement.facts.due import Action, due
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafGameId, batch_of_claim, claim_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.refusals import Refused

COMPARED = (
    Action.EXPIRE,
    Action.FINALIZE,
    Action.FINALIZE_LEAF,
    Action.SETTLE,
    Action.ADOPT,
    Action.WRITE_OUT,
    Action.REWARD,
    Action.CANCEL,
    Action.CALL_BACK,
)


def check_nothing_is_missed(facts: Facts, chain: ModelChain, now: int) -> None:
    """By trying everything on the model."""
    listed = [(each.action, each.subject) for each in due(facts, KEEPER, now)]
    found = {pair for pair in listed if pair[0] in COMPARED}
    assert len(listed) == len(set(listed))
    assert found == {*_of_batches(chain, now), *_of_jobs(chain, now), *_of_games(facts, chain, now)}


def _accepts(chain: ModelChain, now: int, call: object, value_wei: int = 0) -> bool:
    message = Message(sender=KEEPER, now=now, call=call, value_wei=value_wei)
    try:
        if isinstance(call, jobs.Call | results.Call):
            apply(chain.life, message, held_by(chain.disputes))
        else:
            apply_dispute(chain.disputes, chain.life, GameMessage(message=message))
    except Refused:
        return False
    return True


def _of_batches(chain: ModelChain, now: int) -> Iterator[tuple[Action, int]]:
    for batch_id, batch in chain.life.batches.items():
        terms, items = batch.terms, batch.items
        if _accepts(chain, now, jobs.Expire(batch_id=batch_id, terms=terms, items=items)):
            yield Action.EXPIRE, batch_id
        if _accepts(chain, now, jobs.Finalize(batch_id=batch_id, terms=terms, items=items)):
            yield Action.FINALIZE, batch_id
        for leaf_index in range(batch.leaf_count):
            claim_id = claim_of(batch_id, leaf_index)
            if _accepts(chain, now, jobs.FinalizeLeaf(claim_id=claim_id, terms=terms, items=items)):
                yield Action.FINALIZE_LEAF, claim_id
            if is_leaf_final(chain.life, claim_id):
                (share,) = shares(chain.life, batch, 1 << leaf_index)
                if share.task_id not in chain.life.outcomes:
                    yield Action.WRITE_OUT, claim_id


def _of_jobs(chain: ModelChain, now: int) -> Iterator[tuple[Action, int]]:
    for job_id, job in chain.life.jobs.items():
        work, terms = job.work, job.terms
        shards = tuple(range(work.shard_count))
        if _accepts(chain, now, jobs.Cancel(job_id=job_id, work=work, terms=terms, shards=shards)):
            yield Action.CANCEL, job_id
        if _accepts(chain, now, results.CallBack(job_id=job_id, work=work, terms=terms)):
            yield Action.CALL_BACK, job_id


def _of_games(facts: Facts, chain: ModelChain, now: int) -> Iterator[tuple[Action, int]]:
    for game_id, game in chain.disputes.games.items():
        if _accepts(chain, now, disputes.Settle(game_id=game_id, game=game)):
            yield Action.SETTLE, game_id
        if _accepts(chain, now, disputes.Adopt(game_id=game_id, game=game), game.leaf_bond_wei):
            yield Action.ADOPT, game_id
        is_without_result = disputes.RewardWithoutResult(game_id=game_id, game=game)
        if _accepts(chain, now, is_without_result) or _is_won(facts, chain, now, game_id):
            yield Action.REWARD, game_id


def _is_won(facts: Facts, chain: ModelChain, now: int, game_id: LeafGameId) -> bool:
    game = chain.disputes.games[game_id]
    for batch_id, batch in chain.life.batches.items():
        for leaf_index in range(batch.leaf_count):
            final_id = claim_of(batch_id, leaf_index)
            (share,) = shares(chain.life, batch, 1 << leaf_index)
            if share.task_id != game.task_id or not is_leaf_final(chain.life, final_id):
                continue
            if chain.disputes.claims[game_id >> 32].pot_wei == 0:  # type: ignore[index]
                return False
            assert batch_of_claim(final_id) in facts.batches
            proof = leaf_proof(facts, final_id, None)  # type: ignore[arg-type]
            call = disputes.Reward(
                game_id=game_id, game=game, final_id=final_id, terms=batch.terms, proof=proof
            )
            return _accepts(chain, now, call)
    return False
