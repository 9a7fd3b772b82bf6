"""How the events of Disputes change the facts."""

from truestep.base.ids import PART_MASK
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.facts import retention
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import KnownSplit, Logged
from truestep.protocol.settlement.ids import LeafId, batch_of_claim
from truestep.protocol.tables import add_to


def opened(draft: Draft, event: disputes.Opened, logged: Logged) -> None:
    """A game on a claim that stands."""
    known = draft.dispute(event.claim_id, event.game.task_id)
    ordinal, open_count = games.ordinal_of(event.game_id), known.claim.open_count + 1
    peak, risen = known.claim.peak, known.claim.risen
    if peak < min(open_count, games.PEAK_LIMIT):
        peak, risen = open_count, (*risen, logged.time) if peak else ()
    changes = {"opened": ordinal, "open_count": open_count, "peak": peak, "risen": risen}
    draft.put_dispute(event.claim_id, known, **changes)
    draft.ordinals.put((event.claim_id, event.challenger), ordinal)
    draft.games.put(event.game_id, event.game)
    add_to(draft.bond_credits, event.challenger, event.credited_wei)


def split_made(draft: Draft, event: disputes.SplitMade, logged: Logged) -> None:
    """A node whose parts are known. Anybody can make one that no game will ever come to.

    One of a batch that nobody has taken yet counts, too (S6.4): an operator can split before it takes, and
    a challenger that did not know the hashes could not pick, and would lose on time.
    """
    is_disputed = draft.disputes.get(event.claim_id) is not None
    is_ahead = draft.batch_count < batch_of_claim(event.claim_id) <= PART_MASK
    if is_disputed or is_ahead or retention.is_leaf_undecided(draft, event.claim_id):
        split = KnownSplit(claim_id=event.claim_id, hashes=event.hashes, time=logged.time)
        draft.splits.put(event.node, split)


def changed(draft: Draft, event: disputes.Moved | disputes.Adopted, logged: Logged) -> None:
    """A game with another record. The first to close after a strike that was no refutation made it."""
    before, known = draft.games.entries[event.game_id], draft.disputes.entries[_claim_of(event)]
    draft.games.put(event.game_id, event.game)
    is_unexplained = known.claim.pot_wei != 0 and known.claim.striker == 0 and not known.claim.by_step
    if event.game.stage == GameStage.CLOSED and is_unexplained:
        striker, by_step = games.ordinal_of(event.game_id), before.stage == GameStage.STEP_DUE
        draft.put_dispute(_claim_of(event), known, striker=striker, by_step=by_step)
        add_to(draft.pots, before.task_id, 1)


def _claim_of(event: disputes.Moved | disputes.Adopted) -> LeafId:
    return games.claim_of_game_id(event.game_id)


def stepped(draft: Draft, event: disputes.Stepped, logged: Logged) -> None:
    """What the chain has found; `Settled` says what comes of it."""


def ended_by_proof(draft: Draft, event: disputes.EndedByProof, logged: Logged) -> None:
    """Its challenger may challenge the claim again; that it has ended, `Settled` says."""
    game = draft.games.entries[event.game_id]
    draft.ordinals.drop((games.claim_of_game_id(event.game_id), game.challenger))


def settled(draft: Draft, event: disputes.Settled, logged: Logged) -> None:
    """A game has ended."""
    game, known = draft.games.entries[event.game_id], draft.disputes.entries[event.claim_id]
    add_to(draft.bond_credits, game.defender, event.defender_wei)
    add_to(draft.bond_credits, game.challenger, event.challenger_wei)
    claim = known.claim
    if event.outcome == GameOutcome.DEFENDER_WON:
        draft.games.drop(event.game_id)
        if claim.struck_at == 0:
            draft.put_dispute(event.claim_id, known, open_count=claim.open_count - 1)
    elif event.outcome == GameOutcome.CHALLENGER_WON:
        pot_wei = claim.pot_wei + game.sponsor_bond_wei - event.burned_wei
        draft.put_dispute(event.claim_id, known, pot_wei=pot_wei)
    retention.drop_dispute_if_over(draft, event.claim_id)


def refuted(draft: Draft, event: disputes.Refuted, logged: Logged) -> None:
    """A claim was struck without a game: what is not burned is the pot of those who have one."""
    add_to(draft.bond_credits, event.caller, event.amount_wei)
    known = draft.disputes.entries[event.claim_id]
    pot_wei = known.claim.pot_wei - event.amount_wei - event.burned_wei
    draft.put_dispute(event.claim_id, known, pot_wei=pot_wei, by_step=True)
    if pot_wei:
        add_to(draft.pots, known.task_id, 1)
    retention.drop_dispute_if_over(draft, event.claim_id)


def shown(draft: Draft, event: disputes.Shown, logged: Logged) -> None:
    """One more that knew this final state."""
    add_to(draft.shown, (event.claim_id, event.state_hash), 1)
    draft.games.put(event.game_id, event.game)


def rewarded(draft: Draft, event: disputes.Rewarded, logged: Logged) -> None:
    """A winner has its part of the pot."""
    game, known = draft.games.entries[event.game_id], draft.disputes.entries[event.claim_id]
    add_to(draft.bond_credits, game.challenger, event.amount_wei)
    claim, part_wei = known.claim, event.amount_wei + event.burned_wei
    # No event says how many winners there are. S2.1: a bond has so many wei that the quotient is exact.
    winners, left_wei = claim.pot_wei // part_wei, claim.pot_wei - part_wei
    is_first = claim.winners == 0
    without_result = draft.results.get(game.task_id) is None if is_first else claim.without_result
    draft.put_dispute(
        event.claim_id, known, pot_wei=left_wei, winners=winners - 1, without_result=without_result
    )
    draft.games.drop(event.game_id)
    if left_wei == 0:
        retention.drop_dispute_if_over(draft, event.claim_id)
        retention.end_pot(draft, game.task_id)


def withdrawn(draft: Draft, event: disputes.Withdrawn, logged: Logged) -> None:
    """Nothing is owed any more."""
    draft.bond_credits.drop(event.account)
