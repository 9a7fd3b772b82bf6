"""Codecs made from types: what is encoded is decoded, and what does not fit a contract is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, get_args

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from truestep.adapters.chain.abi import ContractTypes, _type_name, event_topic, function_name
from truestep.adapters.chain.answers import Junk, RawLog
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Bug
from truestep.base.ids import Address, Bytes32
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)
from truestep.protocol.settlement.records import Program

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: checksummed("0x" + raw.hex()))
HASHES = st.binary(min_size=32, max_size=32).map(Bytes32)
AMOUNTS = st.integers(0, 2**256 - 1)

MODULES = (assurances, disputes, jobs, operators, parameters, programs, results)
OPERATORS = ContractTypes(
    "Operators",
    (operators.DepositFor, operators.WithdrawTo, operators.SetDelegate),
    (operators.Deposited, operators.Delegated, operators.Seized),
)
PROGRAMS = ContractTypes("Programs", (), (programs.Registered,))


def entry_of(contract: str, name: str) -> dict[str, Any]:
    return next(e for e in load_artifact(contract).abi if e.get("name") == name)


def raw_log(contract: str, name: str, **fields: Any) -> RawLog:
    """A log as the EVM writes it."""
    inputs = entry_of(contract, name)["inputs"]
    others = [p for p in inputs if not p["indexed"]]
    topics = [encode([p["type"]], [fields[p["name"]]]) for p in inputs if p["indexed"]]
    return RawLog(
        address="0x" + "11" * 20,
        topics=tuple(map(Bytes32, (event_topic(entry_of(contract, name)), *topics))),
        payload=encode([_type_name(p) for p in others], [fields[p["name"]] for p in others]),
        block_number=1,
        block_hash=Bytes32(bytes(32)),
        log_index=0,
        transaction_hash=Bytes32(bytes(32)),
    )


@given(ADDRESSES, AMOUNTS)
def test_a_call_is_its_selector_and_its_arguments(receiver: Address, amount_wei: int) -> None:
    payload = OPERATORS.payload(operators.WithdrawTo(receiver=receiver, amount_wei=amount_wei))
    assert payload[:4] == keccak(text="withdraw_to(address,uint256)")[:4]
    assert payload[4:] == encode(["address", "uint256"], [receiver, amount_wei])


@given(ADDRESSES, ADDRESSES, AMOUNTS, AMOUNTS)
def test_an_event_is_decoded_into_its_type(
    operator: Address, receiver: Address, batch_id: int, amount_wei: int
) -> None:
    fields = {"operator": operator, "batch_id": batch_id, "receiver": receiver, "amount_wei": amount_wei}
    assert OPERATORS.event(raw_log("Operators", "Seized", **fields)) == operators.Seized(**fields)


@given(HASHES, st.integers(0, 2**64 - 1), ADDRESSES, st.integers(0, 2**16 - 1))
def test_a_struct_is_decoded_into_its_record(
    root: Bytes32, number: int, owner: Address, workload: int
) -> None:
    values = (root, number, number, workload, root, owner)
    output = encode(["(bytes32,uint64,uint64,uint16,bytes32,address)"], [values])
    assert PROGRAMS.view_result("get", Program, output) == Program(
        image_root=root, entry=number, max_cycles=number, workload=workload, digest=root, owner=owner
    )


def test_a_view_is_asked_with_its_arguments() -> None:
    assert PROGRAMS.view_payload("get", 7)[4:] == encode(["uint256"], [7])


def test_text_of_any_bytes_does_not_stop_the_reader() -> None:
    fields = {"image_root": b"r" * 32, "entry": 1, "max_cycles": 1, "workload": 0, "digest": b"d" * 32}
    log = raw_log("Programs", "Registered", program_id=1, owner="0x" + "22" * 20, uri="abcd", **fields)
    event = PROGRAMS.event(replace(log, payload=log.payload.replace(b"abcd", b"a\xff\xfed")))
    assert isinstance(event, programs.Registered)
    assert event.uri == "a\ufffd\ufffdd"


def test_events_that_nobody_asked_for_are_passed_over() -> None:
    assert OPERATORS.event(raw_log("Programs", "Registered", program_id=1, owner="0x" + "22" * 20, uri="",
        image_root=b"r" * 32, entry=1, max_cycles=1, workload=0, digest=b"d" * 32)) is None  # fmt: skip


def test_junk_is_told() -> None:
    log = raw_log("Operators", "Delegated", operator="0x" + "22" * 20, delegate="0x" + "33" * 20, roles=1)
    with pytest.raises(Junk, match="topics"):
        OPERATORS.event(replace(log, topics=log.topics[:2]))
    with pytest.raises(DecodingError):
        OPERATORS.event(replace(log, payload=b"short"))


def test_names() -> None:
    assert [function_name(kind) for kind in (jobs.TopUp, jobs.Take, operators.SetDelegate)] == [
        "top_up",
        "take",
        "set_delegate",
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_call_and_event_fits_its_contract(module: ModuleType) -> None:
    call_types = get_args(module.Call) or (module.Call,)
    event_types = get_args(module.Event) or (module.Event,)
    contract = module.__name__.rpartition(".")[2].capitalize()
    types = ContractTypes(contract, call_types, event_types)
    assert len(types.topics) == len(event_types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """No function of the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """Lacks a field."""

    operator: Address
    delegate: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Has a field of another kind."""

    receiver: bytes
    amount_wei: int


@pytest.mark.parametrize(
    ("call_types", "event_types", "message"),
    [
        ((Deposit,), (), "Operators has no deposit"),
        ((), (Delegated,), "expected the fields operator, delegate, roles"),
        ((WithdrawTo,), (), "Operators.withdraw_to.receiver: expected a type for address"),
    ],
)
def test_a_class_that_does_not_fit_the_contract_is_a_bug(
    call_types: tuple[type, ...], event_types: tuple[type, ...], message: str
) -> None:
    with pytest.raises(Bug, match=message):
        ContractTypes("Operators", call_types, event_types)
