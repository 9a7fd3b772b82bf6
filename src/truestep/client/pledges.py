"""Pledges: what an operator is drawn by (docs/assignment.md D3)."""

from collections.abc import Callable

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.base.units import coins, duration
from truestep.ports.chain import Chain
from truestep.ports.clock import Clock
from truestep.ports.rounds import Rounds
from truestep.protocol.assignment.rules import UNIT_WEI, DrawRules
from truestep.protocol.assignment.sortition import POOL_LIMIT
from truestep.protocol.draw_calls import (
    CollectPledge,
    DrawCall,
    JoinPool,
    LeavePool,
    RefreshWeight,
    WithdrawEntropy,
)
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY

POLL_SECONDS = 0.5
SAFE_PART = 4
"""A call is sent in the first three quarters of a commit phase: else it could come too late."""
ROUNDS_WAITED = 3

Told = Callable[[str], None]


def check_pledge(chain: Chain, rules: DrawRules, pool: int, amount_wei: int, pledged_wei: int) -> None:
    """Refuse what Sortition would. Raises `Rejected`; the message says what would be right."""
    if not 0 <= pool < POOL_LIMIT:
        raise Rejected(Reject.POOL_UNKNOWN, f"expected a pool from 0 to {POOL_LIMIT - 1}, got {pool}")
    if amount_wei % UNIT_WEI:
        raise Rejected(Reject.PLEDGE_UNIT, f"expected an amount in whole gwei, got {coins(amount_wei)}")
    if pledged_wei + amount_wei < rules.least_pledge_wei:
        raise Rejected(
            Reject.PLEDGE_SMALL,
            f"expected a pledge of at least {coins(rules.least_pledge_wei)} in all, got"
            f" {coins(pledged_wei + amount_wei)}",
        )
    free_wei = chain.balances(chain.account).free_stake_wei
    if amount_wei > free_wei:
        raise Rejected(
            Reject.STAKE_TOO_LOW,
            f"expected up to {coins(free_wei)} of free stake, got {coins(amount_wei)}; `truestep deposit"
            f" {coins(amount_wei - free_wei).removesuffix(' ETH')}` adds what is missing",
        )


def pool_in_words(
    pool: int, members_pool: int | None, auditors_pool: int | None, takers_pool: int | None = None
) -> str:
    """What a pool is drawn for, and the worker that does all of it: whoever does a part pays for the rest."""
    duties = [
        (members_pool, "committees", "--member"),
        (auditors_pool, "audits", "--auditor"),
        (takers_pool, "jobs", ""),  # every worker takes or declines them
    ]
    found = [(what, option) for drawn_from, what, option in duties if drawn_from == pool]
    if not found:
        return f"no policy of this network draws from pool {pool}: nothing is earned by a pledge to it"
    *others, last = (what for what, _ in found)
    drawn_for = f"{', '.join(others)} and {last}" if others else last
    options = " ".join(option for _, option in found if option)
    return (
        f"pool {pool} is drawn for {drawn_for}, and who is drawn and silent pays: keep a worker running"
        + (f" with {options}" if options else "")
    )


def few_pledged(facts: Facts, policy: int, member_count: Callable[[int], int]) -> str:
    """What it means for a job of this policy that fewer operators have pledged than it needs; empty if enough
    have. `member_count`: how many operators are in a pool.
    """
    needed: int
    if facts.seating is not None and policy == facts.seating.policy:
        pool, needed = facts.seating.rules.pool, facts.seating.rules.seats
        what = f"a committee has {counted(needed, 'seat')}"
        then = "none is drawn, and nobody can take the job; `truestep reclaim JOB --now` takes its coins back"
    elif facts.dealing is not None and policy == facts.dealing.policy:
        pool, needed = facts.dealing.rules.pool, 1
        what = "one at least is needed, to take the job in its turn"
        wait = duration(facts.dealing.rules.open_seconds)
        then = f"its parts wait for {wait}, and then whoever is first takes them"
    elif facts.auditing is not None and policy == facts.auditing.policy:
        pool, needed = facts.auditing.rules.pool, 2
        what = "nobody audits a claim of its own"
        then = "claims may end without an audit, as under --policy window"
    else:
        return ""
    count = member_count(pool)
    if count >= needed:
        return ""
    have = {0: "no operator has", 1: "only 1 operator has"}.get(count, f"only {count} operators have")
    return (
        f"{have} pledged to pool {pool}, and {what}: until enough have"
        f" (`truestep stake pledge {pool} AMOUNT`, and a worker that runs), {then}"
    )


def pledge(chain: Chain, rules: DrawRules, clock: Clock, told: Told, pool: int, amount_wei: int) -> None:
    """Pledge free stake, in the next commit phase."""
    in_commit_phase(chain, rules, clock, told, JoinPool(pool=pool, pledge_wei=amount_wei))


def leave(chain: Chain, rules: DrawRules, clock: Clock, told: Told) -> None:
    """Be drawn no longer, from the next commit phase on."""
    in_commit_phase(chain, rules, clock, told, LeavePool())


def refresh(chain: Chain, rules: DrawRules, clock: Clock, told: Told, operator: Address) -> None:
    """Let an operator's weight follow its pledge, in the next commit phase (D3.4)."""
    in_commit_phase(chain, rules, clock, told, RefreshWeight(operator=operator))


def collect(chain: Chain) -> None:
    """Free the pledge of the account, whose exit time is over."""
    _send(chain, CollectPledge(operator=chain.account))


def withdraw_entropy(chain: Chain, rounds: Rounds, receiver: Address | None) -> int:
    """Take the bonds of secrets that were revealed; how much that was."""
    owed_wei = rounds.promises(chain.account, []).owed_wei
    if owed_wei:
        _send(chain, WithdrawEntropy(receiver=receiver or NOBODY))
    return owed_wei


def in_commit_phase(chain: Chain, rules: DrawRules, clock: Clock, told: Told, call: DrawCall) -> None:
    """Send in a commit phase, and wait for one: weights change at no other time (D1.2).

    Whether it is one, the trial before the send says: a chain without transactions may make no blocks.
    """
    phases = rules.phases
    until = clock.monotonic_seconds() + ROUNDS_WAITED * phases.round_seconds
    is_told = False
    while clock.monotonic_seconds() < until:
        since = chain.head().time_seconds % phases.round_seconds
        is_late = phases.commit_seconds - phases.commit_seconds // SAFE_PART <= since < phases.commit_seconds
        try:
            if not is_late:
                _send(chain, call)
                return
        except Rejected as error:
            if error.reason is not Reject.COMMIT_OVER:
                raise
        if not is_told:
            longest = duration(phases.round_seconds - phases.commit_seconds)
            told(f"waiting for the next commit phase, up to {longest}: pledges change then alone")
            is_told = True
        clock.sleep(POLL_SECONDS)
    raise Unavailable("no commit phase has come in three rounds; does the chain make blocks?")


def _send(chain: Chain, call: DrawCall) -> None:
    """A call that may be made again later: its intent names the newest block."""
    chain.transact(call, intent=f"{type(call).__name__}:{chain.account}:{chain.head().hash.hex()}")
