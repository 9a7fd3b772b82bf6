"""Keccak-256 of many 64-byte tree nodes at once, one per vector lane (FIPS 202, with Keccak's padding).

A node fills 8 of the 17 words that one permutation absorbs, so each hash is exactly one permutation.
"""

import ctypes
from collections.abc import Callable
from itertools import accumulate

import numpy as np

from truestep.commitments.merkle import PAGE_LEVEL, PAGE_SIZE_BYTES
from truestep.engine.codegen.operations import Emitter
from truestep.engine.compilation.compile import CompiledModule, common_module, once
from truestep.engine.runtime.climb import climb_ir

Words = np.ndarray[tuple[int, int], np.dtype[np.uint64]]
"""Nodes, digests or pages as rows of 64-bit words."""
Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Numbers of rows: of pages, mostly, in rising order."""
Climb = Callable[[int, int, int, int, int], None]

NODE_SIZE_BYTES = 64
DIGEST_SIZE_BYTES = 32
LANES = 4
"""256-bit vectors: every x86-64 of the last ten years has them; elsewhere LLVM splits them."""
ROUNDS = 24
PAGE_WORDS = PAGE_SIZE_BYTES // 8
_NODE_LEVELS = range(PAGE_LEVEL - 1, -1, -1)
"""A page has 2^level nodes of 64 bytes on the way from its leaves to its root."""
PAGES_AT_ONCE = 64
"""256 KiB of leaves: these and the nodes above them fit the second-level cache."""
UNROLLED_ROUNDS = 2
"""More gains nothing, because the code no longer fits the instruction cache."""

_VECTOR = f"<{LANES} x i64>"
DIGEST_WORDS = 4
_NODE_WORDS, _STATE_WORDS, _RATE_WORDS = 8, 25, 17
_PADDING_FIRST, _PADDING_LAST = 1, -(1 << 63)


def _round_constants() -> list[int]:
    """The iota constants, from their linear feedback shift register (FIPS 202, 3.2.5)."""
    constants: list[int] = []
    register = 1
    for _ in range(ROUNDS):
        constant = 0
        for exponent in range(7):
            constant |= (register & 1) << (1 << exponent) - 1
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def _rotations() -> dict[tuple[int, int], int]:
    """The rho offset of each lane (x, y) (FIPS 202, 3.2.2)."""
    offsets = {(0, 0): 0}
    x, y = 1, 0
    for step in range(24):
        offsets[x, y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


_ROTATIONS = _rotations()


def _splat(value: int) -> str:
    return "<" + ", ".join([f"i64 {value}"] * LANES) + ">"


def _xor(emit: Emitter, a: str, b: str) -> str:
    return emit.value(f"xor {_VECTOR} {a}, {b}")


def _rotate(emit: Emitter, a: str, amount: int) -> str:
    if amount == 0:
        return a
    arguments = f"{_VECTOR} {a}, {_VECTOR} {a}, {_VECTOR} {_splat(amount)}"
    return emit.value(f"call {_VECTOR} @llvm.fshl.v{LANES}i64({arguments})")


def _emit_round(emit: Emitter, state: list[str], constant: str) -> list[str]:
    """Theta, rho and pi, chi, iota on lanes [x + 5 y] (FIPS 202, 3.2)."""
    columns = [state[x] for x in range(5)]
    for y in range(1, 5):
        columns = [_xor(emit, columns[x], state[x + 5 * y]) for x in range(5)]
    mixed = [_xor(emit, columns[(x + 4) % 5], _rotate(emit, columns[(x + 1) % 5], 1)) for x in range(5)]
    moved = [""] * _STATE_WORDS
    for (x, y), offset in _ROTATIONS.items():
        lane = _xor(emit, state[x + 5 * y], mixed[x])
        moved[y + 5 * ((2 * x + 3 * y) % 5)] = _rotate(emit, lane, offset)
    after = [""] * _STATE_WORDS
    for y in range(5):
        for x in range(5):
            inverted = _xor(emit, moved[(x + 1) % 5 + 5 * y], _splat(-1))
            masked = emit.value(f"and {_VECTOR} {inverted}, {moved[(x + 2) % 5 + 5 * y]}")
            after[x + 5 * y] = _xor(emit, moved[x + 5 * y], masked)
    after[0] = _xor(emit, after[0], constant)
    return after


def _emit_load(emit: Emitter) -> list[str]:
    """One word of each of LANES nodes for each lane, then the padding."""
    state = [_splat(0)] * _STATE_WORDS
    for word in range(_NODE_WORDS):
        gathered = "poison"
        for lane in range(LANES):
            at = emit.value(f"getelementptr i64, ptr %from, i64 {lane * _NODE_WORDS + word}")
            loaded = emit.value(f"load i64, ptr {at}, align 1")
            gathered = emit.value(f"insertelement {_VECTOR} {gathered}, i64 {loaded}, i32 {lane}")
        state[word] = gathered
    state[_NODE_WORDS] = _splat(_PADDING_FIRST)
    state[_RATE_WORDS - 1] = _splat(_PADDING_LAST)
    return state


def _emit_permutation(emit: Emitter, state: list[str]) -> list[str]:
    """The rounds as a loop over UNROLLED_ROUNDS at a time; leaves the emitter after the loop."""
    emit.line("br label %rounds")
    emit.label("rounds")
    head = len(emit.lines)
    lanes = [f"%lane{index}" for index in range(_STATE_WORDS)]
    after = lanes
    for offset in range(UNROLLED_ROUNDS):
        index = emit.value(f"add i64 %round, {offset}")
        at = emit.value(f"getelementptr i64, ptr @constants, i64 {index}")
        single = emit.value(f"load i64, ptr {at}, align 8")
        first = emit.value(f"insertelement {_VECTOR} poison, i64 {single}, i32 0")
        spread = f"shufflevector {_VECTOR} {first}, {_VECTOR} poison, <{LANES} x i32> zeroinitializer"
        after = _emit_round(emit, after, emit.value(spread))
    phis = ["%round = phi i64 [0, %node], [%round.next, %rounds]"]
    for lane, before, later in zip(lanes, state, after, strict=True):
        phis.append(f"{lane} = phi {_VECTOR} [{before}, %node], [{later}, %rounds]")
    emit.lines[head:head] = phis
    emit.line(f"%round.next = add i64 %round, {UNROLLED_ROUNDS}")
    emit.line(f"%goes.on = icmp ult i64 %round.next, {ROUNDS}")
    emit.line("br i1 %goes.on, label %rounds, label %done")
    emit.label("done")
    return after


def _emit_digests(emit: Emitter, state: list[str]) -> None:
    for word in range(DIGEST_WORDS):
        for lane in range(LANES):
            value = emit.value(f"extractelement {_VECTOR} {state[word]}, i32 {lane}")
            at = emit.value(f"getelementptr i64, ptr %to, i64 {lane * DIGEST_WORDS + word}")
            emit.line(f"store i64 {value}, ptr {at}, align 1")


def hash_ir() -> str:
    """IR of `hash(nodes, digests, count)`; `count` is a positive multiple of LANES."""
    emit = Emitter()
    emit.line("br label %node")
    emit.label("node")
    emit.line("%first = phi i64 [0, %entry], [%first.next, %done]")
    emit.line(f"%from.at = mul i64 %first, {NODE_SIZE_BYTES}")
    emit.line("%from = getelementptr i8, ptr %nodes, i64 %from.at")
    emit.line(f"%to.at = mul i64 %first, {DIGEST_SIZE_BYTES}")
    emit.line("%to = getelementptr i8, ptr %digests, i64 %to.at")
    _emit_digests(emit, _emit_permutation(emit, _emit_load(emit)))
    emit.line(f"%first.next = add i64 %first, {LANES}")
    emit.line("%more = icmp ult i64 %first.next, %count")
    emit.line("br i1 %more, label %node, label %end")
    emit.label("end")
    emit.line("ret void")
    constants = ", ".join(f"i64 {constant}" for constant in _round_constants())
    body = "\n".join(emit.lines)
    return (
        f"@constants = internal constant [{ROUNDS} x i64] [{constants}]\n"
        f"declare {_VECTOR} @llvm.fshl.v{LANES}i64({_VECTOR}, {_VECTOR}, {_VECTOR})\n"
        f"define void @hash(ptr noalias %nodes, ptr noalias %digests, i64 %count) nounwind {{\n"
        f"entry:\n{body}\n}}\n"
    )


@once
def _hash_module() -> CompiledModule:
    return common_module("hash", lambda: hash_ir() + climb_ir(LANES))


@once
def _hash_function() -> Callable[[object, int, int], None]:
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return prototype(_hash_module().function("hash"))


def vector_hash_pairs(nodes: bytes) -> bytes:
    """The fast PairHasher, bit-equal to `commitments.keccak.hash_pairs`; compiled at the first call."""
    count = len(nodes) // NODE_SIZE_BYTES
    if count == 0:
        return b""
    missing = -count % LANES
    padded = nodes + bytes(missing * NODE_SIZE_BYTES) if missing else nodes
    digests = np.empty((count + missing) * DIGEST_SIZE_BYTES, np.uint8)
    _hash_function()(padded, digests.ctypes.data, count + missing)
    return digests[: count * DIGEST_SIZE_BYTES].tobytes()


@once
def climb() -> Climb:
    """`climb(nodes, numbers, count, levels, zeros)`, with addresses: hash what is above some nodes of a tree.

    Updates `levels` levels above the `count` nodes (at least one) whose `numbers` are given in rising order;
    the tree is in heap order. `zeros` are the digests that nodes are stored xor: of the given nodes' level
    first, `levels` + 1 in all. `numbers` are overwritten. Runs without GIL.
    """
    types = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
    return ctypes.CFUNCTYPE(None, *types)(_hash_module().function("climb"))


def hash_pages(memory: Words, rows: Rows) -> Words:
    """The roots, shape (count, 4), of those rows of `memory`, pages of 512 words each, named in rising order.

    A few pages at a time are hashed through all levels, so that their data stays in the processor's cache.
    """
    roots = np.empty((len(rows), DIGEST_WORDS), np.uint64)
    pages = min(PAGES_AT_ONCE, len(rows))
    # A row of digests is half a row of nodes; the last digests lie behind all nodes.
    starts = list(accumulate((_whole(pages << level) for level in _NODE_LEVELS), initial=0))
    scratch = np.empty((starts[-1] + _whole(pages), _NODE_WORDS), np.uint64)
    gathered = scratch[: pages << PAGE_LEVEL - 1].reshape(pages, PAGE_WORDS)
    digests = scratch[starts[-1] :].reshape(-1, DIGEST_WORDS)
    base, memory_base = scratch.ctypes.data, memory.ctypes.data
    addresses = [base + start * NODE_SIZE_BYTES for start in starts]
    function = _hash_function()
    for first in range(0, len(rows), PAGES_AT_ONCE):
        batch = rows[first : first + PAGES_AT_ONCE]
        if batch[-1] - batch[0] == len(batch) - 1 and memory.flags.c_contiguous:
            addresses[0] = memory_base + int(batch[0]) * PAGE_SIZE_BYTES
        else:
            addresses[0] = base
            np.take(memory, batch, axis=0, out=gathered[: len(batch)], mode="clip")
        for number, level in enumerate(_NODE_LEVELS):
            function(addresses[number], addresses[number + 1], _whole(len(batch) << level))
        roots[first : first + len(batch)] = digests[: len(batch)]
    return roots


def _whole(count: int) -> int:
    """Nodes that are hashed with `count` of them: a multiple of LANES."""
    return count + -count % LANES
