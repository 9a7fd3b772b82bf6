"""Consumers in both languages, and what is brought to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import EvmContract
from tests.contracts.settings import BOB
from tests.contracts.settlement import Settlement, TakenBatch
from tests.contracts.solidity import compile_solidity
from truestep.base.ids import Bytes32
from truestep.commitments.merkle import ZERO_NODES, levels_above, root_of_bytes
from truestep.contracts.artifacts import Artifact
from truestep.machine.layout import RANGE_LEVEL

READERS = Path(__file__).parent / "readers"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "contracts"
READER_NAMES = ("Reader", "Shown")
LANGUAGES = ("vyper", "solidity")


def compiled(language: str, name: str) -> Artifact:
    """A contract of the readers, or an example."""
    if language == "solidity":
        return compile_solidity(READERS)[name]
    folder = READERS if name in READER_NAMES else EXAMPLES
    return compile_folder(folder)[name]


def deploy(net: Settlement, language: str, name: str, *arguments: Any, coins_wei: int = 0) -> EvmContract:
    """Deploy a consumer that has coins."""
    contract = deploy_compiled(net.evm, compiled(language, name), *arguments, sender=BOB)
    net.evm.chain.set_balance(contract.address, coins_wei)
    return contract


def evidence(net: Settlement, batch: TakenBatch, leaf_index: int) -> tuple[Any, ...]:
    """What proves a leaf to a consumer."""
    proof = batch.proof(leaf_index, net.posted)
    return batch.claim_id(leaf_index), astuple(batch.terms), astuple(proof)


def output_root(output: bytes) -> Bytes32:
    """The root of a run's output."""
    return root_of_bytes(output, RANGE_LEVEL)


def chunk_of(output: bytes, level: int, index: int) -> tuple[int, bytes, list[bytes]]:
    """Part number `index` of 2^level leaves, and its path."""
    size = 32 << level
    depth = max(level, (max(1, -(-len(output) // 32)) - 1).bit_length())
    levels = levels_above(output.ljust(32 << depth, b"\0"))
    path = [levels[at][32 * (index >> at - level ^ 1) :][:32] for at in range(level, depth)]
    return index, output[index * size : (index + 1) * size], path + list(ZERO_NODES[depth:RANGE_LEVEL])


def each_language(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test with a consumer in Vyper and with one in Solidity."""
    return pytest.mark.parametrize("language", LANGUAGES)(test)
