#pragma version 0.4.3
"""
@title Roots of small inputs and outputs, for verifiers of circuits (docs/machine.md M3)
@notice The same roots as those of memory_tree, at a third of the gas: levels are written out, and memory is small.
"""

INPUT_LIMIT_BYTES: constant(uint256) = 1024
OUTPUT_LIMIT_BYTES: constant(uint256) = 56

# Root of an all-zero subtree of 2^level leaves (M3.2).
ZERO_1: constant(bytes32) = 0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5
ZERO_2: constant(bytes32) = 0xb4c11951957c6f8f642c4af61cd6b24640fec6dc7fc607ee8206a99e92410d30
ZERO_3: constant(bytes32) = 0x21ddb9a356815c3fac1026b6dec5df3124afbadb485c9ba5a3e3398a04b7ba85
ZERO_4: constant(bytes32) = 0xe58769b32a1beaf1ea27375a44095a0d1fb664ce2dd358e7fcbfb78c26a19344
ZERO_5: constant(bytes32) = 0x0eb01ebfc9ed27500cd4dfc979272d1f0913cc9f66540d7e8005811109e1cf2d
ZERO_6: constant(bytes32) = 0x887c22bd8750d34016ac3c66b5ff102dacdd73f6b014e710b51e8022af9a1968
ZERO_7: constant(bytes32) = 0xffd70157e48063fc33c97a050f7f640233bf646cc98d9524c6b92bcf3ab56f83
ZERO_8: constant(bytes32) = 0x9867cc5f7f196b93bae1e27e6320742445d290f2263827498b54fec539f756af
ZERO_9: constant(bytes32) = 0xcefad4e508c098b9a7e1d8feb19955fb02ba9675585078710969d3440f5054e0
ZERO_10: constant(bytes32) = 0xf9dc3e7fe016e050eff260334f18a5d4fe391d82092319f5964f2e2eb7c1c3a5
ZERO_11: constant(bytes32) = 0xf8b13a49e282f609c317a833fb8d976d11517c571d1221a265d25af778ecf892
ZERO_12: constant(bytes32) = 0x3490c6ceeb450aecdc82e28293031d10c7d73bf85e57bf041a97360aa2c5d99c
ZERO_13: constant(bytes32) = 0xc1df82d9c4b87413eae2ef048f94b4d3554cea73d92b0f7af96e0271c691e2bb
ZERO_14: constant(bytes32) = 0x5c67add7c6caf302256adedf7ab114da0acfe870d449a3a489f781d659e8becc
ZERO_15: constant(bytes32) = 0xda7bce9f4e8618b6bd2f4132ce798cdc7a60e7e1460a7299e3c6342a579626d2
ZERO_16: constant(bytes32) = 0x2733e50f526ec2fa19a22b31e8ed50f23cd1fdf94c9154ed3a7609a2f1ff981f
ZERO_17: constant(bytes32) = 0xe1d3b5c807b281e4683cc6d6315cf95b9ade8641defcb32372f1c126e398ef7a
ZERO_18: constant(bytes32) = 0x5a2dce0a8a7f68bb74560f8f71837c2c2ebbcbf7fffb42ae1896f13f7c7479a0
ZERO_19: constant(bytes32) = 0xb46a28b6f55540f89444f63de0378e3d121be09e06cc9ded1c20e65876d36aa0
ZERO_20: constant(bytes32) = 0xc65e9645644786b620e2dd2ad648ddfcbf4a7e5b1a3a4ecfe7f64667a3f0b7e2
ZERO_21: constant(bytes32) = 0xf4418588ed35a2458cffeb39b93d26f18d2ab13bdce6aee58e7b99359ec2dfd9
ZERO_22: constant(bytes32) = 0x5a9c16dc00d6ef18b7933a6f8dc65ccb55667138776f7dea101070dc8796e377
ZERO_23: constant(bytes32) = 0x4df84f40ae0c8229d0d6069e5c8f39a7c299677a09d367fc7b05e3bc380ee652


@internal
@pure
def root_of_input(content: Bytes[INPUT_LIMIT_BYTES]) -> bytes32:
    """
    @notice The root of an eighth of the memory that holds `content` and then zeros.
    """
    zeros: Bytes[INPUT_LIMIT_BYTES] = slice(abi_encode(empty(bytes32[32])), 0, INPUT_LIMIT_BYTES - len(content))
    leaves: bytes32[32] = abi_decode(concat(content, zeros), bytes32[32])
    low: bytes32 = keccak256(
        abi_encode(
            self._octet(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], leaves[5], leaves[6], leaves[7]),
            self._octet(leaves[8], leaves[9], leaves[10], leaves[11], leaves[12], leaves[13], leaves[14], leaves[15]),
        )
    )
    high: bytes32 = keccak256(
        abi_encode(
            self._octet(leaves[16], leaves[17], leaves[18], leaves[19], leaves[20], leaves[21], leaves[22], leaves[23]),
            self._octet(leaves[24], leaves[25], leaves[26], leaves[27], leaves[28], leaves[29], leaves[30], leaves[31]),
        )
    )
    return self.climb_from_5(keccak256(abi_encode(low, high)))


@internal
@pure
def root_of_output(word: bytes32, rest: bytes32) -> bytes32:
    """
    @notice The root of an eighth of the memory that holds these words and then zeros.
    """
    root: bytes32 = keccak256(abi_encode(word, rest))
    root = keccak256(abi_encode(root, ZERO_1))
    root = keccak256(abi_encode(root, ZERO_2))
    root = keccak256(abi_encode(root, ZERO_3))
    root = keccak256(abi_encode(root, ZERO_4))
    return self.climb_from_5(root)


@internal
@pure
def climb_from_5(node: bytes32) -> bytes32:
    """
    @notice The root of an eighth of the memory that begins with the subtree of 2^5 leaves, and goes on with zeros.
    """
    root: bytes32 = node
    root = keccak256(abi_encode(root, ZERO_5))
    root = keccak256(abi_encode(root, ZERO_6))
    root = keccak256(abi_encode(root, ZERO_7))
    root = keccak256(abi_encode(root, ZERO_8))
    root = keccak256(abi_encode(root, ZERO_9))
    root = keccak256(abi_encode(root, ZERO_10))
    root = keccak256(abi_encode(root, ZERO_11))
    root = keccak256(abi_encode(root, ZERO_12))
    root = keccak256(abi_encode(root, ZERO_13))
    root = keccak256(abi_encode(root, ZERO_14))
    root = keccak256(abi_encode(root, ZERO_15))
    root = keccak256(abi_encode(root, ZERO_16))
    root = keccak256(abi_encode(root, ZERO_17))
    root = keccak256(abi_encode(root, ZERO_18))
    root = keccak256(abi_encode(root, ZERO_19))
    root = keccak256(abi_encode(root, ZERO_20))
    root = keccak256(abi_encode(root, ZERO_21))
    root = keccak256(abi_encode(root, ZERO_22))
    root = keccak256(abi_encode(root, ZERO_23))
    return root


@internal
@pure
def climb(node: bytes32, level: uint256) -> bytes32:
    """
    @notice The root of an eighth of the memory that begins with this subtree of 2^level leaves, then zeros.
    """
    root: bytes32 = node
    zeros: bytes32[24] = [empty(bytes32), ZERO_1, ZERO_2, ZERO_3, ZERO_4, ZERO_5, ZERO_6, ZERO_7, ZERO_8, ZERO_9, ZERO_10, ZERO_11, ZERO_12, ZERO_13, ZERO_14, ZERO_15, ZERO_16, ZERO_17, ZERO_18, ZERO_19, ZERO_20, ZERO_21, ZERO_22, ZERO_23]
    for above: uint256 in range(level, 24, bound=24):
        root = keccak256(abi_encode(root, zeros[above]))
    return root


@internal
@pure
def _octet(
    a: bytes32, b: bytes32, c: bytes32, d: bytes32, e: bytes32, f: bytes32, g: bytes32, h: bytes32
) -> bytes32:
    """
    @notice The root of eight leaves.
    """
    return keccak256(
        abi_encode(
            keccak256(abi_encode(keccak256(abi_encode(a, b)), keccak256(abi_encode(c, d)))),
            keccak256(abi_encode(keccak256(abi_encode(e, f)), keccak256(abi_encode(g, h)))),
        )
    )
