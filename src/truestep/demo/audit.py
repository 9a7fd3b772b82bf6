"""Checks that the demo went as it should; if not, the demo fails."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.ids import batch_of_claim
from truestep.client.verification import Check
from truestep.demo.last_step import LastStep
from truestep.demo.ledger import Coins
from truestep.demo.scene import LIAR, RULES, STAKE_WEI, WORKERS, Scene
from truestep.protocol.events import ChainEvent, ClaimStruck, TaskClaimed, TaskFinalized


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The facts that the audit checks."""

    events: Sequence[ChainEvent]
    """All events of the deployment."""
    steps: Sequence[LastStep]
    coins: Coins
    replayed: Sequence[Check]
    on_chain: Sequence[Check]


def slashed_wei(scene: Scene) -> int:
    """What workers have lost of their stakes."""
    left_wei = (scene.chains[name].balances(scene.accounts[name]).stake_wei for name in WORKERS)
    return sum(STAKE_WEI - stake_wei for stake_wei in left_wei)


def struck(events: Sequence[ChainEvent]) -> list[ClaimStruck]:
    """The claims that were proved false."""
    return [event for event in events if isinstance(event, ClaimStruck)]


def is_only_lie_lost(events: Sequence[ChainEvent]) -> bool:
    """Whether all claims but the struck ones became final in the batches of the struck ones."""
    false = {event.claim_id for event in struck(events)}
    batches = {batch_of_claim(claim_id) for claim_id in false}
    claimed = {event.claim_id for event in events if isinstance(event, TaskClaimed)}
    final = {event.claim_id for event in events if isinstance(event, TaskFinalized)}
    others = {claim_id for claim_id in claimed - false if batch_of_claim(claim_id) in batches}
    return bool(others) and others <= final


def audit(scene: Scene, evidence: Record) -> dict[str, bool]:
    """Each condition that must hold, in words, and whether it does."""
    false_claims = struck(evidence.events)
    liar = scene.accounts[LIAR]
    stake = scene.chains[LIAR].balances(liar)
    return {
        "exactly one claim was struck, and it was the liar's": [event.operator for event in false_claims]
        == [liar],
        "the liar lost one bond, and nobody else did": slashed_wei(scene) == RULES.operator_bond_wei
        and stake.stake_wei == STAKE_WEI - RULES.operator_bond_wei
        and stake.locked_wei == 0,
        "the other claims of the liar's batch are final": is_only_lie_lost(evidence.events),
        "one instruction was executed on chain, with the result of an honest run": len(evidence.steps) == 1
        and all(step.is_as_run_here and step.after != step.claimed for step in evidence.steps),
        "every shard is final on chain, as the receipt says": all(
            check.passed for check in evidence.on_chain
        ),
        "an independent run of every shard gives the outputs on chain": len(evidence.replayed) > 0
        and all(check.passed for check in evidence.replayed),
        "every coin is accounted for": evidence.coins.is_conserved,
    }
