"""What a client refuses of a job for a committee, before anything is paid (docs/quorum.md Q2.1)."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.protocol.audits.test_audit_facts import AUDITING
from tests.protocol.lots.echo import DEALING
from tests.protocol.quorum.world import RULES
from tests.protocol.settlement.world import PARAMETERS
from tests.roles.test_quorum import SEATING
from truestep.base.errors import Reject, Rejected
from truestep.cli.commands.submit import lease_notice
from truestep.client import Order
from truestep.client.committees import Wanted, check_wanted, lease_for
from truestep.client.pledges import few_pledged
from truestep.protocol.quorum.rules import most_fee
from truestep.protocol.settlement.assurances import OPTIMISTIC

TURNS_SECONDS = RULES.leader_seconds + RULES.member_seconds
LONGEST_SECONDS = (1_000_000 - TURNS_SECONDS) // 2 - RULES.stretch_seconds


def test_a_lease_is_refused_that_a_member_could_wait_out() -> None:
    facts = SimpleNamespace(seating=SEATING, parameters=(PARAMETERS,))
    chain: Any = SimpleNamespace(facts=lambda: facts)
    asked = {"shard_count": 1, "max_cycles": 1, "fee_wei": 0}
    room_seconds = LONGEST_SECONDS - PARAMETERS.window_seconds
    check_wanted(chain, Wanted(lease_seconds=room_seconds, window_seconds=0, **asked))
    with pytest.raises(Rejected) as refused:
        check_wanted(chain, Wanted(lease_seconds=room_seconds + 1, window_seconds=0, **asked))
    assert refused.value.reason is Reject.WINDOW_LONG
    with pytest.raises(Rejected):
        longer_seconds = PARAMETERS.window_seconds + 1
        check_wanted(chain, Wanted(lease_seconds=room_seconds, window_seconds=longer_seconds, **asked))


def test_the_shortest_lease_is_said_as_it_is_given() -> None:
    facts = SimpleNamespace(seating=SEATING, parameters=(PARAMETERS,))
    chain: Any = SimpleNamespace(facts=lambda: facts)
    wanted = Wanted(shard_count=3, max_cycles=10**9, lease_seconds=1, window_seconds=0, fee_wei=0)
    least_seconds = lease_for(chain, wanted)
    with pytest.raises(Rejected, match=f"--lease {least_seconds} or more, got 1, in seconds"):
        check_wanted(chain, wanted)
    said = lease_notice(chain, Order(shard_count=3, max_cycles=10**9, is_judged=True))
    assert "half of the lease, 30 min" in said and f"takes {least_seconds} seconds or more" in said


def test_fees_that_would_pay_for_a_lie_are_refused_with_a_way_out() -> None:
    facts = SimpleNamespace(seating=SEATING, parameters=(PARAMETERS,))
    chain: Any = SimpleNamespace(facts=lambda: facts)
    most_wei = most_fee(RULES, 2)
    lease_seconds = LONGEST_SECONDS - PARAMETERS.window_seconds
    usual = Wanted(
        shard_count=2, max_cycles=1, lease_seconds=lease_seconds, window_seconds=0, fee_wei=most_wei
    )
    check_wanted(chain, usual)
    dear = replace(usual, fee_wei=most_wei + 1)
    many = replace(usual, shard_count=256, fee_wei=0)
    for wanted in (dear, many):
        with pytest.raises(Rejected, match=r"half of what a lie costs .* post fewer shards") as refused:
            check_wanted(chain, wanted)
        assert refused.value.reason is Reject.FEE_BOUNDS


@pytest.mark.parametrize(
    ("known", "enough", "said"),
    [
        (
            {"seating": SEATING},
            RULES.seats,
            rf"a committee has {RULES.seats} seats: .* nobody can take the job",
        ),
        ({"dealing": DEALING}, 1, r"no operator has pledged .* whoever is first takes them"),
        ({"auditing": AUDITING}, 2, r"1 operator has pledged .* without an audit"),
    ],
)
def test_too_few_pledges_are_said_with_what_to_do(known: dict[str, Any], enough: int, said: str) -> None:
    facts: Any = SimpleNamespace(**{"seating": None, "dealing": None, "auditing": None} | known)
    [policy] = [each.policy for each in known.values()]
    assert few_pledged(facts, policy, lambda pool: enough) == ""
    few = few_pledged(facts, policy, lambda pool: enough - 1)
    assert re.search(said, few) and "truestep stake pledge" in few


def test_other_policies_need_no_pledges() -> None:
    facts: Any = SimpleNamespace(seating=SEATING, dealing=None, auditing=None)
    assert few_pledged(facts, OPTIMISTIC, lambda pool: 0) == ""
