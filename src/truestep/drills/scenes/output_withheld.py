"""An operator claims a true result and lets nobody have it."""

from truestep.drills.jobs import (
    REQUESTER,
    REWARD_WEI,
    WORKER,
    delivers_nothing,
    order,
    until_claimed,
    until_delivered,
    until_final,
    worker,
)
from truestep.drills.keepers import keepers
from truestep.drills.stage import HOUR_SECONDS, WINDOW_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.protocol.availability.kept import LEAST_FAIL_GAS
from truestep.protocol.events import ClaimFailed
from truestep.protocol.settlement.parameters import BPS

WITHHOLDER = "withholder"


def output_withheld(stage: Stage) -> Verdict:
    """Let the withholder work first; an honest worker does it again when its claim has failed."""
    keepers(stage, ["keeper 1", "keeper 2", "keeper 3"])
    stage.keys(REQUESTER, WITHHOLDER, WORKER)
    before = stage.purses()
    ordered = order(stage)
    withholder = worker(stage, WITHHOLDER, changed=delivers_nothing)
    until_claimed(ordered)
    withholder.leave()
    stage.say("an operator claims a result, and lets nobody have the output")
    stage.skip(WINDOW_SECONDS + HOUR_SECONDS + 1)
    worker(stage)
    stage.until("the claim fails", lambda: bool(ordered.events(ClaimFailed)))
    stage.say("the window is over and no output is kept: the claim fails")
    until_claimed(ordered, 2)
    until_delivered(ordered)
    until_final(ordered)

    rules = ordered.job.record().parameters
    penalty_wei = rules.operator_bond_wei * rules.lease_penalty_bps // BPS
    [failed] = ordered.events(ClaimFailed)
    price_wei = stage.base_fee_wei(failed.at.block_number)
    caller_wei = min(LEAST_FAIL_GAS * min(price_wei, rules.gas_price_cap_wei), penalty_wei)
    return Verdict(
        happened="the claim failed when its window was over, and another worker did the job",
        guilty={WITHHOLDER: penalty_wei},
        honest={WORKER: REWARD_WEI + caller_wei},
        paid={REQUESTER: REWARD_WEI},
        changes=stage.changes_since(before),
        facts={
            "the job is finished": ordered.job.is_complete(),
            "its result is right, and everybody can have it": ordered.has_right_result(),
        },
    )
