"""How a drill of the network is judged: by the chain alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from truestep.base.ids import Address, JobId, task_of
from truestep.base.units import coins
from truestep.drills.network.people import (
    liar_names,
    requester_names,
    reward_of,
    worker_names,
    wrong_outputs,
)
from truestep.drills.network.place import CHALLENGER, Place
from truestep.drills.network.plan import Plan
from truestep.drills.network.tally import Tally
from truestep.drills.purses import Purse

MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a drill has come to."""

    jobs: int
    finalized: int
    """Jobs of which every shard is final, with the right result."""
    tasks: int
    lies: int
    claims_struck: int
    slashed_wei: int
    """What liars have lost of their bonds."""
    lost_wei: int
    """What honest parties have lost, beyond gas and what they have bought."""
    manual_steps: int
    """Daemons that ended by themselves and were started again."""
    gas_per_task: int
    """Of everything that workers and liars have sent."""
    gas_per_post: int
    """Of everything that requesters have sent, for each job."""
    dispute_gas: int
    """Of everything that the challenger has sent, for each false claim."""
    tasks_per_minute: float
    """Claimed, from the first post to the claim after which no task was open."""
    seconds: float
    """From the first post to the last payment."""
    complaints: tuple[str, ...]
    """Why it failed; none if it passed."""


def judged(
    place: Place,
    plan: Plan,
    tally: Tally,
    *,
    before: Mapping[str, Purse],
    first_block: int,
    restarts: int,
    seconds: float,
    claimed_seconds: float,
) -> Figures:
    """The figures, from everybody's coins before and after and from all events in between."""
    changes = place.changes_since(dict(before))
    bond_wei = place.parameters.operator_bond_wei
    due = due_changes(place.accounts, bond_wei, plan, tally)
    bad = set(wrong_outputs(place, plan, _expected(tally))) | _unfinished(tally)
    honest = [name for name in due if name not in liar_names(plan)]
    gas = place.gas_used(first_block)
    operators = (*worker_names(plan), *liar_names(plan))
    return Figures(
        jobs=len(plan.jobs),
        finalized=len(tally.jobs) - len(bad),
        tasks=plan.task_count,
        lies=len(plan.lies),
        claims_struck=len(tally.struck),
        slashed_wei=bond_wei * len(tally.struck),
        lost_wei=sum(max(due[name] - changes[name], 0) for name in honest),
        manual_steps=restarts,
        gas_per_task=sum(gas[name] for name in operators) // plan.task_count,
        gas_per_post=sum(gas[name] for name in requester_names(plan)) // len(plan.jobs),
        dispute_gas=gas[CHALLENGER] // max(len(plan.lies), 1),
        tasks_per_minute=round(plan.task_count * MINUTE_SECONDS / max(claimed_seconds, 1.0), 1),
        seconds=round(seconds, 1),
        complaints=complaints(plan, tally, due, changes, bad=bad, restarts=restarts),
    )


def complaints(
    plan: Plan,
    tally: Tally,
    due: Mapping[str, int],
    changes: Mapping[str, int],
    *,
    bad: Collection[JobId] = (),
    restarts: int = 0,
) -> tuple[str, ...]:
    """What is not as it should be. `due` is what coins must have done, `changes` what they did."""
    wrong = [
        f"{name} should have {_in_words(due[name])}, but has {_in_words(changes[name])}"
        for name in due
        if changes[name] != due[name]
    ]
    wrong += [f"job {number} is not final with the right result" for number in sorted(bad)]
    struck, lied = sorted(each.task_id for each in tally.struck.values()), sorted(tally.lied_about())
    if struck != lied or len(lied) != len(plan.lies):
        wrong.append(
            f"expected that {len(plan.lies)} lies are struck and nothing else, got {len(struck)} struck"
        )
    if restarts:
        wrong.append(f"daemons ended by themselves and were started again {restarts} times")
    if tally.missed:
        wrong.append(f"{len(tally.missed)} tasks missed their leases")
    return tuple(wrong)


def due_changes(accounts: Mapping[str, Address], bond_wei: int, plan: Plan, tally: Tally) -> dict[str, int]:
    """What everybody's coins must have done, in wei, gas counted apart."""
    due = dict.fromkeys(accounts, 0)
    name_of = {account: name for name, account in accounts.items()}
    for task_id, event in tally.final.items():
        due[name_of[event.operator]] += reward_of(tally.job_of(task_id))
    for each in tally.struck.values():
        due[name_of[each.operator]] -= bond_wei
    for each in tally.rewards:
        due[name_of[each.challenger]] += each.amount_wei
    for job in plan.jobs:
        due[requester_names(plan)[job.requester]] -= reward_of(job) * job.shard_count
    return due


def _unfinished(tally: Tally) -> set[JobId]:
    wrong = set(tally.false_final())
    return {
        job_id
        for job_id, job in tally.jobs.items()
        for shard in range(job.shard_count)
        if (task_id := task_of(job_id, shard)) not in tally.final or task_id in wrong
    }


def _expected(tally: Tally) -> list[tuple[JobId, list[bytes]]]:
    """Each job with what its shards must have written."""
    return [
        (job_id, [tally.expected(task_of(job_id, shard)) for shard in range(job.shard_count)])
        for job_id, job in tally.jobs.items()
    ]


def _in_words(change_wei: int) -> str:
    if not change_wei:
        return "as much as before"
    return f"{coins(abs(change_wei))} {'more' if change_wei > 0 else 'less'}"
