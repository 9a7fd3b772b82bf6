"""False items are struck in one call where their tree is known, and demanded where it is not."""

from __future__ import annotations

from dataclasses import replace

from tests.roles.availability.test_watching import ITEM, NOW, OPENING, POLICY, item, sends, view
from truestep.base.ids import Bytes32
from truestep.protocol.availability.contracts.bindings import OpenDemand, StrikeMismatch
from truestep.protocol.availability.contracts.items import ItemState
from truestep.roles.availability.sights import FindMismatch, Mismatch, Need
from truestep.roles.availability.watching import decide


def test_an_item_whose_tree_another_one_holds_is_struck_in_one_call() -> None:
    false, other = item(), item(99, url="http://store")
    false, other = (
        replace(each, record=replace(each.record, hashes_root=Bytes32(bytes([number]) * 32)))
        for number, each in enumerate((false, other))
    )
    seen = view(false, other, checked={false.name: (0,), other.name: ()})
    urls = (*(f"http://{number}" for number in range(1, 5)), "http://store")
    searches = [each for each in decide(seen, POLICY) if isinstance(each, FindMismatch)]
    assert searches == [FindMismatch(item=false, part_index=0, others=((other, urls),))]
    assert not sends(decide(seen, POLICY)), "nothing is demanded before"
    needs = {ITEM: Need(limit=NOW + 10**6, is_missing=True)}
    [send] = sends(decide(replace(seen, needs=needs), POLICY))
    assert isinstance(send.call.call, OpenDemand), "it holds a batch"
    leaf = Bytes32(b"l" * 32)
    found = Mismatch(part_index=0, leaf_index=7, leaf=leaf, path=(leaf,), opening=OPENING)
    [send] = sends(decide(replace(seen, mismatches={(ITEM, 0): found}), POLICY))
    assert isinstance(send.call.call, StrikeMismatch) and send.call.value_wei == 0
    [send] = sends(decide(replace(seen, mismatches={(ITEM, 0): None}), POLICY))
    assert isinstance(send.call.call, OpenDemand)
    for useless in (replace(other, state=ItemState.REGISTERED), replace(other, parts=())):
        [send] = sends(decide(view(false, useless, checked=seen.checked), POLICY))
        assert isinstance(send.call.call, OpenDemand)
    both = view(false, other, checked={false.name: (0,), other.name: (0,)})
    assert {type(each.call.call) for each in sends(decide(both, POLICY))} == {OpenDemand}
