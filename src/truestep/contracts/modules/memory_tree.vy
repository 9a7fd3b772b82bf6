#pragma version 0.4.3
"""
@title Roots of the machine's memory and hashes of its states (docs/machine.md M2, M3)
@notice Pure functions of what the chain knows: how a run starts, and how it is said to end.
"""
from modules import arithmetic

RANGE_LEVEL: constant(uint256) = 24  # an eighth of the memory, 512 MiB
CHECK_LIMIT_BYTES: constant(uint256) = 8192
CHECK_LIMIT_LEAVES: constant(uint256) = CHECK_LIMIT_BYTES // 32


@internal
@pure
def initial_state_hash(
    image_root: bytes32,
    entry: uint256,
    seed: bytes32,
    input_root: bytes32,
    input_size: uint256,
    shard_index: uint256,
    shard_count: uint256,
) -> bytes32:
    """
    @notice The hash of state number 0 (M2.5, M3.5).
    """
    counts: uint256 = arithmetic.swap_bytes(input_size) << 192
    counts |= arithmetic.swap_bytes(shard_index) << 128
    counts |= arithmetic.swap_bytes(shard_count) << 64
    zero: bytes32 = empty(bytes32)
    header: bytes32 = keccak256(abi_encode(seed, counts))
    for level: uint256 in range(1, RANGE_LEVEL):
        zero = keccak256(abi_encode(zero, zero))
        header = keccak256(abi_encode(header, zero))
    zero = keccak256(abi_encode(zero, zero))
    zero = keccak256(abi_encode(zero, zero))
    inner: bytes32 = keccak256(abi_encode(header, input_root))
    right: bytes32 = keccak256(abi_encode(inner, zero))
    return self._state_hash(keccak256(abi_encode(image_root, right)), entry << 192)


@internal
@pure
def final_state_hash(
    left_root: bytes32,
    inner_root: bytes32,
    output_root: bytes32,
    output_size: uint256,
    cycle: uint256,
    status: uint256,
    code: uint256,
) -> bytes32:
    """
    @notice The hash of the final state that holds this output (M2.3, M3.6, M3.7).
    """
    zero: bytes32 = empty(bytes32)
    size_root: bytes32 = convert(arithmetic.swap_bytes(output_size) << 192, bytes32)
    for level: uint256 in range(RANGE_LEVEL):
        size_root = keccak256(abi_encode(size_root, zero))
        zero = keccak256(abi_encode(zero, zero))
    right: bytes32 = keccak256(abi_encode(inner_root, keccak256(abi_encode(size_root, output_root))))
    head: uint256 = cycle << 128 | status << 120 | code << 56
    return self._state_hash(keccak256(abi_encode(left_root, right)), head)


@internal
@pure
def _state_hash(memory_root: bytes32, head: uint256) -> bytes32:
    """
    @notice The hash of a packed state (M2.2) whose bytes from 64 on are zero.
    @param head Bytes 32 to 63: [ pc 64 | cycle 64 | status 8 | code 64 | 0 ].
    """
    zero: bytes32 = empty(bytes32)
    return keccak256(
        concat(
            memory_root, convert(head, bytes32), zero, zero, zero, zero, zero, zero, zero, empty(bytes17)
        )
    )


@internal
@pure
def root_of_bytes(content: Bytes[CHECK_LIMIT_BYTES]) -> bytes32:
    """
    @notice The root of an eighth of the memory that holds `content` and then zeros.
    """
    padded: Bytes[CHECK_LIMIT_BYTES + 32] = concat(content, empty(bytes32))
    nodes: bytes32[CHECK_LIMIT_LEAVES] = empty(bytes32[CHECK_LIMIT_LEAVES])
    count: uint256 = (len(content) + 31) // 32
    for index: uint256 in range(count, bound=CHECK_LIMIT_LEAVES):
        nodes[index] = extract32(padded, index * 32)
    zero: bytes32 = empty(bytes32)
    for level: uint256 in range(RANGE_LEVEL):
        pairs: uint256 = max(1, (count + 1) // 2)
        for index: uint256 in range(pairs, bound=CHECK_LIMIT_LEAVES // 2):
            right: bytes32 = nodes[2 * index + 1] if 2 * index + 1 < count else zero
            left: bytes32 = nodes[2 * index] if 2 * index < count else zero
            nodes[index] = keccak256(abi_encode(left, right))
        count = pairs
        zero = keccak256(abi_encode(zero, zero))
    return nodes[0]
