"""Which entries can prove an order's claims, and what is said if none can (docs/validity.md V2.4)."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.cli.main import app
from truestep.client.believed import believed_entries, claim_value_wei, expiry_notice
from truestep.client.orders import Order
from truestep.protocol.calls import NATIVE
from truestep.protocol.settlement.programs import named_program
from truestep.protocol.validity.contracts.verifiers import Entry, Selector
from truestep.protocol.validity.state import KeptEntry

NOW = 1_000_000
BOND_WEI = 10**18
IMAGE = Bytes32(b"i" * 32)
PLACE = 0x1000
ORDER = Order(max_cycles=4_096, reward_wei=10**16, is_proven=True, lifetime_seconds=3_600)
ENTRY = Entry(
    verifier=Address("0x" + "11" * 20),
    selector=Selector(b"abcd"),
    key_digest=Bytes32(b"k" * 32),
    program_hash=named_program(IMAGE, PLACE, 4_096),
    system="UltraHonk",
    bits=100,
    value_cap_wei=2 * BOND_WEI,
    least_bond_wei=0,
    gas_limit=800_000,
    active_from=0,
    active_until=NOW + 10**6,
)


def chain_with(*entries: Entry, stopped_at: int = 0) -> Any:
    """A chain that believes these entries; the last one was stopped then."""
    kept = [KeptEntry(entry=each, code_hash=Bytes32(bytes(32))) for each in entries]
    if stopped_at:
        kept[-1] = replace(kept[-1], stopped_at=stopped_at)
    registered = [SimpleNamespace(image_root=IMAGE, max_cycles=5_000)]
    facts = SimpleNamespace(proving=object(), entries=tuple(kept), programs=registered)
    rules = SimpleNamespace(operator_bond_wei=BOND_WEI, window_seconds=7_200)
    return SimpleNamespace(
        facts=lambda: facts, head=lambda: SimpleNamespace(time_seconds=NOW), parameters=lambda: rules
    )


def refused(chain: Any, order: Order = ORDER) -> Rejected:
    with pytest.raises(Rejected) as refusal:
        believed_entries(chain, IMAGE, PLACE, order)
    assert "Nothing was sent" in str(refusal.value) or "none yet" in str(refusal.value)
    return refusal.value


def test_a_live_entry_of_the_program_or_of_any_serves() -> None:
    of_any = replace(ENTRY, program_hash=Bytes32(bytes(32)), system="RISC Zero 3.0")
    chain = chain_with(ENTRY, of_any)
    numbers = [each.number for each in believed_entries(chain, IMAGE, PLACE, ORDER)]
    assert numbers == [1, 2]
    chosen = believed_entries(chain, IMAGE, PLACE, replace(ORDER, system="ultrahonk"))
    assert [each.number for each in chosen] == [1]


def test_a_system_that_nobody_is_believed_for_is_refused_with_those_there_are() -> None:
    error = refused(chain_with(ENTRY), replace(ORDER, system="SP1"))
    assert error.reason is Reject.ENTRY_OTHER_PROGRAM
    assert "of the system 'SP1'" in str(error) and "entry 1 (UltraHonk), of another system" in str(error)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"program_hash": Bytes32(b"o" * 32)}, "entry 1 (UltraHonk), for another program"),
        ({"active_from": NOW + 1}, "entry 1 (UltraHonk), not active yet"),
        ({"active_until": NOW - 1}, "entry 1 (UltraHonk), expired"),
        (
            {"value_cap_wei": BOND_WEI},
            "only for claims of up to 1 ETH, and here one has 1.01 ETH. Nothing was sent: offer a lower"
            " reward or --bond-multiple",
        ),
        (
            {"least_bond_wei": 2 * BOND_WEI},
            "only for claims with a bond of at least 2 ETH, and here it is 1 ETH. Nothing was sent: offer a"
            " higher --bond-multiple",
        ),
        ({"program_hash": named_program(IMAGE, PLACE, 8_192)}, "--max-cycles 8192: submit it with that"),
        ({"program_hash": named_program(IMAGE, PLACE, 5_000)}, "--max-cycles 5000: submit it with that"),
    ],
)
def test_an_entry_that_cannot_prove_the_claims_is_named_with_the_reason(
    changes: dict[str, Any], said: str
) -> None:
    assert said in str(refused(chain_with(replace(ENTRY, **changes))))


def test_a_stopped_entry_and_none_at_all() -> None:
    assert "entry 1 (UltraHonk), stopped" in str(refused(chain_with(ENTRY, stopped_at=NOW - 5)))
    assert refused(chain_with()).reason is Reject.ENTRY_UNKNOWN


def test_the_value_of_a_claim_is_bond_and_reward() -> None:
    chain = chain_with(ENTRY)
    token = Address("0x" + "22" * 20)
    assert claim_value_wei(chain, replace(ORDER, bond_multiple=3)) == 3 * BOND_WEI + 10**16
    assert claim_value_wei(chain, replace(ORDER, asset=token)) == BOND_WEI and ORDER.asset == NATIVE
    assert refused(chain, replace(ORDER, bond_multiple=2)).reason is Reject.CLAIM_VALUE


def test_an_entry_that_ends_before_the_job_is_said() -> None:
    lasting, ending = chain_with(ENTRY), chain_with(replace(ENTRY, active_until=NOW + 3_600))
    for chain, is_said in ((lasting, False), (ending, True)):
        found = believed_entries(chain, IMAGE, PLACE, ORDER)
        assert (expiry_notice(chain, found, ORDER) is not None) is is_said


def test_options_that_no_policy_has_are_refused_before_anything_is_read() -> None:
    both = ("--policy", "validity", "--availability", "keepers")
    for options, said in (
        (both, "no policy both proves claims and keeps data"),
        (("--system", "SP1"), "add --policy validity"),
    ):
        words = ["submit", "none.elf", "--rpc", "http://127.0.0.1:9", "--blobs", "none", *options]
        finished = CliRunner().invoke(app, [*words, "--keystore", "none.json"])
        assert finished.exit_code == 2 and said in " ".join(finished.output.split()).replace("│ ", "")
