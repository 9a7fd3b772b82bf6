"""Everything outside that a daemon needs."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.node.handover import Handing
from truestep.node.tasks.claim_log import ClaimLog
from truestep.ports.blobs import OutputFolder
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.ports.draws import Draws
from truestep.ports.executor import Executor
from truestep.ports.reporter import Reporter
from truestep.ports.rounds import Pledges, Rounds
from truestep.ports.store import Store
from truestep.ports.vitals import Monitor


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochWork:
    """What anchors the own log with others."""

    executor: Executor
    """Performs the items of an `AnchoringBench`, one after the other."""
    cost_limit_wei: int
    """What an epoch may cost in gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`executor` performs the items of a `Bench`, `sends` those of a `Courier` of the same chain.

    The executor needs room for runs, for fetches, and for two moves of games. `offers` performs a bench's
    items too, those that offer what is in `outputs` to blob stores: they may take hours.

    `operator` is whose stake and claims the account looks after, its own if None. `secret` has 32 random
    bytes, the same ones after every start (`tasks.commitments.kept_secret`).
    """

    chain: Chain
    store: Store
    executor: Executor
    sends: Executor
    offers: Executor
    outputs: OutputFolder
    clock: Clock
    reporter: Reporter
    secret: bytes
    operator: Address | None = None
    delivering: Executor | None = None
    """Performs the items of a `DeliveryBench`; None if no outputs are to be kept."""
    watching: Executor | None = None
    """Performs the items of a `WatchBench`; None in a network without keepers."""
    proving: Executor | None = None
    """Performs the items of a `ProvingBench`; None if this node proves nothing."""
    answering: Executor | None = None
    """Performs the items of an `AnswerBench`; None if no blobs of transactions can be read."""
    rounds: Rounds | None = None
    """For whose seeds it gives secrets; None if it gives none."""
    pledges: Pledges | None = None
    """What the operator weighs in draws; None if it is drawn for nothing."""
    draws: Draws | None = None
    """Whether anything is drawn now; None in a network that draws nothing."""
    handing: Handing | None = None
    """How members of committees reach each other; None: each sends what it has to say by itself."""
    claim_log: ClaimLog | None = None
    """Where claims stand before they are sent; None if this node keeps no log."""
    monitor: Monitor | None = None
    """Is told how this node is; None if nobody wants to know."""
    anchoring: EpochWork | None = None
    """None if the log takes no part in epochs."""
