"""The instruction that a contract executed, read from the call in its transaction."""

from __future__ import annotations

from typing import Any

import pytest
from web3 import Web3

from truestep.client.executed import executed
from truestep.contracts.artifacts import load_artifact

PC, CYCLE = 0x107BC, 41
ADD = 0x00B50533
"""add a0, a0, a1"""


def witness() -> bytes:
    """One whose instruction is at PC (docs/machine.md M6.2); the rest is of no interest here."""
    head = PC.to_bytes(8, "big") + CYCLE.to_bytes(8, "big")
    leaf = bytearray(32)
    leaf[PC % 32 : PC % 32 + 4] = ADD.to_bytes(4, "little")
    return (head.ljust(284, b"\0") + bytes(leaf)).ljust(2_051, b"\7")


def empty(parameter: Any) -> Any:
    """A value of a type that says nothing."""
    kind = parameter["type"]
    if kind == "tuple":
        return tuple(empty(each) for each in parameter["components"])
    if kind == "address":
        return "0x" + "00" * 20
    return bytes(int(kind[5:] or 0)) if kind.startswith("bytes") else False if kind == "bool" else 0


def call(name: str) -> bytes:
    """A call of Disputes with this witness."""
    abi = load_artifact("Disputes").abi
    (entry,) = (each for each in abi if each.get("name") == name)
    values = [witness() if each["name"] == "witness" else empty(each) for each in entry["inputs"]]
    contract: Any = Web3().eth.contract(abi=list(abi))
    return bytes.fromhex(contract.encode_abi(name, values)[2:])


@pytest.mark.parametrize("name", ["step", "descend"])
def test_an_instruction_is_read(name: str) -> None:
    step = executed(call(name))
    assert step is not None
    assert (step.assembly, step.pc, step.number) == ("add a0, a0, a1", PC, CYCLE + 1)


@pytest.mark.parametrize("size", [0, 3, 4, 36, 100, 700])
def test_what_is_no_step_is_none(size: int) -> None:
    assert executed(call("step")[:size]) is None
    assert executed(call("step")[:4] + b"\xff" * size) is None
