"""Evidence and parts of outputs in the ABI's encoding, for callers of contracts that use JobReader."""

from collections.abc import Sequence
from functools import cache

from web3 import Web3

from truestep.adapters.chain.abi import SELECTOR_SIZE_BYTES, ContractTypes
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.contracts.results import WriteOut
from truestep.protocol.settlement.facts.evidence import Evidence

_STRUCT_OFFSET = (32).to_bytes(32, "big")
"""A struct with a part of unknown length is encoded behind its offset."""


def encode_evidence(evidence: Evidence) -> bytes:
    """`abi.encode` of JobReader's Evidence, whose fields are the arguments of Results' `write_out`."""
    call = WriteOut(claim_id=evidence.claim_id, terms=evidence.terms, proof=evidence.proof)
    return _STRUCT_OFFSET + _results().payload(call)[SELECTOR_SIZE_BYTES:]


def encode_chunk(index: int, content: bytes, path: Sequence[Bytes32]) -> bytes:
    """`abi.encode` of JobReader's Chunk."""
    return Web3().codec.encode(["(uint64,bytes,bytes32[])"], [(index, content, path)])


@cache
def _results() -> ContractTypes:
    return ContractTypes("Results", [WriteOut], [])
