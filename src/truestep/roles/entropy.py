"""Gives secrets for the seeds of rounds: promises one in each, and never leaves it unrevealed (D2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32
from truestep.base.units import coins
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.assignment.randomness import ZERO_HASH, commitment_of
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.draw_calls import CommitSecret, RevealSecret
from truestep.roles.actions import Alert, Send

LATE_PART = 4
"""No secret is promised in the last quarter of a commit phase: the call could come too late."""
EARLY_PART = 10
"""Nor in its first tenth: the newest block may still be of the round before."""
WAIT_PART = 5
"""None is revealed in the first fifth of a reveal phase: a block of the commit phase could still be published
late, with a promise that was made after the secret was seen (D5.9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyView:
    """What is known of rounds in which this account has promised something, and of the one that runs."""

    now: int
    account: Address
    rules: DrawRules
    wallet_wei: int
    owed_wei: int
    """By Randomness."""
    commitments: Mapping[int, Bytes32]
    """On the chain, by round; zero if there is none, or if it is revealed."""
    promised: frozenset[int]
    """Rounds for which this node has promised a secret, or tried to."""
    secret_of: Callable[[int], Bytes32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A round is over for this node."""

    round_number: int


def rounds_to_read(rules: DrawRules, now: int, promised: frozenset[int]) -> tuple[int, ...]:
    """The rounds of which the commitments are to be read."""
    is_committing = rules.phases.phase_at(now) is Phase.COMMIT
    current = frozenset({rules.phases.round_at(now)}) if is_committing else frozenset[int]()
    return tuple(sorted(promised | current))


def decide(view: EntropyView) -> list[Send | Alert | Settled]:
    """What to promise, to reveal and to say."""
    phases = view.rules.phases
    current, phase = phases.round_at(view.now), phases.phase_at(view.now)
    found: list[Send | Alert | Settled] = []
    for number in sorted(view.promised):
        if number < current:  # not before: a reveal in the phase's last block is read a little later
            found += _over(view, number)
        elif phase is Phase.REVEAL:
            found += _reveal(view, number)
    if phase is Phase.COMMIT:
        on_chain = view.commitments.get(current, ZERO_HASH)
        if on_chain == ZERO_HASH:
            found += _promise(view, current)
        elif on_chain != commitment_of(view.account, current, view.secret_of(current)):
            found.append(_other(view, current))
    return found


def _promise(view: EntropyView, number: int) -> list[Send | Alert | Settled]:
    commit_ends, _, _ = view.rules.phases.ends(number)
    left_seconds, commit_seconds = commit_ends - view.now, view.rules.commit_seconds
    if not commit_seconds // LATE_PART <= left_seconds < commit_seconds - commit_seconds // EARLY_PART:
        return []
    bond_wei = view.rules.entropy_bond_wei
    value_wei = 0 if view.owed_wei >= bond_wei else bond_wei
    if value_wei > view.wallet_wei:
        missing = f"expected {coins(bond_wei)} for the bond of a secret, got {coins(view.wallet_wei)}"
        return [Alert(kind="entropy_coins", message=f"{missing} in the wallet: no secret is promised")]
    commitment = commitment_of(view.account, number, view.secret_of(number))
    return [
        Send(
            intent=f"entropy-commit/{number}",
            call=CommitSecret(round_number=number, commitment=commitment, value_wei=value_wei),
            message=f"promise a secret for the seed of round {number}",
        )
    ]


def _reveal(view: EntropyView, number: int) -> list[Send | Alert | Settled]:
    found, secret = view.commitments.get(number, ZERO_HASH), view.secret_of(number)
    commit_ends, _, _ = view.rules.phases.ends(number)
    if found == ZERO_HASH:  # revealed, or the node is behind and has not seen the promise
        return []
    if found != commitment_of(view.account, number, secret):
        return [_other(view, number)]
    if view.now <= commit_ends + view.rules.reveal_seconds // WAIT_PART:
        return []
    return [
        Send(
            intent=f"entropy-reveal/{number}",
            call=RevealSecret(secret=secret),
            message=f"reveal the secret for the seed of round {number}",
        )
    ]


def _other(view: EntropyView, number: int) -> Alert:
    """Something is promised for a round that this node cannot reveal."""
    return Alert(
        kind="entropy_other",
        message=f"{view.account} has promised a secret for round {number} that this state directory"
        " does not know: another worker gives secrets with the same key, or the directory is not the"
        f" one it was; the bond of {coins(view.rules.entropy_bond_wei)} is lost unless that one reveals it",
    )


def _over(view: EntropyView, number: int) -> list[Send | Alert | Settled]:
    if view.commitments.get(number, ZERO_HASH) == ZERO_HASH:
        return [Settled(round_number=number)]
    message = f"the secret for round {number} was not revealed in time: its bond of"
    message += f" {coins(view.rules.entropy_bond_wei)} is lost. Keep the worker running while it has promised"
    return [Alert(kind=f"entropy_missed/{number}", message=f"{message} one"), Settled(round_number=number)]
