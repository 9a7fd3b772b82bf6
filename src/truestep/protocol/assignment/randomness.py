"""Seeds out of secrets that were promised before: what Randomness does (docs/assignment.md D2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.contracts import randomness as contract
from truestep.protocol.assignment.contracts.randomness import Commit, Reveal, WithdrawTo
from truestep.protocol.assignment.phases import Phase, Phases
from truestep.protocol.settlement.effects import Transfer
from truestep.protocol.settlement.encoding import encode
from truestep.protocol.settlement.ids import NATIVE, NOBODY
from truestep.protocol.settlement.messages import Message, Stranger
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import with_entry

ZERO_HASH = Bytes32(bytes(32))

Effect = Transfer | contract.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What is kept of a round."""

    commitments: Mapping[Address, Bytes32] = field(default_factory=dict[Address, Bytes32])
    """Those that are not revealed."""
    commit_count: int = 0
    reveal_count: int = 0
    mix: Bytes32 = ZERO_HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomnessLinks:
    """Where Randomness is, and its rules."""

    chain_id: int
    address: Address
    phases: Phases
    bond_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Randomness:
    """All that Randomness keeps."""

    rounds: Mapping[int, Round] = field(default_factory=dict[int, Round])
    credits: Mapping[Address, int] = field(default_factory=dict[Address, int])


def commitment_of(committer: Address, round_number: int, secret: Bytes32) -> Bytes32:
    """What a committer promises: nobody else can promise the same by copying it (D2.1)."""
    return keccak256(encode(committer, round_number, secret))


def commit(
    state: Randomness, message: Message, call: Commit, links: RandomnessLinks
) -> tuple[Randomness, list[Effect]]:
    """Promise a secret, with a bond (D2.1)."""
    number, sender = call.round, message.sender
    found = state.rounds.get(number, Round())
    is_time = number == links.phases.round_at(message.now)
    require(is_time and links.phases.phase_at(message.now) is Phase.COMMIT, Reject.COMMIT_TIME)
    require(call.commitment != ZERO_HASH, Reject.COMMITMENT_OTHER)
    require(sender not in found.commitments, Reject.COMMIT_KNOWN)
    owed, effects = state.credits, list[Effect]()
    if message.value_wei == 0:
        owed_wei = owed.get(sender, 0)
        require(owed_wei >= links.bond_wei, Reject.WRONG_VALUE)
        owed = with_entry(owed, sender, owed_wei - links.bond_wei)
    else:
        require(message.value_wei == links.bond_wei, Reject.WRONG_VALUE)
        effects.append(
            Transfer(asset=NATIVE, sender=sender, receiver=links.address, amount=message.value_wei)
        )
    changed = replace(
        found,
        commitments=with_entry(found.commitments, sender, call.commitment),
        commit_count=found.commit_count + 1,
    )
    effects.append(contract.Committed(round=number, committer=sender, commitment=call.commitment))
    return replace(state, rounds=with_entry(state.rounds, number, changed), credits=owed), effects


def reveal(
    state: Randomness, message: Message, call: Reveal, links: RandomnessLinks, prevrandao: Bytes32
) -> tuple[Randomness, list[Effect]]:
    """Give the secret; the bond is owed again (D2.2)."""
    number, sender = links.phases.round_at(message.now), message.sender
    found = state.rounds.get(number, Round())
    require(links.phases.phase_at(message.now) is Phase.REVEAL, Reject.REVEAL_TIME)
    promised = found.commitments.get(sender)
    require(promised == commitment_of(sender, number, call.secret), Reject.COMMITMENT_OTHER)
    mix = found.mix if found.reveal_count else keccak256(encode(prevrandao, number))
    mixed = int.from_bytes(mix, "big") ^ int.from_bytes(call.secret, "big")
    changed = replace(
        found,
        commitments={who: each for who, each in found.commitments.items() if who != sender},
        reveal_count=found.reveal_count + 1,
        mix=Bytes32(mixed.to_bytes(32, "big")),
    )
    owed_wei = state.credits.get(sender, 0) + links.bond_wei
    event = contract.Revealed(round=number, committer=sender, secret=call.secret, mix=changed.mix)
    rounds = with_entry(state.rounds, number, changed)
    return replace(state, rounds=rounds, credits=with_entry(state.credits, sender, owed_wei)), [event]


def withdraw_to(
    state: Randomness, message: Message, call: WithdrawTo, links: RandomnessLinks
) -> tuple[Randomness, list[Effect]]:
    """Send all that the sender is owed."""
    owed_wei = state.credits.get(message.sender, 0)
    require(call.receiver != NOBODY, Reject.NO_ADDRESS)
    require(owed_wei != 0, Reject.NOTHING_TO_WITHDRAW)
    require(message.stranger is not Stranger.REFUSES, Reject.PAYMENT_REFUSED)
    event = contract.Withdrawn(account=message.sender, receiver=call.receiver, amount_wei=owed_wei)
    transfer = Transfer(asset=NATIVE, sender=links.address, receiver=call.receiver, amount=owed_wei)
    return replace(state, credits=with_entry(state.credits, message.sender, 0)), [event, transfer]


def seed(state: Randomness, round_number: int, now: int, links: RandomnessLinks) -> Bytes32:
    """The seed of a round whose reveals are over, if there were some (D2.3)."""
    _, reveal_ends, _ = links.phases.ends(round_number)
    require(now > reveal_ends, Reject.SEED_EARLY)
    found = _revealed(state, round_number)
    return keccak256(encode(links.chain_id, links.address, round_number, found.mix))


def drawing(state: Randomness, since: int, now: int, links: RandomnessLinks) -> int:
    """The round by whose seed a thing of this time may be drawn now (D2.4)."""
    require(links.phases.phase_at(now) is Phase.DRAW, Reject.DRAW_TIME)
    number = links.phases.round_at(now)
    commit_ends, _, _ = links.phases.ends(number)
    require(since <= commit_ends, Reject.DRAW_LATER)
    _revealed(state, number)
    return number


def _revealed(state: Randomness, round_number: int) -> Round:
    found = state.rounds.get(round_number)
    if found is None or not found.reveal_count:
        raise Refused(Reject.SEED_MISSING)
    return found


Handler = Callable[[Randomness, Message, Any, RandomnessLinks], tuple[Randomness, list[Effect]]]
HANDLERS: Mapping[type, Handler] = {Commit: commit, WithdrawTo: withdraw_to}


def apply_randomness(
    state: Randomness, message: Message, links: RandomnessLinks, prevrandao: Bytes32
) -> tuple[Randomness, tuple[Effect, ...]]:
    """The state after a call of Randomness, and its effects; raises Refused if nothing changes."""
    call = message.call
    require(message.value_wei == 0 or isinstance(call, Commit), Reject.WRONG_VALUE)
    if isinstance(call, Reveal):
        after, effects = reveal(state, message, call, links, prevrandao)
    else:
        after, effects = HANDLERS[type(call)](state, message, call, links)
    return after, tuple(effects)
