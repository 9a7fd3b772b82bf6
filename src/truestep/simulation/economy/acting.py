"""How what a role has decided is carried out: its call becomes the contracts' call."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import groupby

from truestep.base import ids
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol import calls
from truestep.protocol.bisection import part_siblings
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes, jobs
from truestep.protocol.settlement.disputes import Proved, commitment_of
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.facts.leaves import leaf_at, leaf_of_state, words_of
from truestep.protocol.settlement.facts.rehearsal import node_of_game
from truestep.protocol.settlement.games import SPARE_GAMES
from truestep.protocol.settlement.ids import (
    NATIVE,
    Item,
    LeafGameId,
    LeafId,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.records import LeafProof
from truestep.protocol.settlement.trees import item_leaf, path_in, tasks_root
from truestep.simulation.economy.chain import Chain
from truestep.simulation.economy.sight import leaf_game_of

PROOFS_KEPT = 2**9
"""Proofs of parts: challengers of one lie pick the same part of the same split."""
Made = tuple[object, int, Proved | None]
"""A call of a contract, the coins to send with it, and what the step contract will say."""
Truth = Callable[[TaskId, int], Bytes32]
"""The hash of a state of a task's true run."""


def contract_call(chain: Chain, sender: Address, call: object, truth: Truth) -> Made | None:
    """The contracts' call of what a role wants; None if its subject is gone."""
    return _MAKERS[type(call)](chain, sender, call, truth)


def items_for(tasks: Iterable[TaskId]) -> tuple[Item, ...]:
    """Tasks as ranges of neighbours."""
    found: list[Item] = []
    offset = 0
    for _, run in groupby(enumerate(tasks), key=lambda entry: entry[1] - entry[0]):
        group = [task_id for _, task_id in run]
        first = group[0]
        found.append(
            Item(
                job_id=ids.job_of_task(first),
                first_shard=ids.shard_of_task(first),
                count=len(group),
                offset=offset,
            )
        )
        offset += len(group)
    return tuple(found)


def leaf_proof(chain: Chain, leaf_id: LeafId) -> LeafProof:
    """That a leaf is in its batch."""
    batch_id, leaf_index = batch_of_claim(leaf_id), leaf_of_claim(leaf_id)
    items = chain.life.batches[batch_id].items
    words = b"".join(chain.leaves[batch_id])
    leaves = [leaf_at(words, index) for index in range(len(chain.tasks[batch_id]))]
    unpacked = [unpack_item(packed) for packed in items]
    index = next(place for place, item in enumerate(unpacked) if item.has_leaf(leaf_index))
    job = chain.life.jobs[unpacked[index].job_id]
    nodes = [item_leaf(packed, chain.life.jobs[unpack_item(packed).job_id].digest) for packed in items]
    return LeafProof(
        item=items[index],
        item_index=index,
        item_path=path_in(nodes, index),
        work=job.work,
        job_terms=job.terms,
        leaf=leaves[leaf_index],
        leaf_path=path_in([hash_struct(leaf) for leaf in leaves], leaf_index),
    )


# --- batches --------------------------------------------------------------------------------------


def _take(chain: Chain, sender: Address, call: calls.TakeTasks, truth: Truth) -> Made:
    items = items_for(call.tasks)
    found = [(item.pack(), chain.life.jobs[item.job_id]) for item in items]
    made = jobs.Take(
        operator=call.operator,
        items=tuple(packed for packed, _ in found),
        tasks_root=tasks_root((packed, job.digest) for packed, job in found),
        min_reward=sum(job.reward * item.count for (_, job), item in zip(found, items, strict=True)),
        min_until=0,
    )
    return made, 0, None


def _claim(chain: Chain, sender: Address, call: calls.SubmitClaims, truth: Truth) -> Made:
    stated = dict(call.claims)
    words = words_of([leaf_of_state(stated[task_id]) for task_id in chain.tasks[call.batch_id]])
    terms = chain.life.batches[call.batch_id].terms
    return jobs.Claim(batch_id=call.batch_id, terms=terms, leaves=words), 0, None


def _end(kind: type) -> Callable[[Chain, Address, calls.ExpireBatch, Truth], Made]:
    def make(chain: Chain, sender: Address, call: calls.ExpireBatch, truth: Truth) -> Made:
        batch = chain.life.batches[call.batch_id]
        return kind(batch_id=call.batch_id, terms=batch.terms, items=batch.items), 0, None

    return make


def _finalize_leaf(chain: Chain, sender: Address, call: calls.FinalizeClaim, truth: Truth) -> Made:
    batch_id = ids.batch_of_claim(call.claim_id)
    leaf_id = chain.leaf_of(batch_id, ids.task_of_claim(call.claim_id))
    batch = chain.life.batches[batch_id]
    return jobs.FinalizeLeaf(claim_id=leaf_id, terms=batch.terms, items=batch.items), 0, None


def _withdraw(chain: Chain, sender: Address, call: calls.WithdrawRewards, truth: Truth) -> Made:
    return jobs.Withdraw(asset=NATIVE, receiver=sender), 0, None


def _withdraw_winnings(chain: Chain, sender: Address, call: calls.WithdrawWinnings, truth: Truth) -> Made:
    return disputes.WithdrawTo(receiver=sender), 0, None


# --- games ----------------------------------------------------------------------------------------


def _open(chain: Chain, sender: Address, call: calls.OpenGame, truth: Truth) -> Made | None:
    batch_id = ids.batch_of_claim(call.claim_id)
    leaf_id = chain.leaf_of(batch_id, ids.task_of_claim(call.claim_id))
    if batch_id not in chain.leaves:
        return None
    challenged = chain.games.claims.get(leaf_id)
    count = challenged.open_count if challenged is not None else 0
    spare = SPARE_GAMES if call.has_spare_coins else 0
    made = disputes.Open(
        claim_id=leaf_id,
        terms=chain.life.batches[batch_id].terms,
        proof=leaf_proof(chain, leaf_id),
        commitment=commitment_of(sender, call.state_hash, call.salt),
    )
    return made, games.bond_wei(chain.rules, count + spare), None


def _split(chain: Chain, sender: Address, call: calls.SubmitSplit, truth: Truth) -> Made | None:
    game_id = leaf_game_of(chain, call.game_id)
    game = chain.games.games.get(game_id)
    if game is None:
        return None
    made = disputes.Split(
        claim_id=LeafId(game_id >> ids.PART_BITS),
        defender=game.defender,
        arity=games.arity_of(game),
        low=call.low,
        high=call.high,
        low_hash=game.low_hash,
        high_hash=game.high_hash,
        hashes=call.hashes,
    )
    return made, 0, None


@lru_cache(maxsize=PROOFS_KEPT)
def _siblings(hashes: tuple[Bytes32, ...], arity: int, part: int) -> tuple[Bytes32, ...]:
    return tuple(Bytes32(each) for each in part_siblings(hashes, arity, part))


def pick_of(chain: Chain, game_id: LeafGameId, part: int) -> Made | None:
    """A pick of a part; None if the game's node is not split."""
    game = chain.games.games.get(game_id)
    node = node_of_game(game_id, game) if game is not None else None
    if game is None or node is None or node not in chain.splits:
        return None
    hashes = (game.low_hash, *chain.splits[node], game.high_hash)
    siblings = _siblings(hashes, games.arity_of(game), part)
    start, end = hashes[part], hashes[part + 1]
    made = disputes.Pick(game_id=game_id, game=game, part=part, start=start, end=end, siblings=siblings)
    return made, 0, None


def _pick(chain: Chain, sender: Address, call: calls.SubmitPick, truth: Truth) -> Made | None:
    return pick_of(chain, leaf_game_of(chain, call.game_id), call.part)


def step_of(chain: Chain, game_id: LeafGameId, truth: Truth) -> Made | None:
    """The last step, as the machine executes it."""
    game = chain.games.games.get(game_id)
    if game is None:
        return None
    proved = Proved(before=truth(game.task_id, game.low), after=truth(game.task_id, game.low + 1))
    return disputes.Step(game_id=game_id, game=game, witness=b""), 0, proved


def _step(chain: Chain, sender: Address, call: calls.SubmitStep, truth: Truth) -> Made | None:
    return step_of(chain, leaf_game_of(chain, call.game_id), truth)


def _settle(chain: Chain, sender: Address, call: calls.SettleGame, truth: Truth) -> Made | None:
    game_id = leaf_game_of(chain, call.game_id)
    game = chain.games.games.get(game_id)
    return None if game is None else (disputes.Settle(game_id=game_id, game=game), 0, None)


def _show(chain: Chain, sender: Address, call: calls.ShowGame, truth: Truth) -> Made | None:
    game_id = leaf_game_of(chain, call.game_id)
    game = chain.games.games.get(game_id)
    if game is None:
        return None
    made = disputes.Show(game_id=game_id, game=game, state_hash=call.state_hash, salt=call.salt)
    return made, 0, None


def reward_of(chain: Chain, game_id: LeafGameId, final_id: LeafId) -> Made | None:
    """The reward of a game on a fallen claim, by the claim that is final."""
    game = chain.games.games.get(game_id)
    if game is None:
        return None
    terms = chain.life.batches[BatchId(batch_of_claim(final_id))].terms
    proof = leaf_proof(chain, final_id)
    return (
        disputes.Reward(game_id=game_id, game=game, final_id=final_id, terms=terms, proof=proof),
        0,
        None,
    )


_MAKERS: Mapping[type, Callable[..., Made | None]] = {
    calls.TakeTasks: _take,
    calls.SubmitClaims: _claim,
    calls.ExpireBatch: _end(jobs.Expire),
    calls.ReleaseBatch: _end(jobs.Release),
    calls.FinalizeBatch: _end(jobs.Finalize),
    calls.FinalizeClaim: _finalize_leaf,
    calls.WithdrawRewards: _withdraw,
    calls.WithdrawWinnings: _withdraw_winnings,
    calls.OpenGame: _open,
    calls.SubmitSplit: _split,
    calls.SubmitPick: _pick,
    calls.SubmitStep: _step,
    calls.SettleGame: _settle,
    calls.ShowGame: _show,
}
