"""The hasher for content of any size."""

from truestep.commitments.keccak import hash_pairs

COMPILED_FROM_BYTES = 64 << 10
"""From here on the compiled hasher, 100 times faster, is worth the moment that LLVM takes to load."""


def hash_many_pairs(nodes: bytes) -> bytes:
    """The PairHasher where strangers choose the size: bit-equal to `hash_pairs`; other threads go on."""
    if len(nodes) < COMPILED_FROM_BYTES:
        return hash_pairs(nodes)
    from truestep.engine.runtime.keccak import vector_hash_pairs  # loads LLVM

    return vector_hash_pairs(nodes)
