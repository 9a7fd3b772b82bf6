"""Whose turn it is to anchor an epoch, and what that may cost."""

from dataclasses import replace

from truestep.base.ids import Bytes32
from truestep.commitments.bls import SIGNATURE_SIZE_BYTES, Signature
from truestep.protocol.logs.contracts.anchors import Attest, LogNumber
from truestep.roles.actions import Alert, Send
from truestep.roles.anchoring import (
    ATTEST_GAS,
    TURNS,
    AnchoringView,
    CollectEpoch,
    GroupSight,
    begins_at,
    decide,
    is_left_out,
)

EPOCH_SECONDS, EPOCH = 800, 12
START = EPOCH * EPOCH_SECONDS
LIVE = 0b11110
SIGHT = GroupSight(
    number=LogNumber(1), live=LIVE, epoch_seconds=EPOCH_SECONDS, anchored={}, gas_price_wei=10**9
)
READY = Attest(
    group=0,
    epoch=EPOCH,
    root=Bytes32(bytes(32)),
    lists_absent=True,
    places=(4,),
    keys=(),
    signature=Signature(bytes(SIGNATURE_SIZE_BYTES)),
)


def of(number: int, **fields: object) -> GroupSight:
    return replace(SIGHT, number=LogNumber(number), **fields)


def view(
    now: int, sight: GroupSight = SIGHT, ready: Attest | None = None, limit: int = 10**18
) -> AnchoringView:
    return AnchoringView(now=now, sight=sight, ready=ready, cost_limit_wei=limit)


def test_turns_go_round_and_each_epoch_begins_with_another() -> None:
    for epoch in (EPOCH, EPOCH + 1, EPOCH + 7):
        starts = {number: begins_at(of(number), epoch) for number in range(1, 5)}
        first = epoch % 4 + 1
        assert starts[first] == epoch * EPOCH_SECONDS + 100
        assert starts[first % 4 + 1] == epoch * EPOCH_SECONDS + 200
        assert len({*starts.values()}) == 4
    assert begins_at(of(9), EPOCH) is None  # not live


def test_of_a_large_group_the_first_have_a_turn() -> None:
    live = (1 << 200) - 2
    starts = [begins_at(of(number, live=live), EPOCH) for number in range(1, 200)]
    found = sorted(each for each in starts if each is not None)
    assert found == [START + 100 * part for part in range(1, TURNS)]


def test_the_epoch_is_collected_at_the_own_turn_and_sent_once_it_is_ready() -> None:
    assert decide(view(START + 99)) is None
    assert decide(view(START + 100)) == CollectEpoch(group=0, epoch=EPOCH)
    old = replace(READY, epoch=EPOCH - 1)
    assert decide(view(START + 100, ready=old)) == CollectEpoch(group=0, epoch=EPOCH)
    action = decide(view(START + 100, ready=READY))
    assert isinstance(action, Send)
    assert (action.intent, action.call) == ("attest/0/12", READY)
    assert "for 3 of 4 logs" in action.message
    listed = replace(READY, lists_absent=False, places=(1,))
    action = decide(view(START + 100, ready=listed))
    assert isinstance(action, Send) and "for 1 of 4 logs" in action.message


def test_what_is_anchored_is_not_anchored_again() -> None:
    for bitmap in (0b00010, 0b11100):  # with the own log, and without it: it was not heard once
        assert decide(view(START + 500, of(1, anchored={EPOCH: bitmap}), READY)) is None


def test_a_log_that_is_left_out_for_long_comes_first() -> None:
    before = {EPOCH - 1: 0b11100, EPOCH - 2: 0b11000}
    sight = of(4, anchored=before)
    assert not is_left_out(sight, EPOCH)
    sight = of(1, anchored=before)
    assert is_left_out(sight, EPOCH)
    start = begins_at(sight, EPOCH)
    assert start is not None and START < start < START + 100
    again = of(1, anchored=before | {EPOCH: 0b11100})
    assert decide(view(start, again)) == CollectEpoch(group=0, epoch=EPOCH)
    assert not is_left_out(of(1, anchored={EPOCH - 1: 0b11100}), EPOCH)  # nobody was anchored once


def test_what_costs_too_much_is_left_to_others() -> None:
    limit = ATTEST_GAS * 10**9
    assert isinstance(decide(view(START + 100, limit=limit)), CollectEpoch)
    dear = decide(view(START + 100, limit=limit - 1))
    assert isinstance(dear, Alert) and dear.kind == "anchor_cost" and "--anchor-cost" in dear.message
    listed = decide(view(START + 100, ready=READY, limit=limit))
    assert isinstance(listed, Alert)  # one key more
