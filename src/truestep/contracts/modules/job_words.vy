#pragma version 0.4.3
"""
@title How Jobs packs what it keeps of a job and of a parameter set (docs/protocol.md S2.1, S3.2)
@notice Storage is not packed by the compiler, so the fields that change or are read together share a word.

job  [ busy 32 | deadline 40 | lease 24 | shard_count 16 | parameters_id 16 | policy 8 | bond_multiple 8
     | flags 16 | window_minutes 16 | reward 80 ]
set  [ operator_bond 96 | window_seconds 24 | cycles_per_second 40 | game_seconds 32 | lease_penalty 16
     | release_penalty 16 | 0 32 ]
"""
from interfaces import IParameters

MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK24: constant(uint256) = 2**24 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK80: constant(uint256) = 2**80 - 1

BUSY_AT: constant(uint256) = 224
SMALL_LIMIT: constant(uint256) = 32
# Shards that have their bits in the job's own word.
TOKEN: constant(uint256) = 1 << 96  # paid in an ERC-20
UNFED: constant(uint256) = 2 << 96  # a reducer without its input
WAITING: constant(uint256) = 4 << 96  # its policy has not seen its data
ASSIGNED: constant(uint256) = 8 << 96  # its policy says who may take it
BATCH_KEY: constant(uint256) = (2**16 - 1 << 128) | (2**8 - 1 << 120) | (9 << 96) | (2**16 - 1 << 80)
# What the jobs of a batch have in common: parameter set, policy, whether it assigns, kind of asset, window.

EACH_2ND: constant(uint256) = max_value(uint256) // 3
LOW_2_OF_4: constant(uint256) = max_value(uint256) // 5
LOW_4_OF_8: constant(uint256) = max_value(uint256) // 17
LOW_8_OF_16: constant(uint256) = max_value(uint256) // 257
EACH_16TH: constant(uint256) = max_value(uint256) // 65_535

GAME_CLOCKS: constant(uint256) = 4  # S2.2


@internal
@pure
def pack_set(parameters: IParameters.Parameters) -> uint256:
    return (
        parameters.operator_bond_wei << 160
        | parameters.window_seconds << 136
        | parameters.cycles_per_second << 96
        | parameters.clock_seconds * GAME_CLOCKS << 64
        | parameters.lease_penalty_bps << 48
        | parameters.release_penalty_bps << 32
    )


@internal
@pure
def window_minutes(set_word: uint256, max_cycles: uint256, asked_seconds: uint256) -> uint256:
    """
    @notice The window of a job in whole minutes, rounded up (S2.3).
    @param asked_seconds What its requester asks for; 0 for the shortest.
    """
    speed: uint256 = set_word >> 96 & MASK40
    game_seconds: uint256 = set_word >> 64 & MASK32
    needed: uint256 = game_seconds + unsafe_div(max_cycles + speed - 1, speed)
    shortest: uint256 = max(needed, set_word >> 136 & MASK24)
    assert asked_seconds == 0 or asked_seconds >= shortest, "window is too short"
    return unsafe_div(unsafe_add(max(shortest, asked_seconds), 59), 60)


@internal
@pure
def count_bits(mask: uint256) -> uint256:
    """
    @notice How many bits are set: sums of neighbours in fields of 2, 4, 8 and 16 bits, then of all fields.
    """
    pairs: uint256 = unsafe_sub(mask, mask >> 1 & EACH_2ND)
    quads: uint256 = unsafe_add(pairs & LOW_2_OF_4, pairs >> 2 & LOW_2_OF_4)
    octets: uint256 = unsafe_add(quads, quads >> 4) & LOW_4_OF_8
    fields: uint256 = unsafe_add(octets, octets >> 8) & LOW_8_OF_16
    return unsafe_mul(fields, EACH_16TH) >> 240
