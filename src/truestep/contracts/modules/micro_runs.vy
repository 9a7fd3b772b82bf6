#pragma version 0.4.3
"""
@title How the micro-run of a float instruction begins, and what it must lead to (docs/machine.md M9)
"""
from modules import memory_tree
from modules import rom

STATE_SIZE_BYTES: constant(uint256) = 305
# Where a packed state (machine M2.2) would have x0; xn lies 8n bytes further
REGISTERS_AT: constant(uint256) = 49

ENTRIES_AT: constant(uint256) = 8  # each entry of the ROM is one instruction, a jump
STACK: constant(uint64) = 2**29 + 4096
STEPS_LIMIT: constant(uint256) = 4_095
# State numbers have 12 bits for the step of a micro-run (M9.6).
EXITED: constant(uint256) = 1
U64_MAX: constant(uint256) = 2**64 - 1


@internal
@pure
def start_hash(number: uint256, a0: uint256, a1: uint256, a2: uint256) -> bytes32:
    """
    @notice The hash of the first state of the micro-run of operation `number` (M9.3).
    """
    pc: uint256 = ENTRIES_AT + 4 * number
    zero: bytes32 = empty(bytes32)
    return keccak256(
        concat(
            rom.ROM_ROOT,
            convert(pc << 192, bytes32),
            empty(bytes1),  # the last byte of x1
            convert(STACK, bytes8),
            zero,
            empty(bytes24),  # x3 to x9
            convert(convert(a0, uint64), bytes8),
            convert(convert(a1, uint64), bytes8),
            convert(convert(a2, uint64), bytes8),
            zero,
            zero,
            zero,
            zero,
            empty(bytes24),  # x13 to x31
        )
    )


@internal
@pure
def template(packed: Bytes[STATE_SIZE_BYTES], rd: uint256) -> bytes32:
    """
    @notice What is known of the state after an instruction without its result (M9.5).
    @param packed The packed state, whatever it holds in rd.
    @param rd From 1 to 31.
    """
    at: uint256 = REGISTERS_AT + 8 * rd
    return keccak256(
        concat(
            slice(packed, 0, at),
            empty(bytes8),
            slice(packed, at + 8, STATE_SIZE_BYTES - 8 - at),
            convert(convert(rd, uint8), bytes1),
        )
    )


@internal
@pure
def register(packed: Bytes[STATE_SIZE_BYTES], number: uint256) -> uint256:
    """
    @notice A register of a packed state; `number` is not 0.
    """
    return convert(extract32(packed, REGISTERS_AT - 24 + 8 * number), uint256) & U64_MAX


@internal
@pure
def end_hash(memory_root: bytes32, steps: uint256, result: uint256) -> bytes32:
    """
    @notice The hash of the state in which a micro-run of so many steps has ended with a result (M9.4).
    """
    return memory_tree.halted_state_hash(memory_root, steps, EXITED, result)
