"""Opens what members of committees need to hand to each other what they say (docs/quorum.md Q11)."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.sender import Signer
from truestep.adapters.clock import SystemClock
from truestep.adapters.executor.threads import ThreadExecutor
from truestep.adapters.members.asking import EndpointsOf, PublishedMembers
from truestep.adapters.members.serving import WordServer
from truestep.adapters.members.wire import AccountPen, Court
from truestep.composition.network import DEVNET_CHAINS
from truestep.node.handover import Handing, MembersBench
from truestep.ports.reporter import Reporter

ASKS_AT_ONCE = 16
"""One for each seat of a committee: dead members must not keep others from being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSettings:
    """How a member reaches others, and how they reach it."""

    endpoints_of: EndpointsOf
    listen: tuple[str, int] | None = None
    """Host and port; None: this member sends what it has to say by itself."""


@contextmanager
def opened_handing(
    settings: MemberSettings, deployment: Deployment, signer: Signer, clock: SystemClock, reporter: Reporter
) -> Generator[Handing]:
    """What the member hands over is served until the end. Raises OSError if it cannot listen."""
    court = Court(chain_id=deployment.chain_id, quorums=deployment.address("Quorums"))
    may_be_private = deployment.chain_id in DEVNET_CHAINS
    members = PublishedMembers(settings.endpoints_of, court, may_be_private=may_be_private)
    asking = ThreadExecutor(ASKS_AT_ONCE, MembersBench(members).perform, clock.nudge)
    handing = Handing(asking=asking, pen=AccountPen(signer, court))
    if settings.listen is None:
        yield handing
        return
    with closing(WordServer(court, *settings.listen)) as server:
        reporter.report(
            "handing",
            f"members' words are handed over at {server.url}: name the public URL of it in the operator's"
            " record (`truestep operator record --endpoint URL`)",
            url=server.url,
        )
        yield Handing(asking=handing.asking, pen=handing.pen, board=server)
