"""The contracts compute what the vectors of the protocol say (docs/protocol.md S1, S4 to S6, S11).

Commitments, the hash of a program and the slots of reducers are computed inside of calls: `test_rewards.py`,
`test_jobs.py` and `test_results.py` make these with the same functions as the vectors.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import Evm, EvmContract
from tests.contracts.settlement import HERE
from tests.vectors.settlement import SettlementCase, read_settlement

CHAIN_ID = 1
"""Of the chain in memory."""
CASES = read_settlement()
ADDRESS_DIGITS, HASH_DIGITS = 40, 64
"""No number of a case has so many."""


def value_of(plain: Any) -> Any:
    """A value as a call takes it, and structs as tuples."""
    if isinstance(plain, str) and plain.startswith("0x"):
        digits = plain[2:]
        if len(digits) == ADDRESS_DIGITS:
            return plain
        return bytes.fromhex(digits) if not digits or len(digits) >= HASH_DIGITS else int(plain, 16)
    if isinstance(plain, dict):
        return tuple(value_of(each) for each in plain.values())
    return [value_of(each) for each in plain] if isinstance(plain, list) else plain


@pytest.fixture(scope="module")
def hashes() -> EvmContract:
    """What the contracts hash."""
    artifact = compile_folder(HERE / "hashes")["Hashes"]
    return deploy_compiled(Evm(), artifact)


def of_kind(kind: str) -> list[SettlementCase]:
    """The cases of a kind, of which there are some."""
    found = [case for case in CASES if case.kind == kind]
    assert found
    return found


def given(case: SettlementCase, *names: str) -> list[Any]:
    """What is hashed, as arguments."""
    return [value_of(case.given[name]) for name in names]


def expected(case: SettlementCase, name: str) -> Any:
    """What comes of it, as a call returns it."""
    return value_of(case.expected[name])


def test_digests_of_jobs(hashes: EvmContract) -> None:
    cases = [case for case in of_kind("job") if case.given["chain_id"] == CHAIN_ID]
    assert cases
    for case in cases:
        digest = hashes.call("job_digest", *given(case, "jobs", "job_id", "work", "terms"))
        assert digest == expected(case, "job_digest")


def test_terms_of_batches(hashes: EvmContract) -> None:
    for case in of_kind("batch terms"):
        assert hashes.call("terms_hash", value_of(case.given)) == expected(case, "terms_hash")


def test_trees_over_items(hashes: EvmContract) -> None:
    for case in of_kind("items"):
        digests = [value_of(item["job_digest"]) for item in case.given["items"]]
        packed = expected(case, "packed")
        root = hashes.transact("tasks_root", packed, digests).result
        assert root == expected(case, "tasks_root")
        path = expected(case, "last_path")
        assert hashes.call("climb", expected(case, "last"), len(packed) - 1, path) == root


def test_trees_over_leaves(hashes: EvmContract) -> None:
    for case in of_kind("leaves"):
        heads, last = expected(case, "heads"), case.given["leaves"][-1]
        leaf = (heads[-1], value_of(last["output_root"]), value_of(last["left_root"]))
        assert hashes.call("leaf_hash", leaf) == expected(case, "last")
        root = hashes.call("climb", expected(case, "last"), len(heads) - 1, expected(case, "last_path"))
        assert root == expected(case, "claims_root")


def test_states(hashes: EvmContract) -> None:
    for case in of_kind("state"):
        assert hashes.call("initial_hash", *given(case, "task_id", "work")) == expected(case, "initial_hash")
        claimed = hashes.call("claimed_hash", *given(case, "task_id", "work", "leaf"))
        assert claimed == expected(case, "claimed_hash")


def test_refutations(hashes: EvmContract) -> None:
    for case in of_kind("refutation"):
        is_refuted = hashes.call("is_refuted", *given(case, "work", "leaf", "packed_state"))
        assert is_refuted == case.expected["is_refuted"], case.given["name"]


def test_splits(hashes: EvmContract) -> None:
    for case in of_kind("split"):
        arity, part, states = given(case, "arity", "part", "hashes")
        root = hashes.call("split_root", states[0], states[1:-1], states[-1], arity)
        assert root == expected(case, "root")
        siblings = expected(case, "siblings")
        assert hashes.call("climb_split", states[part], states[part + 1], part, siblings) == root
        assert int.from_bytes(root, "big") >> 40 == expected(case, "kept")


def test_nodes_of_games(hashes: EvmContract) -> None:
    """A game with the node's fields, whatever the others are."""
    game = of_kind("game")[0].given["game"]
    for case in of_kind("split"):
        claim_id, low, high = given(case, "claim_id", "low", "high")
        fields = {"defender": case.given["defender"], "rules": case.given["arity"], "low": low, "high": high}
        fields |= {"low_hash": case.given["hashes"][0], "high_hash": case.given["hashes"][-1]}
        assert hashes.call("node_of", claim_id << 32 | 7, value_of(game | fields)) == expected(case, "node")


def test_ends_of_micro_runs(hashes: EvmContract) -> None:
    for case in of_kind("reveal"):
        assert hashes.call("high_hash", *given(case, "memory_root", "cycles", "result")) == expected(
            case, "high_hash"
        )


def test_games(hashes: EvmContract) -> None:
    for case in of_kind("game"):
        assert hashes.call("rules", *given(case, "parameters")) == expected(case, "rules")
        assert hashes.call("game_hash", *given(case, "game")) == expected(case, "game_hash")
