"""What members hand over is kept of the batch that they have signed for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from truestep.base.ids import Address, BatchId, Bytes32
from truestep.node.handover import Handing, Handover
from truestep.ports.executor import Finished
from truestep.protocol.quorum.words import Word
from truestep.roles.collecting import Missing

BEFORE, AFTER = (
    Missing(
        batch_id=BatchId(7), tasks_root=Bytes32(root * 32), seat=1, member=Address("0x" + "0" * 38 + "Aa")
    )
    for root in (b"b", b"a")
)


@dataclass
class Asking:
    """Satisfies what a `Handover` asks of an executor."""

    finished: list[Finished] = field(default_factory=list[Finished])

    def collect(self) -> list[Finished]:
        finished, self.finished = self.finished, []
        return finished

    def monotonic_seconds(self) -> float:
        return 0.0


def test_words_of_a_batch_that_a_reorganisation_has_replaced_are_not_those_of_the_new_one() -> None:
    asking, word = Asking(), Word(commitment=1, signature=b"s" * 65, signer=BEFORE.member)
    handover = Handover(Handing(asking=cast(Any, asking), pen=cast(Any, None)), cast(Any, asking))
    keys = [(each.batch_id, each.tasks_root) for each in (BEFORE, AFTER)]
    handover.want([BEFORE], keys[:1])
    asking.finished = [Finished(key=BEFORE, value=word)]
    assert handover.collect()
    assert handover.words(keys[0]) == {1: word}
    handover.want([AFTER], keys[1:])
    assert handover.words(keys[1]) == {}
    assert handover.words(keys[0]) == {}, "what was said of a batch that is gone is forgotten"
