"""Random challenges of seats and demands for trees, and their answers, beside what happens to items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.protocol.availability.contents import Content
from tests.protocol.availability.item_schedule import ItemSchedule, Maker
from tests.protocol.availability.world import CHALLENGERS, Step
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.bindings import ROUND_LEVELS
from truestep.protocol.availability.challenges import bond_factor, challenge_bond_wei
from truestep.protocol.availability.contracts import bindings, challenges
from truestep.protocol.availability.contracts.bindings import Demand
from truestep.protocol.availability.contracts.challenges import Challenge
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    DemandId,
    item_of_demand,
    part_of_demand,
    unpack_challenge,
)

ELEMENTS = (0, 1, 2, 37)


@dataclass(slots=True)
class Schedule(ItemSchedule):
    """All kinds of calls."""

    def weights(self) -> dict[Maker, int]:
        """How often each kind of step is tried."""
        return ItemSchedule.weights(self) | {
            self.open_challenge: 10,
            self.answer_element: 10,
            self.answer_blob: 8,
            self.settle: 8,
            self.strike_mismatch: 4,
            self.open_demand: 5,
            self.give: 12,
            self.pick: 10,
            self.strike_found: 10,
            self.settle_demand: 3,
        }

    # --- challenges -------------------------------------------------------------------------------

    def open_challenge(self) -> Step | None:
        found = self._some_item(lambda item: self._is_running(item) and bool(item.acknowledged))
        if found is None:
            return None
        item_id, item = found
        kind = self.rng.choice(list(ChallengeKind))
        call = challenges.OpenChallenge(
            item_id=item_id,
            record=item.record,
            seat=self.rng.choice(item.acknowledged or [0]),
            kind=kind,
            blob=self.rng.randrange(len(self.world.contents[item_id].blobs)),
            element=self.rng.choice(ELEMENTS) if kind is ChallengeKind.ELEMENT else 0,
        )
        rules, open_count = self.world.state.rules, self.world.state.challenge_counts.get(item_id, 0)
        bond_wei = challenge_bond_wei(rules, kind, open_count)
        surplus_wei = self.rng.choice((0, 0, 5))
        return self.step(self.rng.choice(CHALLENGERS), call, bond_wei + surplus_wei)

    def _some_challenge(self, kind: ChallengeKind) -> tuple[ChallengeId, Challenge] | None:
        found = [
            entry
            for entry in self.world.state.challenges.items()
            if unpack_challenge(entry[0]).kind == kind and self._is_worth(self.now <= entry[1].until)
        ]
        return self.rng.choice(found) if found else None

    def answer_element(self) -> Step | None:
        found = self._some_challenge(ChallengeKind.ELEMENT)
        if found is None:
            return None
        place = unpack_challenge(found[0])
        content = self.world.contents[place.item_id]
        y, proof = content.opening(place.blob, place.element)
        call = challenges.AnswerElement(
            challenge_id=found[0],
            challenge=found[1],
            y=y,
            commitment=content.commitments[place.blob],
            proof=proof,
            path=content.path(place.blob),
        )
        return self.step(self._anybody(), call)

    def answer_blob(self) -> Step | None:
        found = self._some_challenge(ChallengeKind.BLOB)
        if found is None:
            return None
        first = unpack_challenge(found[0])
        content = self.world.contents[first.item_id]
        same = [
            (challenge_id, challenge)
            for challenge_id, challenge in self.world.state.challenges.items()
            if unpack_challenge(challenge_id).kind == ChallengeKind.BLOB
            and unpack_challenge(challenge_id).blob == first.blob
            and challenge.hashes_root == content.hashes_root
        ]
        chosen = [found] if self.rng.random() < 0.5 else same[:16]
        index = self.rng.randrange(3)
        hashes = [keccak256(b"other")] * 3
        hashes[index] = content.hashes[first.blob]
        call = challenges.AnswerBlob(
            challenge_ids=tuple(challenge_id for challenge_id, _ in chosen),
            challenges=tuple(challenge for _, challenge in chosen),
            index=index,
            path=content.path(first.blob),
        )
        return replace(self.step(self._anybody(), call), blob_hashes=tuple(hashes))

    def settle(self) -> Step | None:
        state = self.world.state
        found = [
            (challenge_id, challenge)
            for challenge_id, challenge in state.challenges.items()
            if self._is_worth(
                self.now > challenge.until or not state.items[unpack_challenge(challenge_id).item_id].is_open
            )
        ]
        if not found:
            return None
        challenge_id, challenge = self.rng.choice(found)
        record = state.items[unpack_challenge(challenge_id).item_id].record
        call = challenges.Settle(challenge_id=challenge_id, challenge=challenge, record=record)
        return self.step(self._anybody(), call)

    # --- bindings ---------------------------------------------------------------------------------

    def _suspect_leaves(self, content: Content, index: int) -> list[int]:
        """Leaves of a part's tree that may be false: a few of its own, and one beside it."""
        part = content.parts[index]
        last = part.first_leaf + part.leaf_count - 1
        return [part.first_leaf, last, min(part.first_leaf + 1, last), part.first_leaf + 32, 99]

    def strike_mismatch(self) -> Step | None:
        found = self._some_item(lambda item: item.is_open and self.rng.random() < 0.3)
        if found is None:
            return None
        item_id, item = found
        content = self.world.contents[item_id]
        part_index = self.rng.randrange(len(content.parts))
        leaf_index = self.rng.choice(self._suspect_leaves(content, part_index))
        tree, depth = content.pieces[part_index].tree, content.parts[part_index].depth
        call = bindings.StrikeMismatch(
            item_id=item_id,
            record=item.record,
            parts=content.parts,
            part_index=part_index,
            leaf_index=leaf_index,
            leaf=tree.node(0, leaf_index),
            path=tree.path(0, leaf_index, depth),
            opening=content.leaf_opening(part_index, leaf_index),
        )
        return self.step(self.rng.choice(CHALLENGERS), call)

    def open_demand(self) -> Step | None:
        found = self._some_item(
            lambda item: self._is_running(item) and (not item.seats or bool(item.acknowledged))
        )
        if found is None:
            return None
        item_id, item = found
        content = self.world.contents[item_id]
        call = bindings.OpenDemand(
            item_id=item_id,
            record=item.record,
            parts=content.parts,
            part_index=self.rng.randrange(len(content.parts)),
            seat=self.rng.choice(item.acknowledged or [0]),
        )
        factor = bond_factor(self.world.state.demand_counts.get(item_id, 0))
        value_wei = self.world.state.rules.tree_bond_wei * factor + self.rng.choice((0, 3))
        return self.step(self.rng.choice(CHALLENGERS), call, value_wei)

    def _some_demand(self, suits: Callable[[Demand], bool]) -> tuple[DemandId, Demand] | None:
        found = [entry for entry in self.world.state.demands.items() if self._is_worth(suits(entry[1]))]
        return self.rng.choice(found) if found else None

    def give(self) -> Step | None:
        found = self._some_demand(lambda demand: not demand.is_answered)
        if found is None:
            return None
        demand_id, demand = found
        content = self.world.contents[item_of_demand(demand_id)]
        tree = content.pieces[part_of_demand(demand_id)].tree
        nodes = tree.below(demand.level, demand.index)
        return self.step(self._anybody(), bindings.Give(demand_id=demand_id, demand=demand, nodes=nodes))

    def _child(self, demand_id: DemandId, demand: Demand) -> int:
        """Which child leads to a leaf that may be false."""
        content = self.world.contents[item_of_demand(demand_id)]
        levels = min(demand.level, ROUND_LEVELS)
        leaves = self._suspect_leaves(content, part_of_demand(demand_id))
        below = [leaf for leaf in leaves if leaf >> demand.level == demand.index]
        leaf = self.rng.choice(below or [demand.index << demand.level])
        return leaf >> (demand.level - levels) & (1 << levels) - 1

    def pick(self) -> Step | None:
        found = self._some_demand(lambda demand: demand.is_answered and demand.level > ROUND_LEVELS)
        if found is None:
            return None
        demand_id, demand = found
        tree = self.world.contents[item_of_demand(demand_id)].pieces[part_of_demand(demand_id)].tree
        child, levels = self._child(demand_id, demand), min(demand.level, ROUND_LEVELS)
        level, index = demand.level - levels, demand.index << levels | child
        call = bindings.Pick(
            demand_id=demand_id,
            demand=demand,
            child=child,
            node=tree.node(level, index),
            siblings=tree.path(level, index, levels),
        )
        return self.step(demand.challenger, call)

    def strike_found(self) -> Step | None:
        found = self._some_demand(lambda demand: demand.is_answered and demand.level <= ROUND_LEVELS)
        if found is None:
            return None
        demand_id, demand = found
        item_id, asked = item_of_demand(demand_id), part_of_demand(demand_id)
        content, item = self.world.contents[item_id], self.world.state.items[item_id]
        child = self._child(demand_id, demand)
        leaf_index = demand.index << demand.level | child
        parts = content.parts
        holders = [place for place, part in enumerate(parts) if part.first_leaf <= leaf_index < part.end_leaf]
        part_index = next((place for place in holders if parts[place].root == parts[asked].root), asked)
        tree = content.pieces[asked].tree
        call = bindings.StrikeFound(
            demand_id=demand_id,
            demand=demand,
            record=item.record,
            parts=parts,
            part_index=part_index,
            child=child,
            leaf=tree.node(0, leaf_index),
            siblings=tree.path(0, leaf_index, demand.level if demand.level < ROUND_LEVELS else ROUND_LEVELS),
            opening=content.leaf_opening(part_index, leaf_index),
        )
        return self.step(self._anybody(), call)

    def settle_demand(self) -> Step | None:
        state = self.world.state
        limit = self.now - state.rules.answer_seconds
        found = [
            (demand_id, demand)
            for demand_id, demand in state.demands.items()
            if self._is_worth(demand.moved_at < limit or not state.items[item_of_demand(demand_id)].is_open)
        ]
        if not found:
            return None
        demand_id, demand = self.rng.choice(found)
        record = state.items[item_of_demand(demand_id)].record
        call = bindings.SettleDemand(demand_id=demand_id, demand=demand, record=record)
        return self.step(self._anybody(), call)
