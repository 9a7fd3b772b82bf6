"""What operators are drawn for in a network: to judge claims in committees or audits, and to take jobs."""

from dataclasses import dataclass

from truestep.protocol.audits.contracts.audits import Rules as AuditRules
from truestep.protocol.deployment import audits, lots, quorum
from truestep.protocol.deployment.plan import Fact, Step
from truestep.protocol.lots.contracts.lots import Rules as LotRules
from truestep.protocol.quorum.contracts.quorums import Rules as QuorumRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """The rules of the policies *quorum*, *audited* and *drawn*; None for a network without."""

    quorum: QuorumRules | None = None
    audits: AuditRules | None = None
    drawn: LotRules | None = None


NO_JUDGES = Judges()


def check(judged_by: Judges, *, has_proofs: bool) -> None:
    """Raise ValueError if a policy is missing that has the number before."""
    if judged_by.quorum and not has_proofs:
        raise ValueError("expected Verifiers in a network that draws committees, got none")
    if judged_by.audits and not judged_by.quorum:
        raise ValueError("expected Quorums in a network that audits claims, got none")
    if judged_by.drawn and not judged_by.audits:
        raise ValueError("expected Audits in a network that draws lots, got none")


def steps(judged_by: Judges) -> tuple[Step, ...]:
    """Create their contracts, and add their policies."""
    return (
        *(quorum.steps(judged_by.quorum) if judged_by.quorum else ()),
        *(audits.steps(judged_by.audits) if judged_by.audits else ()),
        *(lots.steps(judged_by.drawn) if judged_by.drawn else ()),
    )


def facts(judged_by: Judges, exit_seconds: int) -> tuple[Fact, ...]:
    """What holds in a network with them, in which pledges stay in reach for so long."""
    return (
        *(quorum.facts(judged_by.quorum) if judged_by.quorum else ()),
        *(audits.facts(judged_by.audits, exit_seconds) if judged_by.audits else ()),
        *(lots.facts(judged_by.drawn) if judged_by.drawn else ()),
    )
