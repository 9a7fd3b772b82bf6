"""Timelock.vy: what may change changes in public and late (docs/protocol.md S2.4)."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from tests.contracts.compiled import message_of
from tests.contracts.evm import EvmContract, Reverted, rejects
from tests.contracts.settings import (
    ALICE,
    BOB,
    DAY_SECONDS,
    GUARDIAN,
    NOBODY,
    PROPOSER,
    Clock,
    Values,
)
from truestep.base.errors import Reject

SALT = bytes(31) + b"\1"
DUE_SECONDS = 14 * DAY_SECONDS


class Stage:
    """A timelock that owns a set of parameters, and one action that is good."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.timelock = self.clock.timelock()
        self.parameters = self.clock.deploy("Parameters", self.timelock.address, Values().row)
        self.action = (
            self.parameters.address,
            message_of(self.parameters, "add", Values(arity=8).row, 2),
            SALT,
        )

    def announce(self, *action: object) -> bytes:
        return self.timelock.transact("announce", *(action or self.action), sender=PROPOSER).result

    def execute(self, *action: object) -> None:
        self.timelock.transact("execute", *(action or self.action), sender=ALICE)

    def own(self, function: str, *arguments: bytes) -> tuple[str, bytes, bytes]:
        """An action on the timelock itself."""
        return self.timelock.address, keccak(text=function)[:4] + b"".join(arguments), SALT


def word(value: str | int) -> bytes:
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_an_action_waits_for_its_delay_and_goes_stale(stage: Stage) -> None:
    stage.announce()
    stage.clock.pass_time(DAY_SECONDS - 1)
    with rejects(Reject.ACTION_EARLY):
        stage.execute()
    stage.clock.pass_time(1 + DUE_SECONDS)
    stage.execute()
    assert stage.parameters.call("count") == 2


def test_a_stale_action_is_refused(stage: Stage) -> None:
    stage.announce()
    stage.clock.pass_time(DAY_SECONDS + DUE_SECONDS + 1)
    with rejects(Reject.ACTION_STALE):
        stage.execute()


def test_an_action_is_done_once(stage: Stage) -> None:
    action_id = stage.announce()
    assert stage.timelock.call("action_id", *stage.action) == action_id
    with rejects(Reject.ACTION_ANNOUNCED):
        stage.announce()
    stage.clock.pass_time(DAY_SECONDS)
    stage.execute()
    with rejects(Reject.ACTION_UNKNOWN):
        stage.execute()


def test_another_action_than_the_announced_one_is_refused(stage: Stage) -> None:
    stage.announce()
    stage.clock.pass_time(DAY_SECONDS)
    target, message, salt = stage.action
    for other in (
        (target, message, bytes(32)),
        (target, message + b"\0", salt),
        (stage.timelock.address, message, salt),
    ):
        with rejects(Reject.ACTION_UNKNOWN):
            stage.execute(*other)


@pytest.mark.parametrize("caller", [ALICE, GUARDIAN])
def test_only_the_proposer_announces(stage: Stage, caller: str) -> None:
    with rejects(Reject.NOT_PROPOSER):
        stage.timelock.transact("announce", *stage.action, sender=caller)


@pytest.mark.parametrize("caller", [PROPOSER, GUARDIAN])
def test_proposer_and_guardian_cancel(stage: Stage, caller: str) -> None:
    action_id = stage.announce()
    with rejects(Reject.NOT_CANCELLER):
        stage.timelock.transact("cancel", action_id, sender=ALICE)
    stage.timelock.transact("cancel", action_id, sender=caller)
    stage.clock.pass_time(DAY_SECONDS)
    with rejects(Reject.ACTION_UNKNOWN):
        stage.execute()
    with rejects(Reject.ACTION_UNKNOWN):
        stage.timelock.transact("cancel", action_id, sender=caller)


def test_the_guardians_time_ends_by_itself(stage: Stage) -> None:
    stage.clock.pass_time(365 * DAY_SECONDS - 1)
    action_id = stage.announce()
    assert stage.timelock.call("guardian") == GUARDIAN
    stage.clock.pass_time(1)
    assert stage.timelock.call("guardian") == NOBODY
    for caller in (GUARDIAN, NOBODY):
        with rejects(Reject.NOT_CANCELLER):
            stage.timelock.transact("cancel", action_id, sender=caller)


def test_a_vote_replaces_the_proposer_and_renews_the_guardian(stage: Stage) -> None:
    stage.announce(*stage.own("set_proposer(address)", word(BOB)))
    stage.announce(*stage.own("set_guardian(address,uint256)", word(ALICE), word(DAY_SECONDS)))
    stage.clock.pass_time(DAY_SECONDS)
    stage.execute(*stage.own("set_guardian(address,uint256)", word(ALICE), word(DAY_SECONDS)))
    stage.execute(*stage.own("set_proposer(address)", word(BOB)))
    assert stage.timelock.call("proposer") == BOB
    assert stage.timelock.call("guardian") == ALICE
    assert stage.timelock.call("guardian_until") == stage.clock.now + DAY_SECONDS
    with rejects(Reject.NOT_PROPOSER):
        stage.announce()


def test_what_an_earlier_proposer_announced_falls_with_it(stage: Stage) -> None:
    """Else it could announce its return just before it goes."""
    back = stage.own("set_proposer(address)", word(PROPOSER))
    stage.announce(*stage.own("set_proposer(address)", word(BOB)))
    stage.clock.pass_time(DAY_SECONDS - 1)
    stage.announce(*back)
    stage.announce()
    stage.clock.pass_time(1)
    stage.execute(*stage.own("set_proposer(address)", word(BOB)))
    stage.clock.pass_time(DAY_SECONDS)
    for action in (back, stage.action):
        with rejects(Reject.ACTION_UNKNOWN):
            stage.execute(*action)


def test_the_order_of_execution_chooses_nothing(stage: Stage) -> None:
    """Anybody may execute: two sets that are due at once get the numbers that were announced."""
    later = (stage.parameters.address, message_of(stage.parameters, "add", Values(arity=16).row, 3), SALT)
    stage.announce()
    stage.announce(*later)
    stage.clock.pass_time(DAY_SECONDS)
    with rejects(Reject.NUMBER_NOT_NEXT):
        stage.execute(*later)
    stage.execute()
    stage.execute(*later)
    assert stage.parameters.call("get", 3) == Values(arity=16).row


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("set_proposer(address)", (word(0),), Reject.NO_ADDRESS),
        ("set_proposer(address)", (word(BOB), word(0)), Reject.ACTION_OWN),
        ("set_guardian(address,uint256)", (word(BOB),), Reject.ACTION_OWN),
        ("set_guardian(address,uint256)", (word(BOB), word(2**255)), Reject.GUARDIAN_TIME),
        ("announce(address,bytes,bytes32)", (word(BOB),), Reject.ACTION_OWN),
        ("nothing()", (), Reject.ACTION_OWN),
    ],
)
def test_other_actions_on_itself_are_refused(
    stage: Stage, function: str, arguments: tuple[bytes, ...], reason: Reject
) -> None:
    stage.announce(*stage.own(function, *arguments))
    stage.clock.pass_time(DAY_SECONDS)
    with rejects(reason):
        stage.execute(*stage.own(function, *arguments))


def test_an_empty_action_on_itself_is_refused(stage: Stage) -> None:
    action = (stage.timelock.address, b"", SALT)
    stage.announce(*action)
    stage.clock.pass_time(DAY_SECONDS)
    with pytest.raises(Reverted):
        stage.execute(*action)


def test_what_the_target_refuses_is_passed_on_and_may_be_tried_again(stage: Stage) -> None:
    action = (stage.parameters.address, message_of(stage.parameters, "add", Values(arity=3).row, 2), SALT)
    stage.announce(*action)
    stage.clock.pass_time(DAY_SECONDS)
    for _ in range(2):
        with rejects(Reject.PARAMETER_ARITY):
            stage.execute(*action)


def test_announcing_needs_a_contract(stage: Stage) -> None:
    with rejects(Reject.NO_CONTRACT):
        stage.announce(ALICE, b"", SALT)


@pytest.mark.parametrize(
    ("proposer", "guardian_seconds", "delay_seconds", "reason"),
    [
        (NOBODY, 0, DAY_SECONDS, Reject.NO_ADDRESS),
        (PROPOSER, 4 * 365 * DAY_SECONDS + 1, DAY_SECONDS, Reject.GUARDIAN_TIME),
        (PROPOSER, 0, DAY_SECONDS - 1, Reject.DELAY_BOUNDS),
        (PROPOSER, 0, 60 * DAY_SECONDS + 1, Reject.DELAY_BOUNDS),
    ],
)
def test_bounds(proposer: str, guardian_seconds: int, delay_seconds: int, reason: Reject) -> None:
    clock = Clock()
    with rejects(reason):
        clock.deploy("Timelock", proposer, GUARDIAN, guardian_seconds, delay_seconds)


def test_without_a_guardian() -> None:
    clock = Clock()
    timelock: EvmContract = clock.deploy("Timelock", PROPOSER, NOBODY, 365 * DAY_SECONDS, DAY_SECONDS)
    assert timelock.call("guardian") == NOBODY
