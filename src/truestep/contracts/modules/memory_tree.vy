#pragma version 0.4.3
"""
@title Roots of the machine's memory and hashes of its states (docs/machine.md M2, M3)
@notice Pure functions of what the chain knows: how a run starts, and how it is said to end.
"""
from modules import arithmetic

RANGE_LEVEL: constant(uint256) = 24  # an eighth of the memory, 512 MiB
CHECK_LIMIT_BYTES: constant(uint256) = 8192
CHECK_LIMIT_LEAVES: constant(uint256) = CHECK_LIMIT_BYTES // 32

# Root of an all-zero subtree of 2^level leaves, by level (M3.2).
ZERO_NODES: constant(bytes32[RANGE_LEVEL + 2]) = [
    0x0000000000000000000000000000000000000000000000000000000000000000,
    0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5,
    0xb4c11951957c6f8f642c4af61cd6b24640fec6dc7fc607ee8206a99e92410d30,
    0x21ddb9a356815c3fac1026b6dec5df3124afbadb485c9ba5a3e3398a04b7ba85,
    0xe58769b32a1beaf1ea27375a44095a0d1fb664ce2dd358e7fcbfb78c26a19344,
    0x0eb01ebfc9ed27500cd4dfc979272d1f0913cc9f66540d7e8005811109e1cf2d,
    0x887c22bd8750d34016ac3c66b5ff102dacdd73f6b014e710b51e8022af9a1968,
    0xffd70157e48063fc33c97a050f7f640233bf646cc98d9524c6b92bcf3ab56f83,
    0x9867cc5f7f196b93bae1e27e6320742445d290f2263827498b54fec539f756af,
    0xcefad4e508c098b9a7e1d8feb19955fb02ba9675585078710969d3440f5054e0,
    0xf9dc3e7fe016e050eff260334f18a5d4fe391d82092319f5964f2e2eb7c1c3a5,
    0xf8b13a49e282f609c317a833fb8d976d11517c571d1221a265d25af778ecf892,
    0x3490c6ceeb450aecdc82e28293031d10c7d73bf85e57bf041a97360aa2c5d99c,
    0xc1df82d9c4b87413eae2ef048f94b4d3554cea73d92b0f7af96e0271c691e2bb,
    0x5c67add7c6caf302256adedf7ab114da0acfe870d449a3a489f781d659e8becc,
    0xda7bce9f4e8618b6bd2f4132ce798cdc7a60e7e1460a7299e3c6342a579626d2,
    0x2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f,
    0xe1d3b5c807b281e4683cc6d6315cf95b9ade8641defcb32372f1c126e398ef7a,
    0x5a2dce0a8a7f68bb74560f8f71837c2c2ebbcbf7fffb42ae1896f13f7c7479a0,
    0xb46a28b6f55540f89444f63de0378e3d121be09e06cc9ded1c20e65876d36aa0,
    0xc65e9645644786b620e2dd2ad648ddfcbf4a7e5b1a3a4ecfe7f64667a3f0b7e2,
    0xf4418588ed35a2458cffeb39b93d26f18d2ab13bdce6aee58e7b99359ec2dfd9,
    0x5a9c16dc00d6ef18b7933a6f8dc65ccb55667138776f7dea101070dc8796e377,
    0x4df84f40ae0c8229d0d6069e5c8f39a7c299677a09d367fc7b05e3bc380ee652,
    0xcdc72595f74c7b1043d0e1ffbab734648c838dfb0527d971b602bc216c9619ef,
    0x0abf5ac974a1ed57f4050aa510dd9c74f508277b39d7973bb2dfccc5eeb0618d,
]


@internal
@pure
def initial_state_hash(image_root: bytes32, entry: uint256, inner: bytes32) -> bytes32:
    """
    @notice The hash of state number 0 (M2.5), from the image's root and the inner root.
    """
    zeros: bytes32[RANGE_LEVEL + 2] = ZERO_NODES
    right: bytes32 = keccak256(abi_encode(inner, zeros[RANGE_LEVEL + 1]))
    return self._state_hash(keccak256(abi_encode(image_root, right)), entry << 192)


@internal
@pure
def inner_root(
    seed: bytes32, input_root: bytes32, input_size: uint256, shard_index: uint256, shard_count: uint256
) -> bytes32:
    """
    @notice The root of task header and input (M3.5, M3.7), which no run can change.
    """
    counts: uint256 = arithmetic.swap_bytes(input_size) << 192
    counts |= arithmetic.swap_bytes(shard_index) << 128
    counts |= arithmetic.swap_bytes(shard_count) << 64
    zeros: bytes32[RANGE_LEVEL + 2] = ZERO_NODES
    header: bytes32 = keccak256(abi_encode(seed, counts))
    for level: uint256 in range(1, RANGE_LEVEL):
        header = keccak256(abi_encode(header, zeros[level]))
    return keccak256(abi_encode(header, input_root))


@internal
@pure
def final_state_hash(
    left_root: bytes32,
    inner: bytes32,
    output_root: bytes32,
    output_size: uint256,
    cycle: uint256,
    status: uint256,
    code: uint256,
) -> bytes32:
    """
    @notice The hash of the final state that holds this output (M2.3, M3.6, M3.7).
    """
    zeros: bytes32[RANGE_LEVEL + 2] = ZERO_NODES
    size_root: bytes32 = convert(arithmetic.swap_bytes(output_size) << 192, bytes32)
    for level: uint256 in range(RANGE_LEVEL):
        size_root = keccak256(abi_encode(size_root, zeros[level]))
    right: bytes32 = keccak256(abi_encode(inner, keccak256(abi_encode(size_root, output_root))))
    return self.halted_state_hash(keccak256(abi_encode(left_root, right)), cycle, status, code)


@internal
@pure
def halted_state_hash(memory_root: bytes32, cycle: uint256, status: uint256, code: uint256) -> bytes32:
    """
    @notice The hash of a final state (M2.3).
    """
    return self._state_hash(memory_root, cycle << 128 | status << 120 | code << 56)


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
    nodes: bytes32[CHECK_LIMIT_LEAVES] = empty(bytes32[CHECK_LIMIT_LEAVES])
    padded: Bytes[CHECK_LIMIT_BYTES + 32] = concat(content, empty(bytes32))
    count: uint256 = max(1, unsafe_add(len(content), 31) >> 5)
    for index: uint256 in range(count, bound=CHECK_LIMIT_LEAVES):
        nodes[index] = extract32(padded, index << 5)
    zeros: bytes32[RANGE_LEVEL + 2] = ZERO_NODES
    for level: uint256 in range(RANGE_LEVEL):
        pairs: uint256 = count >> 1
        for index: uint256 in range(pairs, bound=CHECK_LIMIT_LEAVES // 2):
            left: uint256 = index << 1
            nodes[index] = keccak256(abi_encode(nodes[left], nodes[left | 1]))
        if count & 1 == 1:
            nodes[pairs] = keccak256(abi_encode(nodes[unsafe_sub(count, 1)], zeros[level]))
        count = unsafe_add(pairs, count & 1)
    return nodes[0]
