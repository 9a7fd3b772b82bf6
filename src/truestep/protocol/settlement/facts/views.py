"""What the facts say of a claim or a game, as players need it."""

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32, TaskId
from truestep.base.records import record
from truestep.protocol.bisection import Interval
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome, GameStage
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.facts.judging import ends_game
from truestep.protocol.settlement.facts.leaves import leaf_at, leaves_in, state_of_leaf
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.facts.rehearsal import split_of_game, timed_split
from truestep.protocol.settlement.ids import (
    Item,
    LeafGameId,
    LeafId,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.records import BatchStage, Leaf, LeafProof, Work
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.trees import item_leaf, path_in


@record
class ClaimView:
    """What a claim says, of which task and work."""

    claim_id: LeafId
    task_id: TaskId
    work: Work
    leaf: Leaf
    state: ClaimedState | None
    """None if the leaf is false by its shape: then it can be refuted (S5.4). A true claim has the state that
    one computes oneself; its hash is not enough, for a leaf may say of a halted state that it runs."""

    @property
    def state_hash(self) -> Bytes32 | None:
        """The hash of the claimed state, if it has one: what a game on the claim begins with."""
        return self.state.state_hash() if self.state is not None else None


def claim_view(facts: Facts, claim_id: LeafId) -> ClaimView | None:
    """What a claim says; None for one that was not made yet, is struck, or is over."""
    found = _claimed_leaf(facts, claim_id)
    if found is None:
        return None
    known, _, item = found
    leaf_index = leaf_of_claim(claim_id)
    if known.batch.struck >> leaf_index & 1:
        return None
    task_id, work = item.task(leaf_index), facts.jobs[item.job_id].job.work
    leaf = leaf_at(known.leaves, leaf_index)
    state = state_of_leaf(task_id, work, leaf)
    return ClaimView(claim_id=claim_id, task_id=task_id, work=work, leaf=leaf, state=state)


def leaf_proof(facts: Facts, claim_id: LeafId, otherwise: Reject) -> LeafProof:
    """That a leaf is in its batch, and of which task it is: what consumers need of final leaves (S10.1).

    Refuses a leaf that is not known with the reason that is given.
    """
    found = _claimed_leaf(facts, claim_id)
    if found is None:
        raise Refused(otherwise)
    known, item_index, item = found
    items, leaf_index = known.batch.items, leaf_of_claim(claim_id)
    nodes = [item_leaf(packed, facts.jobs[unpack_item(packed).job_id].job.digest) for packed in items]
    job = facts.jobs[item.job_id].job
    leaves = leaves_in(known)
    return LeafProof(
        item=items[item_index],
        item_index=item_index,
        item_path=path_in(nodes, item_index),
        work=job.work,
        job_terms=job.terms,
        leaf=leaves[leaf_index],
        leaf_path=path_in([hash_struct(leaf) for leaf in leaves], leaf_index),
    )


def _claimed_leaf(facts: Facts, claim_id: LeafId) -> tuple[KnownBatch, int, Item] | None:
    """The batch of a leaf that was claimed, and the item that holds it."""
    known, leaf_index = facts.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if known is None or known.batch.stage is BatchStage.TAKEN:
        return None
    for index, item in enumerate(map(unpack_item, known.batch.items)):
        if item.has_leaf(leaf_index):
            return known, index, item
    return None


# --- games ----------------------------------------------------------------------------------------


@record
class GameView:
    """A game, what it stands on, and whose move it is."""

    game_id: LeafGameId
    game: Game
    is_claim_struck: bool
    numbers: tuple[int, ...]
    """ON_NODE: the state numbers at the boundaries of the parts; else the two ends."""
    hashes: tuple[Bytes32, ...] | None
    """ON_NODE: the defender's hashes at these numbers, once it has split; else those of the ends."""
    outcome: GameOutcome
    """As `settle` would judge it now."""
    is_defender_due: bool
    """Whether the defender's clock runs; else the challenger's does."""
    last_second: int
    """In which whoever is due can make its move."""
    rescue_end: int | None
    """The last second in which a sponsor can adopt the game; None if nobody can."""


def game_view(facts: Facts, game_id: LeafGameId, now: int) -> GameView | None:
    """A game that has not ended; None for others."""
    game = facts.games.get(game_id)
    if game is None or game.stage in (GameStage.CLOSED, GameStage.SHOWN):
        return None
    claim = facts.disputes[games.claim_of_game_id(game_id)].claim
    known = split_of_game(facts, game_id, game)
    split = timed_split(known) if known is not None else None
    is_defender_due = game.stage != GameStage.STEP_DUE and split is None
    last_second = games.last_second(game, claim)
    rescue_end = None
    if game.stage != GameStage.STEP_DUE and games.is_defender_late(game, split, claim, now):
        can_adopt = game.sponsor_bond_wei == 0 and claim.struck_at == 0
        rescue_end = games.rescue_end(game, claim) if can_adopt else None
    if not is_defender_due:
        since = max(game.moved_at, split.at) if split is not None else game.moved_at
        last_second = since + games.clock_seconds(game) - game.challenger_used_seconds
    ends = (game.low_hash, game.high_hash)
    inner = known.hashes if known is not None else ()
    is_known = game.stage != GameStage.ON_NODE or known is not None
    return GameView(
        game_id=game_id,
        game=game,
        is_claim_struck=claim.struck_at != 0,
        numbers=numbers_of(game),
        hashes=(ends[0], *inner, ends[1]) if is_known else None,
        outcome=_outcome(facts, game_id, games.outcome_of(game, split, claim, now), now),
        is_defender_due=is_defender_due,
        last_second=last_second,
        rescue_end=rescue_end,
    )


def _outcome(facts: Facts, game_id: LeafGameId, outcome: GameOutcome, now: int) -> GameOutcome:
    """A proof ends a game that nothing else has decided (S7.1)."""
    is_running = outcome is GameOutcome.UNDECIDED
    return GameOutcome.DEFENDER_WON if is_running and ends_game(facts, game_id, now) else outcome


def numbers_of(game: Game) -> tuple[int, ...]:
    """The state numbers at the boundaries of the parts of a game's interval."""
    if game.stage != GameStage.ON_NODE:
        return (game.low, game.high)
    return tuple(Interval(low=game.low, high=game.high).boundaries(games.arity_of(game)))
