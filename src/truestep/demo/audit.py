"""Checks that the demo went as it should; if not, the demo fails."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.client.verification import Check
from truestep.demo.last_step import LastStep
from truestep.demo.ledger import Coins
from truestep.demo.scene import LIAR, RULES, STAKE_WEI, Scene
from truestep.protocol.events import BondSeized, ChainEvent, ClaimStruck


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The facts that the audit checks."""

    events: Sequence[ChainEvent]
    """All events of the deployment."""
    steps: Sequence[LastStep]
    coins: Coins
    replayed: Sequence[Check]
    on_chain: Sequence[Check]


def slashed_wei(events: Sequence[ChainEvent]) -> int:
    """The amount that operators lost in disputes."""
    return sum(event.amount_wei for event in events if isinstance(event, BondSeized))


def struck(events: Sequence[ChainEvent]) -> list[ClaimStruck]:
    """The claims that were proved false."""
    return [event for event in events if isinstance(event, ClaimStruck)]


def audit(scene: Scene, evidence: Record) -> dict[str, bool]:
    """Each condition that must hold, in words, and whether it does."""
    false_claims = struck(evidence.events)
    liar = scene.accounts[LIAR]
    stake = scene.chains[LIAR].balances(liar)
    return {
        "exactly one claim was struck, and it was the liar's": [event.operator for event in false_claims]
        == [liar],
        "the liar lost a bond, and nobody else did": slashed_wei(evidence.events) == RULES.operator_bond_wei
        and stake.stake_wei == STAKE_WEI - RULES.operator_bond_wei
        and stake.locked_wei == 0,
        "one instruction was executed on chain, with the result of an honest run": len(evidence.steps) == 1
        and all(step.is_as_run_here and step.after != step.claimed for step in evidence.steps),
        "every shard is final on chain, as the receipt says": all(
            check.passed for check in evidence.on_chain
        ),
        "an independent run of every shard gives the outputs on chain": len(evidence.replayed) > 0
        and all(check.passed for check in evidence.replayed),
        "every coin is accounted for": evidence.coins.is_conserved,
    }
