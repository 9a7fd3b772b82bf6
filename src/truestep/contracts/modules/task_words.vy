#pragma version 0.4.3
"""
@title How Jobs packs its hot words
@notice Storage is not packed by the compiler, so the fields that change or are read together share a word.

terms    [ deadline 48 | lease_seconds 32 | shard_count 32 | input_size 32 | program_id 32 | max_cycles 64 ]
account  [ final_count 16 | reward_wei 80 | requester 160 ]
task     [ until 56 | operator 160 | attempt 32 | state 8 ]
"""

MASK8: constant(uint256) = 2**8 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK48: constant(uint256) = 2**48 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK80: constant(uint256) = 2**80 - 1
MASK160: constant(uint256) = 2**160 - 1


struct Terms:
    max_cycles: uint256
    program_id: uint256
    input_size: uint256
    shard_count: uint256
    lease_seconds: uint256
    deadline: uint256


struct TaskWord:
    state: uint256
    attempt: uint256
    operator: address
    until: uint256


@internal
@pure
def pack_terms(terms: Terms) -> uint256:
    return (
        terms.deadline << 192
        | terms.lease_seconds << 160
        | terms.shard_count << 128
        | terms.input_size << 96
        | terms.program_id << 64
        | terms.max_cycles
    )


@internal
@pure
def unpack_terms(word: uint256) -> Terms:
    return Terms(
        max_cycles=word & MASK64,
        program_id=word >> 64 & MASK32,
        input_size=word >> 96 & MASK32,
        shard_count=word >> 128 & MASK32,
        lease_seconds=word >> 160 & MASK32,
        deadline=word >> 192,
    )


@internal
@pure
def pack_task(task: TaskWord) -> uint256:
    return (
        task.until << 200 | convert(task.operator, uint256) << 40 | task.attempt << 8 | task.state
    )


@internal
@pure
def unpack_task(word: uint256) -> TaskWord:
    return TaskWord(
        state=word & MASK8,
        attempt=word >> 8 & MASK32,
        operator=convert(word >> 40 & MASK160, address),
        until=word >> 200,
    )
