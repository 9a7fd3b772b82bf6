"""Secrets are promised in time, revealed late enough and never in silence left behind (D2, D5)."""

from __future__ import annotations

import pytest

from tests.protocol.settlement.world import account
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.randomness import ZERO_HASH, commitment_of
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.draw_calls import CommitSecret, RevealSecret
from truestep.roles.actions import Alert, Send
from truestep.roles.entropy import EntropyView, Settled, decide, rounds_to_read

RULES = DRAW_RULES
OWN = account("21")
ROUND = 1_000
START = ROUND * RULES.phases.round_seconds
EARLY = START + RULES.commit_seconds // 10
REVEAL = START + RULES.commit_seconds
DRAW = REVEAL + RULES.reveal_seconds
BOND_WEI = RULES.entropy_bond_wei


def secret_of(number: int) -> Bytes32:
    return keccak256(b"%d" % number)


PROMISED = commitment_of(OWN, ROUND, secret_of(ROUND))


def seen(
    now: int, on_chain: Bytes32 = ZERO_HASH, *, wallet_wei: int = BOND_WEI, owed_wei: int = 0, **more: object
) -> EntropyView:
    promised = more.get("promised", frozenset({ROUND}))
    return EntropyView(
        now=now,
        account=OWN,
        rules=RULES,
        wallet_wei=wallet_wei,
        owed_wei=owed_wei,
        commitments={ROUND: on_chain},
        promised=promised,  # type: ignore[arg-type]
        secret_of=secret_of,
    )


@pytest.mark.parametrize(("owed_wei", "value_wei"), [(0, BOND_WEI), (BOND_WEI - 1, BOND_WEI), (BOND_WEI, 0)])
def test_a_secret_is_promised_once_with_the_bond_that_is_missing(owed_wei: int, value_wei: int) -> None:
    (send,) = decide(seen(EARLY, owed_wei=owed_wei, promised=frozenset()))
    assert isinstance(send, Send)
    assert send.call == CommitSecret(round_number=ROUND, commitment=PROMISED, value_wei=value_wei)
    assert decide(seen(EARLY, PROMISED)) == []


def test_nothing_is_promised_late_or_without_coins() -> None:
    late = REVEAL - RULES.commit_seconds // 4
    assert isinstance(decide(seen(late - 1, promised=frozenset()))[0], Send)
    assert decide(seen(late, promised=frozenset())) == []
    assert decide(seen(EARLY - 1, promised=frozenset())) == []
    (alert,) = decide(seen(EARLY, wallet_wei=BOND_WEI - 1, promised=frozenset()))
    assert isinstance(alert, Alert)
    assert "expected 0.1 ETH for the bond" in alert.message


def test_a_secret_is_revealed_when_no_block_of_the_commit_phase_can_come() -> None:
    safe = REVEAL + RULES.reveal_seconds // 5
    assert decide(seen(safe - 1, PROMISED)) == []
    (send,) = decide(seen(safe, PROMISED))
    assert isinstance(send, Send)
    assert send.call == RevealSecret(secret=secret_of(ROUND))


def test_a_node_that_is_behind_does_not_end_a_promise() -> None:
    """It may not have seen the promise: only when the round is over is it forgotten."""
    for now in (REVEAL, REVEAL + 100, DRAW, DRAW + 10):
        assert decide(seen(now)) == []
    over = START + RULES.phases.round_seconds
    assert Settled(round_number=ROUND) in decide(seen(over))
    assert rounds_to_read(RULES, DRAW, frozenset({ROUND})) == (ROUND,)
    assert rounds_to_read(RULES, DRAW, frozenset()) == ()
    assert rounds_to_read(RULES, over, frozenset({ROUND})) == (ROUND, ROUND + 1)


def test_nothing_is_told_as_lost_while_a_reveal_may_be_in_a_block_that_was_not_read() -> None:
    assert decide(seen(DRAW, PROMISED)) == decide(seen(DRAW + RULES.draw_seconds - 1, PROMISED)) == []


@pytest.mark.parametrize("now", [DRAW + RULES.draw_seconds, START + 5 * RULES.phases.round_seconds])
def test_a_secret_that_was_not_revealed_is_told(now: int) -> None:
    alert, settled = decide(seen(now, PROMISED))[:2]
    assert isinstance(alert, Alert)
    assert "0.1 ETH is lost" in alert.message
    assert settled == Settled(round_number=ROUND)


def test_a_promise_of_somebody_else_with_the_key_is_told_and_not_revealed() -> None:
    other = commitment_of(OWN, ROUND, Bytes32(b"x" * 32))
    (alert,) = decide(seen(REVEAL + 60, other))
    assert isinstance(alert, Alert)
    assert alert.kind == "entropy_other"
    assert decide(seen(EARLY, other, promised=frozenset())) == [alert]
