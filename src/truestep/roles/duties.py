"""What is left to do besides runs and moves: ends of batches and games, results, credits (S4, S7, S9)."""

from collections.abc import Iterable, Mapping

from truestep.base.ids import Address, batch_of_claim, game_in_words, task_in_words, task_of_claim
from truestep.base.units import coins
from truestep.protocol.audit_calls import WithdrawAudits
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.calls import (
    CallBack,
    CancelTasks,
    ContradictClaim,
    DropClaim,
    ExpireBatch,
    FailClaim,
    FinalizeBatch,
    FinalizeClaim,
    RewardGame,
    SettleGame,
    SettleHold,
    WithdrawKept,
    WithdrawProving,
    WithdrawRewards,
    WithdrawWinnings,
    WriteOut,
)
from truestep.protocol.lot_calls import WithdrawLots
from truestep.protocol.quorum_calls import WithdrawQuorum
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles import intents
from truestep.roles.actions import Action, Send
from truestep.roles.views import View

OF_REWARDS, OF_WINNINGS = WithdrawRewards(), WithdrawWinnings()
WITHDRAWALS = {
    "Keepers": keepers.WithdrawTo,
    "Items": items.WithdrawTo,
    "Challenges": challenges.WithdrawTo,
    "Bindings": bindings.WithdrawTo,
    "Kept": WithdrawKept,
    "Verifiers": WithdrawProving,
    "Quorums": WithdrawQuorum,
    "Audits": WithdrawAudits,
    "Lots": WithdrawLots,
}
"""What takes an account's coins out of each contract that owes coins besides Jobs and Disputes."""


def sends(duties: Iterable[Duty]) -> list[Action]:
    """Have these duties done. One whose call only a challenger can make is not among them."""
    found = (_send(duty) for duty in duties)
    return [send for send in found if send is not None]


def _send(duty: Duty) -> Send | None:
    match duty.call:
        case ExpireBatch(batch_id=batch_id) as call:
            message = f"batch {batch_id} has missed its lease: free its tasks and the rest of its bonds"
            return Send(intent=intents.of_batch("expire", batch_id), call=call, message=message)
        case FinalizeBatch(batch_id=batch_id) as call:
            message = f"the challenge window of batch {batch_id} is over: make its results final"
            return Send(intent=intents.of_batch("finalize", batch_id), call=call, message=message)
        case FailClaim(claim_id=claim_id) as call:
            task, batch_id = task_in_words(task_of_claim(claim_id)), batch_of_claim(claim_id)
            message = f"data of {task} in batch {batch_id} is gone: end its claim"
            return Send(intent=intents.of_claim_id(duty.action, claim_id), call=call, message=message)
        case DropClaim(claim_id=claim_id) as call:
            task, batch_id = task_in_words(task_of_claim(claim_id)), batch_of_claim(claim_id)
            message = f"nobody has proven {task} in batch {batch_id} in time: free the task"
            return Send(intent=intents.of_claim_id("drop", claim_id), call=call, message=message)
        case ContradictClaim(claim_id=claim_id) as call:
            task, batch_id = task_in_words(task_of_claim(claim_id)), batch_of_claim(claim_id)
            message = f"the claim of {task} in batch {batch_id} was proven, and struck: stop the verifier"
            return Send(intent=intents.of_claim_id("contradict", claim_id), call=call, message=message)
        case SettleHold(batch_id=batch_id, ordinal=ordinal) as call:
            message = f"a claim of batch {batch_id} was struck: return the bond of hold {ordinal}"
            intent = f"{intents.of_batch('settle-hold', batch_id)}/{ordinal}"
            return Send(intent=intent, call=call, message=message)
        case FinalizeClaim(claim_id=claim_id) as call:
            task, batch_id = task_in_words(task_of_claim(claim_id)), batch_of_claim(claim_id)
            message = f"the disputes of {task} in batch {batch_id} are over: make its result final"
            return Send(intent=intents.of_claim_id("finalize-claim", claim_id), call=call, message=message)
        case SettleGame(game_id=game_id) as call:
            message = f"{game_in_words(game_id)} is decided: settle it"
            return Send(intent=intents.of_game("settle", game_id), call=call, message=message)
        case RewardGame(game_id=game_id) as call:
            message = f"{game_in_words(game_id)} was won, and its task is final: collect the reward"
            return Send(intent=intents.of_game("reward", game_id), call=call, message=message)
        case WriteOut() | CallBack() | CancelTasks() as call:
            return _for_consumers(call)
        case _:
            return None


def _for_consumers(call: WriteOut | CallBack | CancelTasks) -> Send:
    match call:
        case WriteOut(claim_id=claim_id):
            message = f"write out the result of {task_in_words(task_of_claim(claim_id))}"
            return Send(intent=intents.of_claim_id("write-out", claim_id), call=call, message=message)
        case CallBack(job_id=job_id):
            message = f"tell the consumer of job {job_id} that all results are written out"
            return Send(intent=intents.of_job("call-back", job_id), call=call, message=message)
        case CancelTasks(job_id=job_id, shards=shards):
            count = intents.shards_in_words(len(shards))
            message = f"the deadline of job {job_id} is over: return the rewards of {count} to its requester"
            return Send(intent=intents.of_job("cancel", job_id, shards[0]), call=call, message=message)


def withdrawals(
    view: View, above_wei: int, tokens_above: Mapping[Address, int] | None = None
) -> list[Action]:
    """Take out what exceeds `above_wei`, or the amount given for a token; one of each kind at a time."""
    native = (
        ("withdraw-rewards", view.rewards_wei, OF_REWARDS),
        ("withdraw-winnings", view.winnings_wei, OF_WINNINGS),
    )
    found: list[Action] = [
        Send(intent=f"{kind}/{view.now}", call=call, message=f"withdraw {coins(amount_wei)}")
        for kind, amount_wei, call in native
        if amount_wei > above_wei and not _is_under_way(view, kind)
    ]
    for contract, amount_wei in sorted(view.owed_for_data.items()):
        kind = f"withdraw-{contract.lower()}"
        if amount_wei > above_wei and not _is_under_way(view, kind):
            call = WITHDRAWALS[contract](receiver=view.account)
            message = f"withdraw {coins(amount_wei)} of {contract}"
            found.append(Send(intent=f"{kind}/{view.now}", call=call, message=message))
    for asset, above in sorted((tokens_above or {}).items()):
        kind, amount = f"withdraw-tokens/{asset}", view.tokens.get(asset, 0)
        if amount > above and not _is_under_way(view, kind):
            call = WithdrawRewards(asset=asset)
            message = f"withdraw {amount:,} units of token {asset}"
            found.append(Send(intent=f"{kind}/{view.now}", call=call, message=message))
    return found


def _is_under_way(view: View, kind: str) -> bool:
    return any(intent.startswith(f"{kind}/") for intent in view.in_flight)


def once(view: View, actions: Iterable[Action]) -> list[Action]:
    """The actions without sends that are under way, and each send only once."""
    kept: list[Action] = []
    seen = set(view.in_flight)
    for action in actions:
        if isinstance(action, Send):
            if action.intent in seen:
                continue
            seen.add(action.intent)
        kept.append(action)
    return kept
