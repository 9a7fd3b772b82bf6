"""Challenges: open an element or publish a blob in time, or lose a share (docs/availability.md A4)."""

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import ELEMENTS_PER_BLOB, versioned_hash
from truestep.commitments.merkle import climb
from truestep.protocol.availability import items, points
from truestep.protocol.availability.contracts.challenges import (
    AnswerBlob,
    AnswerElement,
    Challenge,
    Challenged,
    OpenChallenge,
    Opened,
    Published,
    Settle,
    Settled,
)
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ChallengePlace,
    ItemId,
    unpack_challenge,
)
from truestep.protocol.availability.layout import ELEMENT_END
from truestep.protocol.availability.state import Turn
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import with_entry

OPEN_STEP = 8
"""Bonds double with each so many that are open on an item."""
DOUBLINGS_LIMIT = 6
"""Up to 64 times."""
ZERO_HASH = Bytes32(bytes(32))


def bond_factor(open_count: int) -> int:
    """By what a bond is multiplied while so many are open on the item."""
    return 1 << min(open_count // OPEN_STEP, DOUBLINGS_LIMIT)


def challenge_bond_wei(rules: Rules, kind: int, open_count: int) -> int:
    """What a challenge costs. For blobs it does not rise: a liar could raise it by challenging itself."""
    if kind == ChallengeKind.BLOB:
        return rules.blob_bond_wei
    return rules.element_bond_wei * bond_factor(open_count)


def open_challenge(turn: Turn, call: OpenChallenge) -> None:
    """Ask the keeper of a seat to open an element or to publish a blob, with a bond."""
    rules, contract, message = turn.state.rules, turn.state.deployment.challenges, turn.message
    is_element = call.kind == ChallengeKind.ELEMENT
    require(is_element or call.kind == ChallengeKind.BLOB, Reject.CHALLENGE_KIND)
    is_place = call.blob < call.record.blob_count and call.element < (ELEMENTS_PER_BLOB if is_element else 1)
    require(is_place, Reject.CHALLENGE_ELEMENT)
    keeper, acknowledged_at = items.duty(turn, call.item_id, call.record, call.seat)
    open_count = turn.state.challenge_counts.get(call.item_id, 0)
    bond_wei = challenge_bond_wei(rules, call.kind, open_count)
    require(message.value_wei >= bond_wei, Reject.WRONG_VALUE)
    place = ChallengePlace(
        item_id=call.item_id,
        acknowledged_at=acknowledged_at,
        seat=call.seat,
        kind=call.kind,
        blob=call.blob,
        element=call.element,
    )
    challenge_id = place.pack()
    require(challenge_id not in turn.state.challenges, Reject.CHALLENGE_OPEN)
    turn.receive(contract)
    turn.credit(contract, message.sender, message.value_wei - bond_wei)
    challenge = Challenge(
        challenger=message.sender,
        keeper=keeper,
        hashes_root=call.record.hashes_root,
        bond_wei=bond_wei,
        until=message.now + rules.answer_seconds,
    )
    turn.change(challenges=with_entry(turn.state.challenges, challenge_id, challenge))
    _count(turn, call.item_id, 1)
    turn.emit(Challenged(challenge_id=challenge_id, item_id=call.item_id, keeper=keeper, challenge=challenge))


def answer_element(turn: Turn, call: AnswerElement) -> None:
    """Open the element: the bond goes to the keeper, whoever does it."""
    _answered(turn, call.challenge_id, call.challenge, ChallengeKind.ELEMENT)
    require(call.y < ELEMENT_END, Reject.ELEMENT_TOO_LARGE)
    place = unpack_challenge(call.challenge_id)
    root = climb(versioned_hash(call.commitment), place.blob, call.path)
    require(root == call.challenge.hashes_root, Reject.HASHES_PATH)
    points.check(turn.chain, place.element, call.y, call.commitment, call.proof)
    _count(turn, place.item_id, -1)
    turn.emit(Opened(challenge_id=call.challenge_id, item_id=place.item_id, y=call.y))


def answer_blob(turn: Turn, call: AnswerBlob) -> None:
    """Publish the blob in this transaction: of all these challenges of it."""
    is_matched = len(call.challenge_ids) == len(call.challenges) != 0
    require(is_matched, Reject.CHALLENGE_COUNT)
    hashes = turn.chain.blob_hashes
    sent = hashes[call.index] if call.index < len(hashes) else ZERO_HASH
    require(sent != ZERO_HASH, Reject.BLOB_NOT_SENT)
    blob = unpack_challenge(call.challenge_ids[0]).blob
    root = climb(sent, blob, call.path)
    for challenge_id, challenge in zip(call.challenge_ids, call.challenges, strict=True):
        _answered(turn, challenge_id, challenge, ChallengeKind.BLOB)
        place = unpack_challenge(challenge_id)
        require(place.blob == blob and challenge.hashes_root == root, Reject.HASHES_PATH)
        _count(turn, place.item_id, -1)
        published_at = with_entry(turn.state.published_at, place.item_id, turn.message.now)
        turn.change(published_at=published_at)
        turn.emit(Published(challenge_id=challenge_id, item_id=place.item_id, versioned_hash=sent))


def settle(turn: Turn, call: Settle) -> None:
    """End a challenge that was not answered: the keeper loses a share and its seat, if it still has it."""
    challenge = _checked(turn, call.challenge_id, call.challenge)
    place = unpack_challenge(call.challenge_id)
    is_served = items.is_served(turn, place.item_id, place.seat, place.acknowledged_at)
    require(not is_served or turn.message.now > challenge.until, Reject.ANSWER_RUNNING)
    _remove(turn, call.challenge_id)
    _count(turn, place.item_id, -1)
    turn.credit(turn.state.deployment.challenges, challenge.challenger, challenge.bond_wei)
    turn.emit(Settled(challenge_id=call.challenge_id, item_id=place.item_id, is_slashed=is_served))
    if is_served:
        items.vacate(turn, place.item_id, call.record, place.seat, challenge.challenger)


# --- shared ---------------------------------------------------------------------------------------


def _checked(turn: Turn, challenge_id: ChallengeId, challenge: Challenge) -> Challenge:
    stored = turn.state.challenges.get(challenge_id)
    require(stored is not None, Reject.CHALLENGE_UNKNOWN)
    require(stored == challenge, Reject.CHALLENGE_OTHER)
    return challenge


def _answered(turn: Turn, challenge_id: ChallengeId, challenge: Challenge, kind: ChallengeKind) -> None:
    """Close an answered challenge of this kind."""
    _checked(turn, challenge_id, challenge)
    require(unpack_challenge(challenge_id).kind == kind, Reject.CHALLENGE_KIND)
    require(turn.message.now <= challenge.until, Reject.ANSWER_LATE)
    _remove(turn, challenge_id)
    turn.credit(turn.state.deployment.challenges, challenge.keeper, challenge.bond_wei)


def _remove(turn: Turn, challenge_id: ChallengeId) -> None:
    others = {key: value for key, value in turn.state.challenges.items() if key != challenge_id}
    turn.change(challenges=others)


def _count(turn: Turn, item_id: ItemId, change: int) -> None:
    count = turn.state.challenge_counts.get(item_id, 0) + change
    turn.change(challenge_counts=with_entry(turn.state.challenge_counts, item_id, count))
