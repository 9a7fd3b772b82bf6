"""Rows of a job's input inside circuits: their roots, and one hash over many runs (C11)."""

from collections.abc import Iterable, Sequence

from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import ZERO_NODES, root_of_bytes

LEAF_BYTES = 32
LANE_BYTES = 8
ROOT_LANES = 4
WORD_BYTES = 4
HASH_BYTES = 31
"""What is kept of a hash, so that it is below the field's order."""

KECCAK = """\
fn keccak<let N: u32>(lanes: [u64; N]) -> [u64; 4] {
    let mut state: [u64; 25] = [0; 25];
    let blocks = N / 17 + 1;
    for b in 0..blocks {
        for i in 0..17 {
            let at = b * 17 + i;
            if at < N { state[i] ^= lanes[at]; }
            if at == N { state[i] ^= 1; }
        }
        if b == blocks - 1 { state[16] ^= 0x8000000000000000; }
        state = std::hash::keccakf1600(state);
    }
    [state[0], state[1], state[2], state[3]]
}
"""
"""Keccak-256 of a message of whole lanes: eight bytes each, the lowest first."""


def slot_level(size: int) -> int:
    """The level of the subtree that holds a row: 2^level leaves of 32 bytes (C11.1)."""
    return (-(-size // LEAF_BYTES) - 1).bit_length()


def slot_bytes(size: int) -> int:
    """How far rows are apart (C11.1)."""
    return LEAF_BYTES << slot_level(size)


def rows_input(rows: Sequence[bytes]) -> bytes:
    """The input of a job with a shard for each row: zeros fill each slot but the last (C11.1)."""
    slot = slot_bytes(len(rows[0]))
    return b"".join(row.ljust(slot, b"\0") for row in rows[:-1]) + rows[-1]


def row_root(row: bytes) -> bytes:
    """The root of the slot that begins with the row, and goes on with zeros (C11.2)."""
    return root_of_bytes(row, slot_level(len(row)))


def row_public_inputs(row: bytes, words: tuple[int, ...]) -> tuple[int, ...]:
    """The lanes of the row's root, and the words of the result (C11.2)."""
    return *_lanes(row_root(row)), *words


def rows_hash(runs: Sequence[tuple[int, ...]]) -> int:
    """One element that stands for all runs: a hash of the roots, then of the outputs (C11.3)."""
    roots = [lane.to_bytes(LANE_BYTES, "little") for run in runs for lane in run[:ROOT_LANES]]
    outputs = [word.to_bytes(WORD_BYTES, "big") for run in runs for word in run[ROOT_LANES:]]
    return hash_of_rows(roots, outputs)


def hash_of_rows(roots: Sequence[bytes], outputs: Sequence[bytes]) -> int:
    """The same from the roots and outputs as bytes, which a contract has."""
    return int.from_bytes(keccak256(b"".join([*roots, *outputs]))[:HASH_BYTES], "big")


def _lanes(node: bytes) -> tuple[int, ...]:
    starts = range(0, LEAF_BYTES, LANE_BYTES)
    return tuple(int.from_bytes(node[start : start + LANE_BYTES], "little") for start in starts)


def root_lines(size: int) -> Iterable[str]:
    """Noir: the root of the slot of `x0` must be the first public inputs."""
    count = -(-size // LEAF_BYTES)
    yield f"let mut packed: [Field; {count * ROOT_LANES}] = [0; {count * ROOT_LANES}];"
    yield f"for i in 0..{size} {{"
    yield f"    let at = {size - 1} - i;"
    yield f"    packed[at / {LANE_BYTES}] = packed[at / {LANE_BYTES}] * 256 + x0[at];"
    yield "}"
    yield f"let mut nodes0: [[u64; {ROOT_LANES}]; {count}] = [[0; {ROOT_LANES}]; {count}];"
    yield f"for i in 0..{count * ROOT_LANES} {{"
    yield f"    nodes0[i / {ROOT_LANES}][i % {ROOT_LANES}] = packed[i] as u64;"
    yield "}"
    level = 0
    for level in range(1, slot_level(size) + 1):
        yield from _level_lines(level, count)
        count = -(-count // 2)
    yield f"for i in 0..{ROOT_LANES} {{ assert(nodes{level}[0][i] as Field == public[i]); }}"


def _level_lines(level: int, below: int) -> Iterable[str]:
    source, target, count = f"nodes{level - 1}", f"nodes{level}", -(-below // 2)
    yield f"let mut {target}: [[u64; {ROOT_LANES}]; {count}] = [[0; {ROOT_LANES}]; {count}];"
    yield f"for i in 0..{below // 2} {{ {target}[i] = join({source}[2 * i], {source}[2 * i + 1]); }}"
    if below % 2:
        zero = ", ".join(map(str, _lanes(ZERO_NODES[level - 1])))
        yield f"{target}[{count - 1}] = join({source}[{below - 1}], [{zero}]);"


JOIN = """\
fn join(left: [u64; 4], right: [u64; 4]) -> [u64; 4] {
    keccak([left[0], left[1], left[2], left[3], right[0], right[1], right[2], right[3]])
}
"""


def hash_lines(runs: int, words: int) -> Iterable[str]:
    """Noir: the first public input is the hash of the runs' public inputs, `inputs` in a row (C11.3)."""
    each, roots = ROOT_LANES + words, runs * ROOT_LANES
    total = roots + runs * words // 2
    yield f"let mut lanes: [u64; {total}] = [0; {total}];"
    yield f"for i in 0..{runs} {{ for j in 0..{ROOT_LANES} {{"
    yield f"    inputs[i * {each} + j].assert_max_bit_size::<64>();"
    yield f"    lanes[i * {ROOT_LANES} + j] = inputs[i * {each} + j] as u64;"
    yield "} }"
    yield f"let mut pairs: [Field; {runs * words // 2}] = [0; {runs * words // 2}];"
    yield f"for i in 0..{runs} {{ for j in 0..{words} {{"
    yield f"    let bytes: [u8; 4] = inputs[i * {each} + {ROOT_LANES} + j].to_be_bytes();"
    yield f"    let at = i * {words} + j;"
    yield "    for k in 0..4 {"
    yield "        let weight = if at % 2 == 0 { POWERS[k] } else { POWERS[k + 4] };"
    yield "        pairs[at / 2] += bytes[k] as Field * weight;"
    yield "    }"
    yield "} }"
    yield f"for i in 0..{runs * words // 2} {{ lanes[{roots} + i] = pairs[i] as u64; }}"
    yield "let digest = keccak(lanes);"
    yield "let mut kept: Field = 0;"
    yield f"for i in 0..{HASH_BYTES} {{"
    yield "    let bytes: [u8; 8] = (digest[i / 8] as Field).to_le_bytes();"
    yield "    kept = kept * 256 + bytes[i % 8] as Field;"
    yield "}"
    yield "assert(kept == public[0]);"


POWERS = "global POWERS: [Field; 8] = [" + ", ".join(str(256**each) for each in range(8)) + "];\n"
