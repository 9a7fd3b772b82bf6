#pragma version 0.4.3
"""
@title What a claim says, and what becomes of it (docs/protocol.md P3)
@notice outcome  [ is_final 1 | output_size 64 | cycle 64 | code 64 | status 8 ]
"""
from interfaces import IJobs
from modules import memory_tree

RUNNING: constant(uint256) = 0
EXITED: constant(uint256) = 1
TRAPPED: constant(uint256) = 2
PACKED_SIZE_BYTES: constant(uint256) = 305
OUTPUT_LIMIT_BYTES: constant(uint256) = 2**29
# The machine's output range (machine M3.3).
MASK8: constant(uint256) = 2**8 - 1
MASK64: constant(uint256) = 2**64 - 1


@internal
@pure
def check_shape(
    max_cycles: uint256, claimed: IJobs.ClaimedState, running_state: Bytes[PACKED_SIZE_BYTES]
):
    """
    @dev P3.2 for final claims, P3.3 for running ones.
    """
    cycle: uint256 = convert(claimed.cycle, uint256)
    status: uint256 = convert(claimed.status, uint256)
    assert status <= TRAPPED, "claim: status"
    if status != RUNNING:
        assert cycle != 0 and cycle <= max_cycles, "claim: cycle"
        assert claimed.running_state == empty(bytes32) and len(running_state) == 0, "claim: running state"
        return
    assert cycle == max_cycles, "claim: cycle"
    assert (
        claimed.code == 0
        and claimed.output_size == 0
        and claimed.output_root == empty(bytes32)
        and claimed.left_root == empty(bytes32)
        and claimed.inner_root == empty(bytes32)
    ), "claim: fields of a running claim"
    assert len(running_state) == PACKED_SIZE_BYTES, "claim: running state"
    assert keccak256(running_state) == claimed.running_state, "claim: running state"
    # Bytes 32 to 63 of a packed state: [ pc 64 | cycle 64 | status 8 | code 64 | ... ] (machine M2.2).
    head: uint256 = extract32(running_state, 32, output_type=uint256)
    assert head >> 128 & MASK64 == max_cycles, "claim: running state"
    assert head >> 120 & MASK8 == RUNNING, "claim: running state"


@internal
@pure
def state_hash(claimed: IJobs.ClaimedState) -> bytes32:
    """
    @notice The hash of the state that is claimed (P3.2, P3.3).
    """
    if convert(claimed.status, uint256) == RUNNING:
        return claimed.running_state
    return memory_tree.final_state_hash(
        claimed.left_root,
        claimed.inner_root,
        claimed.output_root,
        convert(claimed.output_size, uint256),
        convert(claimed.cycle, uint256),
        convert(claimed.status, uint256),
        convert(claimed.code, uint256),
    )


@internal
@pure
def is_accepted(claimed: IJobs.ClaimedState) -> bool:
    """
    @dev P3.4.
    """
    return self._is_success(
        convert(claimed.status, uint256),
        convert(claimed.code, uint256),
        convert(claimed.output_size, uint256),
    )


@internal
@pure
def _is_success(status: uint256, code: uint256, output_size: uint256) -> bool:
    return status == EXITED and code == 0 and output_size <= OUTPUT_LIMIT_BYTES


@internal
@pure
def pack_outcome(claimed: IJobs.ClaimedState) -> uint256:
    """
    @notice What is kept of a final claim, next to its output root.
    """
    return (
        1 << 200
        | convert(claimed.output_size, uint256) << 136
        | convert(claimed.cycle, uint256) << 72
        | convert(claimed.code, uint256) << 8
        | convert(claimed.status, uint256)
    )


@internal
@pure
def unpack_outcome(outcome: uint256, output_root: bytes32) -> IJobs.Result:
    """
    @notice The result; all zero if there is no outcome.
    """
    status: uint256 = outcome & MASK8
    code: uint256 = outcome >> 8 & MASK64
    output_size: uint256 = outcome >> 136 & MASK64
    return IJobs.Result(
        is_final=outcome != 0,
        is_accepted=self._is_success(status, code, output_size),
        status=convert(status, uint8),
        code=convert(code, uint64),
        cycle=convert(outcome >> 72 & MASK64, uint64),
        output_size=convert(output_size, uint64),
        output_root=output_root,
    )
