"""Events become facts and are told in one pass."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.protocol.events import ChainEvent
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.fold import take_in
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.tasks.events import told


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What came of events."""

    facts: Facts
    """After the last one."""
    told: tuple[tuple[ChainEvent, ...], ...]
    """What each of them means."""
    gaps: tuple[Logged, ...]
    """Those that show that others are missing before them."""


def fold_told(facts: Facts, logs: Iterable[Logged]) -> Folded:
    """What `fold_with_gaps` makes of events, and what `told` tells of each with the facts before it."""
    draft = Draft(facts)
    found: list[tuple[ChainEvent, ...]] = []
    gaps: list[Logged] = []
    for logged in logs:
        found.append(told(draft.finish(), logged))
        if not take_in(draft, logged):
            gaps.append(logged)
    return Folded(facts=draft.finish(), told=tuple(found), gaps=tuple(gaps))
