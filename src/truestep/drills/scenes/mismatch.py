"""A registrant's commitments hold other bytes than the root says, and its friends among keepers sign."""

from dataclasses import replace

from truestep.adapters.blobs.addresses import manifest_name
from truestep.availability.manifest import Manifest
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.drills.items import item_of, kept_item, published
from truestep.drills.keepers import Vice, enrolled, keeper
from truestep.drills.scenes.wrong_bytes import answers_nothing
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.simulation.hostile_keepers import UncheckingHands


def mismatch(stage: Stage) -> Verdict:
    """Register a root that nothing has, and have it kept by accomplices."""
    friend = Vice(never=answers_nothing, hands=UncheckingHands)
    cast = [keeper(stage, f"accomplice {number}", vice=friend) for number in (1, 2)]
    enrolled(stage, cast)
    registrant, _ = stage.key("registrant"), stage.key(WATCHER)
    true = published(stage, b"what the commitments hold " * 1_000)
    part = replace(true.parts[0], root=Bytes32(keccak256(b"a root that somebody made up")))
    lie = Manifest(parts=(part,), commitments=true.commitments)
    stage.blobs.put_named(manifest_name(lie.name), lie.to_json().encode())
    before = stage.purses()
    item_id = kept_item(stage, registrant, lie, len(cast))
    stage.say("an item is kept whose blobs do not hold what its root says")

    watcher(stage)
    stage.until("a watcher demands the tree", lambda: bool(stage.facts().demands), step_seconds=LOOK_SECONDS)
    stage.say("a watcher has fetched it, found another root, and demands the tree below the root")
    stage.skip(HOUR_SECONDS + 1)
    stage.until("the item is struck", lambda: item_of(stage, item_id).state is ItemState.STRUCK)

    rules = stage.rules
    return Verdict(
        happened="nobody could give the tree of a root that was made up, so the item was struck",
        guilty={"registrant": rules.registrant_bond_wei} | {each.name: rules.share_wei for each in cast},
        honest={WATCHER: winner_part(rules, rules.registrant_bond_wei)},
        changes=stage.changes_since(before),
    )
