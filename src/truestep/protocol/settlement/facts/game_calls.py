"""Calls of challengers, defenders, sponsors and keepers: what concerns games and their ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32, job_of_task
from truestep.commitments.merkle import pair_tree_levels
from truestep.machine.witness import open_float, verify_step
from truestep.protocol.bisection import split_leaves
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.disputes import Proved, commitment_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import (
    Answer,
    Caller,
    Dispute,
    Ready,
    Scope,
    prepared_dispute,
    split_of_game,
)
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafGameId, LeafId, batch_of_claim
from truestep.protocol.settlement.refusals import Refused

Build = Callable[[Game], object]

# --- how games begin ------------------------------------------------------------------------------


def open_game(
    facts: Facts,
    caller: Caller,
    claim_id: LeafId,
    state_hash: Bytes32,
    salt: Bytes32,
    *,
    spare_games: int = 0,
) -> Answer:
    """Challenge a claim, committed to the final state that the caller knows.

    The coins are enough if up to `spare_games` others are opened before; what is not needed is credited.
    """
    batch_id = batch_of_claim(claim_id)
    try:
        proof = leaf_proof(facts, claim_id, Reject.CLAIM_NOT_STANDING)
    except Refused as refused:
        return refused.reason
    batch, known = facts.batches[batch_id].batch, facts.disputes.get(claim_id)
    open_count = spare_games + (known.claim.open_count if known is not None else 0)
    call = disputes.Open(
        claim_id=claim_id,
        terms=batch.terms,
        proof=proof,
        commitment=commitment_of(caller.account, state_hash, salt),
    )
    bond_wei = games.bond_wei(facts.parameters[batch.parameters_id - 1], open_count)
    return prepared_dispute(facts, caller, Dispute(claim_id=claim_id), call, bond_wei)


def refute(facts: Facts, caller: Caller, claim_id: LeafId, packed_state: bytes = b"") -> Answer:
    """Strike a leaf that is false by its shape, or says of this halted state that it runs."""
    try:
        proof = leaf_proof(facts, claim_id, Reject.CLAIM_NOT_STANDING)
    except Refused as refused:
        return refused.reason
    terms = facts.batches[batch_of_claim(claim_id)].batch.terms
    call = disputes.Refute(claim_id=claim_id, terms=terms, proof=proof, packed_state=packed_state)
    return prepared_dispute(facts, caller, Dispute(claim_id=claim_id), call)


def adopt(facts: Facts, caller: Caller, game_id: LeafGameId) -> Answer:
    """Defend a game that the operator has lost on time, with the leaf's bond."""
    game = facts.games.get(game_id)
    value_wei = game.leaf_bond_wei if game is not None else 0

    def build(game: Game) -> disputes.Adopt:
        return disputes.Adopt(game_id=game_id, game=game)

    return _on_game(facts, caller, game_id, build, value_wei=value_wei)


# --- moves ----------------------------------------------------------------------------------------


def split(facts: Facts, caller: Caller, game_id: LeafGameId, inner_hashes: Sequence[Bytes32]) -> Answer:
    """Say the hashes at the boundaries inside the interval of a game (`GameView.numbers`)."""
    game = facts.games.get(game_id)
    if game is None:
        return Reject.GAME_UNKNOWN
    if game.stage != disputes.GameStage.ON_NODE:
        return Reject.GAME_STAGE
    call = disputes.Split(
        claim_id=games.claim_of_game_id(game_id),
        defender=game.defender,
        arity=games.arity_of(game),
        low=game.low,
        high=game.high,
        low_hash=game.low_hash,
        high_hash=game.high_hash,
        hashes=tuple(inner_hashes),
    )
    return prepared_dispute(facts, caller, _dispute(game_id, game), call)


def pick(facts: Facts, caller: Caller, game_id: LeafGameId, part: int) -> Answer:
    """Go on with one part of the defender's split."""
    game = facts.games.get(game_id)
    known = split_of_game(facts, game_id, game) if game is not None else None
    hashes = [game.low_hash, *known.hashes, game.high_hash] if game is not None and known is not None else []

    def build(game: Game) -> disputes.Pick:
        is_part = 0 <= part < len(hashes) - 1
        levels = pair_tree_levels(split_leaves(hashes), games.arity_of(game).bit_length() - 1)
        siblings = tuple(Bytes32(level[part >> height ^ 1]) for height, level in enumerate(levels[:-1]))
        start, end = hashes[part : part + 2] if is_part else (game.low_hash, game.high_hash)
        return disputes.Pick(
            game_id=game_id, game=game, part=part, start=start, end=end, siblings=siblings if is_part else ()
        )

    return _on_game(facts, caller, game_id, build)


def step(facts: Facts, caller: Caller, game_id: LeafGameId, witness: bytes) -> Answer:
    """Execute the one step that is left, and so end the game."""

    def build(game: Game) -> disputes.Step:
        return disputes.Step(game_id=game_id, game=game, witness=witness)

    return _with_witness(facts, caller, game_id, build, lambda: _proved_step(witness))


def descend(facts: Facts, caller: Caller, game_id: LeafGameId, witness: bytes) -> Answer:
    """Go on over the micro-run of the float instruction that is left."""

    def build(game: Game) -> disputes.Descend:
        return disputes.Descend(game_id=game_id, game=game, witness=witness)

    return _with_witness(facts, caller, game_id, build, lambda: _proved_descent(witness))


def reveal(
    facts: Facts, caller: Caller, game_id: LeafGameId, *, after: bytes, cycles: int, memory_root: Bytes32
) -> Answer:
    """Say the state after the float instruction, and how its micro-run ends."""

    def build(game: Game) -> disputes.Reveal:
        return disputes.Reveal(
            game_id=game_id, game=game, after=after, cycles=cycles, memory_root=memory_root
        )

    return _on_game(facts, caller, game_id, build)


def _proved_step(witness: bytes) -> Proved:
    before, after = verify_step(witness)
    return Proved(before=before, after=after)


def _proved_descent(witness: bytes) -> Proved:
    found = open_float(witness)
    return Proved(before=found.before, after=found.micro_start, template=found.template, rd=found.rd)


def _with_witness(
    facts: Facts, caller: Caller, game_id: LeafGameId, build: Build, prove: Callable[[], Proved]
) -> Answer:
    """A call whose witness the step contract judges."""
    try:
        proved, reason = prove(), None
    except Rejected as rejected:
        proved, reason = None, rejected.reason
    answer = _on_game(facts, caller, game_id, build, proved=proved)
    return reason if reason is not None and answer is Reject.STEP_OTHER_STATE else answer


# --- ends -----------------------------------------------------------------------------------------


def settle(facts: Facts, caller: Caller, game_id: LeafGameId) -> Answer:
    """End a game that a clock or the fall of its claim has decided."""
    return _on_game(facts, caller, game_id, lambda game: disputes.Settle(game_id=game_id, game=game))


def show(facts: Facts, caller: Caller, game_id: LeafGameId, state_hash: Bytes32, salt: Bytes32) -> Answer:
    """Show what the challenger of a struck claim committed to."""

    def build(game: Game) -> disputes.Show:
        return disputes.Show(game_id=game_id, game=game, state_hash=state_hash, salt=salt)

    return _on_game(facts, caller, game_id, build)


def reward(facts: Facts, caller: Caller, game_id: LeafGameId) -> Answer:
    """Give a winner its part of the pot, by the task's final claim or because there was none for long."""
    game = facts.games.get(game_id)
    if game is None:
        return Reject.GAME_UNKNOWN
    final_id = facts.results.get(game.task_id)
    without_result = _reward_without_result(facts, caller, game_id, game)
    if final_id is None:
        return without_result
    batch_id = batch_of_claim(final_id)
    call = disputes.Reward(
        game_id=game_id,
        game=game,
        final_id=final_id,
        terms=facts.batches[batch_id].batch.terms,
        proof=leaf_proof(facts, final_id, Reject.OVER),
    )
    scope = Scope(batches=frozenset({batch_id}), jobs=frozenset({job_of_task(game.task_id)}))
    answer = prepared_dispute(facts, caller, replace(_dispute(game_id, game), scope=scope), call)
    return answer if isinstance(answer, Ready) or isinstance(without_result, Reject) else without_result


def _reward_without_result(facts: Facts, caller: Caller, game_id: LeafGameId, game: Game) -> Answer:
    call = disputes.RewardWithoutResult(game_id=game_id, game=game)
    answer = prepared_dispute(facts, caller, _dispute(game_id, game), call)
    if answer not in (Reject.RESULT_AHEAD, Reject.GAME_NOT_WON):
        return answer
    struck_at = facts.disputes[games.claim_of_game_id(game_id)].claim.struck_at
    is_running = caller.now <= struck_at + games.reveal_seconds(game)
    return Reject.SHOW_RUNNING if is_running else Reject.LEAF_NOT_FINAL


def withdraw_bonds(facts: Facts, caller: Caller, receiver: Address) -> Answer:
    """Take what Disputes owes the caller."""
    call = disputes.WithdrawTo(receiver=receiver)
    return prepared_dispute(facts, caller, Dispute(claim_id=LeafId(0)), call)


def _on_game(
    facts: Facts,
    caller: Caller,
    game_id: LeafGameId,
    build: Build,
    *,
    value_wei: int = 0,
    proved: Proved | None = None,
) -> Answer:
    """A call on a game, which states its record."""
    game = facts.games.get(game_id)
    if game is None:
        return Reject.GAME_UNKNOWN
    dispute = replace(_dispute(game_id, game), proved=proved)
    return prepared_dispute(facts, caller, dispute, build(game), value_wei)


def _dispute(game_id: LeafGameId, game: Game) -> Dispute:
    scope = Scope(jobs=frozenset({job_of_task(game.task_id)}))
    return Dispute(claim_id=games.claim_of_game_id(game_id), game_id=game_id, scope=scope)
