"""Which jobs a worker can prove the claims of, and by which entries."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.roles.views import BOND_WEI, JOB, NOW
from truestep.base.ids import Address, Bytes32, ClaimId, ProgramId, claim_of, task_of
from truestep.protocol.deployment.validity import POLICY as VALIDITY
from truestep.protocol.settlement.programs import named_program
from truestep.protocol.validity.contracts.verifiers import Entry, Selector
from truestep.protocol.validity.state import KeptEntry
from truestep.roles import intents
from truestep.roles.proving import PROVING_SECONDS, live_entries, proving_entries, why_unprovable
from truestep.roles.taking import is_worth_taking
from truestep.roles.worker_policy import WorkerPolicy

KEY = Bytes32(b"k" * 32)
IMAGE = Bytes32(b"i" * 32)
ONE_SHARD = replace(JOB, shard_count=1, reward=10**15, policy=VALIDITY)
ENTRY = Entry(
    verifier=Address("0x" + "11" * 20),
    selector=Selector(KEY[:4]),
    key_digest=KEY,
    program_hash=named_program(IMAGE, 0, 4_096),
    system="UltraHonk",
    bits=100,
    value_cap_wei=2 * BOND_WEI,
    least_bond_wei=BOND_WEI // 2,
    gas_limit=800_000,
    active_from=0,
    active_until=NOW + 10**6,
)
CIRCUITS = {KEY: ONE_SHARD.input_size}


def facts(*entries: Entry, stopped_at: int = 0) -> Any:
    program = SimpleNamespace(image_root=IMAGE, entry=0, max_cycles=4_096)
    other = SimpleNamespace(image_root=IMAGE, entry=4, max_cycles=4_096)
    kept = [KeptEntry(entry=each, code_hash=Bytes32(bytes(32)), stopped_at=stopped_at) for each in entries]
    return SimpleNamespace(entries=tuple(kept), programs=(other, program))


@pytest.mark.parametrize(
    ("entry", "job", "said"),
    [
        ({}, {"input_size": ONE_SHARD.input_size + 1}, "its run fails, and no circuit proves that"),
        ({}, {"shard_count": 2}, "2 shards"),
        ({}, {"reward": 2 * BOND_WEI}, "no entry of Verifiers takes a claim of"),
        ({}, {"program_id": ProgramId(1)}, "start with --prove MODEL"),
        ({"least_bond_wei": BOND_WEI + 1}, {}, "with a bond of"),
        ({"active_until": NOW + ONE_SHARD.lease_seconds + PROVING_SECONDS - 1}, {}, "may expire before"),
        ({"active_until": NOW - 1}, {}, "start with --prove MODEL"),
        ({"active_from": NOW + 1}, {}, "start with --prove MODEL"),
        ({"key_digest": Bytes32(b"o" * 32)}, {}, "start with --prove MODEL"),
        (
            {"program_hash": Bytes32(bytes(32))},
            {},
            "start with --prove MODEL",
        ),  # a circuit is for one program
    ],
)
def test_what_cannot_be_proven_is_not_taken(entry: dict[str, Any], job: dict[str, Any], said: str) -> None:
    policy = WorkerPolicy(circuits=CIRCUITS)
    mine = replace(ONE_SHARD, program_id=ProgramId(2))
    for changes, expected in (({}, {}), (entry, job)):
        found = proving_entries(facts(replace(ENTRY, **changes)), CIRCUITS.keys(), NOW)
        why = why_unprovable(replace(mine, **expected), NOW, found, CIRCUITS)
        is_provable = not (changes or expected)
        assert why == "" if is_provable else said in why
        knowing = replace(policy, proving_entries=found)
        asked = replace(mine, **expected)
        assert is_provable or not is_worth_taking(asked, 0, NOW, knowing)


def test_stopped_entries_prove_nothing() -> None:
    assert [number for number, _ in live_entries(facts(ENTRY, ENTRY), {KEY}, NOW)] == [1, 2]
    assert list(live_entries(facts(ENTRY, stopped_at=5), {KEY}, NOW)) == []


def test_a_proof_is_an_intent_of_its_claim_and_entry() -> None:
    claim_id = claim_of(task_of(JOB.job_id, 3), 5)  # type: ignore[arg-type]
    intent = intents.of_prove(claim_id, 2)
    assert intents.of_prove(claim_id, 1) != intent != intents.of_prove(ClaimId(claim_id + 1), 2)
    assert intents.in_words(intent) == f"proof of job {JOB.job_id} shard 3"
    assert intents.landed_in_words(intent).startswith(f"job {JOB.job_id} shard 3 is proven by entry 2")
