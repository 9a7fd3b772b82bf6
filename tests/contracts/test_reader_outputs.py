"""Outputs and parts of them as JobReader checks them, and the npm package (docs/protocol.md S10.1)."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contracts.consumers import LANGUAGES, READERS, chunk_of, deploy, output_root
from tests.contracts.evm import EvmContract, rejects
from tests.contracts.settlement import Settlement
from tests.contracts.solidity import PACKAGE, compile_solidity
from truestep.base.errors import Reject
from truestep.commitments.merkle import ZERO_NODES, levels_above
from truestep.contracts.artifacts import AbiEntry, load_artifact
from truestep.machine.layout import RANGE_LEVEL

LIMIT_BYTES = 8192


# --- outputs --------------------------------------------------------------------------------------


@cache
def readers() -> list[EvmContract]:
    """One in each language, for pure functions."""
    net = Settlement(is_connected=False)
    return [deploy(net, language, "Reader", net.jobs.address) for language in LANGUAGES]


def result_with(output: bytes) -> tuple[Any, ...]:
    """An accepted result with this output."""
    return True, True, 1, 0, 7, len(output), output_root(output)


CONTENT = st.binary(min_size=1, max_size=40).flatmap(
    lambda part: st.integers(0, LIMIT_BYTES).map(lambda size: (part * size)[:size])
)


@settings(max_examples=15)
@given(output=CONTENT, cut=st.integers(0, LIMIT_BYTES - 1))
@example(output=b"", cut=0)
@example(output=b"\1" * 33, cut=32)
@example(output=bytes(64), cut=63)
@example(output=b"\1" * LIMIT_BYTES, cut=LIMIT_BYTES - 1)
def test_outputs_are_read_byte_by_byte(output: bytes, cut: int) -> None:
    result = result_with(output)
    for reader in readers():
        reader.call("check_output", result, output)
        wrong = [output[:-1]] if output else []
        wrong += [output + b"\0"] if len(output) < LIMIT_BYTES else []
        wrong += [output[:cut] + bytes([output[cut] ^ 1]) + output[cut + 1 :]] if cut < len(output) else []
        for other in wrong:
            with rejects(Reject.OUTPUT_OTHER):
                reader.call("check_output", result, other)


def test_larger_outputs_and_longer_paths_are_refused() -> None:
    """In Vyper the types refuse them."""
    compile_solidity(READERS)
    output = b"x" * (LIMIT_BYTES + 1)
    with rejects(Reject.OUTPUT_OTHER):
        readers()[1].call("check_output", result_with(output), output)
    index, content, path = chunk_of(b"x", 0, 0)
    with rejects(Reject.CHUNK_SHAPE):
        readers()[1].call("check_chunk", result_with(b"x"), (index, content, [*path, bytes(32)]))


@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 65, LIMIT_BYTES])
def test_what_stands_behind_an_output_in_memory_is_not_read(size: int) -> None:
    """Solidity leaves there what it likes."""
    output = b"x" * size
    reader = readers()[1]
    reader.call("check_cut_output", result_with(output), output + b"y")
    with rejects(Reject.OUTPUT_OTHER):
        reader.call("check_cut_output", result_with(output[:-1] + b"z"), output + b"y")


@settings(max_examples=15)
@given(
    output=st.binary(min_size=1, max_size=40).flatmap(
        lambda part: st.integers(1, 40_000).map(lambda size: (part * size)[:size])
    ),
    level=st.integers(0, 8),
    where=st.floats(0, 1),
)
@example(output=b"\1" * LIMIT_BYTES, level=8, where=0)
@example(output=b"\1" * (LIMIT_BYTES + 1), level=8, where=1)
@example(output=b"\1", level=0, where=0)
def test_chunks_are_read_in_their_places(output: bytes, level: int, where: float) -> None:
    result, size = result_with(output), 32 << level
    last = (len(output) - 1) // size
    index = min(last, int(where * (last + 1)))
    place, content, path = chunk_of(output, level, index)
    wrong: list[tuple[Reject, tuple[Any, ...]]] = [
        (Reject.CHUNK_PROOF, (place, bytes([content[0] ^ 1]) + content[1:], path)),
        (Reject.CHUNK_PROOF, (place, content[:-1] + bytes([content[-1] ^ 128]), path)),
        (Reject.CHUNK_PROOF, (place, content, [*path[:-1], path[0]])),
        (Reject.CHUNK_SHAPE, (place, content[:-1], path)),
        (Reject.CHUNK_SHAPE, (last + 1, content, path)),
        (Reject.CHUNK_SHAPE, (place | 2**63, content, path)),
        (Reject.CHUNK_SHAPE, (place, content, path[:15])),
        (Reject.CHUNK_SHAPE, (place, content, [])),
    ]
    if len(content) < LIMIT_BYTES:
        wrong.append((Reject.CHUNK_SHAPE, (place, content + b"\0", path)))
    if level and len(content) == size:  # half of it, under the path of the whole
        wrong.append((Reject.CHUNK_SHAPE, (place, content[: size // 2], path)))
    for reader in readers():
        reader.call("check_chunk", result, (place, content, path))
        for reason, chunk in wrong:
            with rejects(reason):
                reader.call("check_chunk", result, chunk)


@pytest.mark.parametrize("level", [0, 1, 8])
def test_chunks_end_where_their_share_ends(level: int) -> None:
    """Behind an output there are zeros, so roots alone would let zeros be cut or appended."""
    size = 32 << level
    output = b"\1" * size + bytes(size)  # the second part is zeros
    _, content, path = chunk_of(output, level, 1)
    _, _, behind = chunk_of(output + b"\0", level, 2)
    wrong = [
        (output, (1, b"", path)),
        (output, (1, content[:-1], path)),
        (output[:-1], (1, content, path)),
        (output[:-1], (1, content[:-2], path)),
        (output, (2, b"", behind)),  # starts at the output's end
        (output, (2, b"\0", behind)),
        (output, (3, b"", behind)),
        (b"", (0, b"", list(ZERO_NODES[level:RANGE_LEVEL]))),
        (b"", (0, b"\0", list(ZERO_NODES[level:RANGE_LEVEL]))),
    ]
    for reader in readers():
        reader.call("check_chunk", result_with(output), (1, content, path))
        reader.call("check_chunk", result_with(output[:-1]), (1, content[:-1], path))
        for meant, chunk in wrong:
            with rejects(Reject.CHUNK_SHAPE):
                reader.call("check_chunk", result_with(meant), chunk)


@pytest.mark.parametrize("size", [1, 33, LIMIT_BYTES])
def test_chunks_have_at_most_256_leaves(size: int) -> None:
    """Even where the output is small enough to be the whole of a larger part, and the path is right."""
    output = b"\1" * size
    for reader in readers():
        reader.call("check_chunk", result_with(output), (0, output, list(ZERO_NODES[8:RANGE_LEVEL])))
        for level in (9, 10, RANGE_LEVEL - 1, RANGE_LEVEL):
            with rejects(Reject.CHUNK_SHAPE):
                chunk = (0, output, list(ZERO_NODES[level:RANGE_LEVEL]))
                reader.call("check_chunk", result_with(output), chunk)


@pytest.mark.parametrize("level", range(1, 8))
def test_inner_nodes_are_no_chunks(level: int) -> None:
    """How high a chunk stands follows from its path, so that its content is that many leaves."""
    output, size = bytes(range(256)) * 64, 32 << level
    nodes = levels_above(output)[level]
    _, content, path = chunk_of(output, level, 0)
    wrong = [
        (Reject.CHUNK_SHAPE, (0, nodes[:32], path)),  # the hash of the part
        (Reject.CHUNK_SHAPE, (0, nodes[:64], path[1:])),  # the two that are hashed above it
        (Reject.CHUNK_SHAPE, (0, content, path[1:])),
        (Reject.CHUNK_PROOF, (0, nodes[:32].ljust(size, b"\0"), path)),
        (Reject.CHUNK_PROOF, (0, nodes[:64].ljust(2 * size, b"\0"), path[1:])),
        (Reject.CHUNK_PROOF, (0, nodes[:64], chunk_of(output, 1, 0)[2])),
    ]
    for reader in readers():
        for reason, chunk in wrong:
            with rejects(reason):
                reader.call("check_chunk", result_with(output), chunk)


# --- the package ----------------------------------------------------------------------------------


def _shape(entry: AbiEntry) -> AbiEntry:
    """Names and types, without those that only one compiler writes."""
    kept = {key: entry[key] for key in ("name", "type") if key in entry}
    return kept | {"components": [_shape(part) for part in entry.get("components", [])]}


@pytest.mark.parametrize("name", ["Jobs", "Results"])
def test_solidity_interfaces_are_the_contracts(name: str) -> None:
    """The same names, arguments, results and mutability, to the fields of the structs."""
    contract = {
        (entry["name"], len(entry["inputs"])): entry
        for entry in load_artifact(name).abi
        if entry["type"] == "function"
    }
    for entry in compile_solidity(READERS)[f"I{name}"].abi:
        other = contract[entry["name"], len(entry["inputs"])]
        for side in ("inputs", "outputs"):
            # Getters and results have no names in Vyper.
            unnamed = [{"name": ""} if part["name"].startswith("arg") else {} for part in other["inputs"]]
            changes = unnamed if side == "inputs" else [{"name": ""}] * len(entry["outputs"])
            shapes = [
                [_shape(part) | change for part, change in zip(found[side], changes, strict=True)]
                for found in (entry, other)
            ]
            assert shapes[0] == shapes[1]
        assert entry["stateMutability"] == other["stateMutability"]


def test_foundry_compiles_as_hardhat_does() -> None:
    solidity = json.loads((PACKAGE / "solidity.json").read_text("utf-8"))
    foundry = tomllib.loads((PACKAGE / "foundry.toml").read_text("utf-8"))["profile"]["default"]
    package = json.loads((PACKAGE / "package.json").read_text("utf-8"))
    assert solidity["version"] == package["devDependencies"]["solc"]
    assert solidity["settings"] == {
        "evmVersion": foundry["evm_version"],
        "optimizer": {"enabled": foundry["optimizer"], "runs": foundry["optimizer_runs"]},
    }
