"""Which hashes of the protocol are in the vectors: all that a caller computes for itself (docs/protocol.md).

A case has what is hashed and what comes of it. Numbers from 2^53 on are hexadecimal, since not every reader
of JSON has larger ones; bytes and addresses are hexadecimal too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId, task_of
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status, final_state
from truestep.protocol.bisection import Interval, part_siblings, split_root
from truestep.protocol.settlement.claims import initial_state_hash, inner_root, is_refuted, state_hash
from truestep.protocol.settlement.contracts.disputes import Game
from truestep.protocol.settlement.disputes import ROOT_SHIFT, commitment_of, game_hash, node_of
from truestep.protocol.settlement.encoding import encode, encode_struct, hash_struct
from truestep.protocol.settlement.games import packed_rules
from truestep.protocol.settlement.ids import Item, LeafId, claim_of
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Leaf, Work
from truestep.protocol.settlement.results import slots_root
from truestep.protocol.settlement.trees import item_leaf, path_in, root_over

SETTLEMENT_FILE = Path(__file__).parent / "settlement.json"
EXACT_LIMIT = 2**53
"""Above it, numbers of JSON lose bits in many languages."""
CHAIN_IDS = (1, 8453)
SIZES = (1, 2, 3, 8, 33)
"""Of batches: alone, in pairs, with zeros behind them on one level or on several."""
ARITIES = (2, 8, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCase:
    """What is hashed, and what comes of it."""

    kind: str
    given: dict[str, Any]
    expected: dict[str, Any]


class Draw:
    """Values that are the same in every run."""

    def __init__(self) -> None:
        self._random = random.Random("settlement")

    def hash(self) -> Bytes32:
        """32 bytes."""
        return Bytes32(self._random.randbytes(32))

    def hashes(self, count: int) -> list[Bytes32]:
        """So many of them."""
        return [self.hash() for _ in range(count)]

    def address(self) -> Address:
        """An address, in lower case."""
        return Address(f"0x{self._random.randbytes(20).hex()}")

    def number(self, bits: int) -> int:
        """Of any length up to that many bits."""
        return self._random.getrandbits(self._random.randint(1, bits))

    def below(self, limit: int) -> int:
        """From 1 to `limit`."""
        return self._random.randint(1, limit)

    def work(self) -> Work:
        """What a job computes."""
        return Work(
            image_root=self.hash(),
            entry=self.number(29),
            max_cycles=self.below(2**48),
            input_root=self.hash(),
            input_size=self.below(2**29),
            seed=self.hash(),
            shard_count=self.below(65_535),
        )

    def terms(self) -> JobTerms:
        """On which terms."""
        return JobTerms(
            requester=self.address(),
            consumer=self.address(),
            callback_gas=self.number(24),
            asset=self.address(),
            policy=self.below(255),
            parameters_id=self.below(65_535),
            bond_multiple=self.below(255),
            window_seconds=60 * self.below(60_000),
            lease_seconds=self.below(2_592_000),
            reducer_of=self.number(72),
        )

    def leaf(self, work: Work, status: int) -> Leaf:
        """A leaf of the right shape."""
        if status == Status.RUNNING:
            return Leaf(head=work.max_cycles << 64, output_root=self.hash(), left_root=Bytes32(bytes(32)))
        cycle = self.below(work.max_cycles)
        head = status << 192 | self.number(64) << 128 | cycle << 64 | self.number(29)
        return Leaf(head=head, output_root=self.hash(), left_root=self.hash())


def settlement_cases() -> Iterator[SettlementCase]:
    """All cases, always the same."""
    draw = Draw()
    for chain_id in CHAIN_IDS:
        yield _job(draw, chain_id)
    yield _ids(draw)
    yield _batch_terms(draw)
    for size in SIZES:
        yield _items(draw, size)
        yield _leaves(draw, size)
    for status in Status:
        yield _state(draw, status)
    yield from _refuted(draw)
    for count, level in ((1, 24), (3, 0), (33, 7)):
        yield _slots(draw, count, level)
    for arity in ARITIES:
        for length in (2, arity - 1 if arity > 2 else 3, arity, draw.below(2**48)):
            yield _split(draw, arity, length)
    yield _commitment(draw)
    yield _reveal(draw)
    for arity in ARITIES:
        yield _game(draw, arity)


def dump_settlement(cases: Iterable[SettlementCase]) -> str:
    """JSON with a case a line, so that a change shows as the lines it changes."""
    return "[\n" + ",\n".join(json.dumps(asdict(case)) for case in cases) + "\n]\n"


def read_settlement() -> list[SettlementCase]:
    """The committed cases."""
    return [SettlementCase(**fields) for fields in json.loads(SETTLEMENT_FILE.read_text("utf-8"))]


def _case(kind: str, given: Mapping[str, Any], expected: Mapping[str, Any]) -> SettlementCase:
    return SettlementCase(kind=kind, given=_plain(given), expected=_plain(expected))


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{int(value):#x}" if value >= EXACT_LIMIT else int(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _job(draw: Draw, chain_id: int) -> SettlementCase:
    jobs, job_id, work, terms = draw.address(), draw.below(2**40), draw.work(), draw.terms()
    work_digest = hash_struct(work)
    return _case(
        "job",
        {"chain_id": chain_id, "jobs": jobs, "job_id": job_id, "work": asdict(work), "terms": asdict(terms)},
        {
            "program_hash": keccak256(encode(work.image_root, work.entry, work.max_cycles)),
            "work_digest": work_digest,
            "job_digest": keccak256(encode(chain_id, jobs, job_id, work_digest) + encode_struct(terms)),
        },
    )


def _ids(draw: Draw) -> SettlementCase:
    job_id, shard, batch_id = JobId(draw.below(2**40)), draw.below(65_534), BatchId(draw.below(2**40))
    leaf_index, ordinal = draw.below(255), draw.below(2**24 - 1)
    claim_id = claim_of(batch_id, leaf_index)
    return _case(
        "ids",
        {
            "job_id": job_id,
            "shard_index": shard,
            "batch_id": batch_id,
            "leaf_index": leaf_index,
            "ordinal": ordinal,
        },
        {
            "task_id": task_of(job_id, shard),
            "claim_id": claim_id,
            "game_id": claim_id << 32 | ordinal,
        },
    )


def _batch_terms(draw: Draw) -> SettlementCase:
    terms = BatchTerms(
        tasks_root=draw.hash(),
        claims_root=draw.hash(),
        reward=draw.number(88),
        bond_wei=draw.number(104),
        asset=draw.address(),
        window_seconds=60 * draw.below(60_000),
        lease_seconds=draw.below(2_592_000),
    )
    return _case("batch terms", asdict(terms), {"terms_hash": hash_struct(terms)})


def _items(draw: Draw, count: int) -> SettlementCase:
    items = [
        Item(job_id=JobId(draw.below(2**40)), first_shard=draw.below(2**15), count=1, offset=offset)
        for offset in range(count)
    ]
    digests = draw.hashes(count)
    packed = [item.pack() for item in items]
    nodes = [item_leaf(item, digest) for item, digest in zip(packed, digests, strict=True)]
    given = [asdict(item) | {"job_digest": digest} for item, digest in zip(items, digests, strict=True)]
    return _case(
        "items", {"items": given}, {"packed": packed, "tasks_root": root_over(nodes), **_last_path(nodes)}
    )


def _leaves(draw: Draw, count: int) -> SettlementCase:
    work = draw.work()
    leaves = [draw.leaf(work, draw.below(2)) for _ in range(count)]
    nodes = [hash_struct(leaf) for leaf in leaves]
    given = [
        {
            "status": leaf.status,
            "code": leaf.code,
            "cycle": leaf.cycle,
            "output_size": leaf.output_size,
            "output_root": leaf.output_root,
            "left_root": leaf.left_root,
        }
        for leaf in leaves
    ]
    heads = [leaf.head for leaf in leaves]
    return _case(
        "leaves", {"leaves": given}, {"heads": heads, "claims_root": root_over(nodes), **_last_path(nodes)}
    )


def _last_path(nodes: Sequence[bytes]) -> dict[str, Any]:
    """The last leaf of a tree, and the siblings that prove it."""
    return {"last": nodes[-1], "last_path": path_in(nodes, len(nodes) - 1)}


def _state(draw: Draw, status: Status) -> SettlementCase:
    work = draw.work()
    task_id = task_of(JobId(draw.below(2**40)), draw.below(work.shard_count) - 1)
    leaf = draw.leaf(work, status)
    return _case(
        "state",
        {"task_id": task_id, "work": asdict(work), "leaf": asdict(leaf)},
        {
            "inner_root": inner_root(task_id, work),
            "initial_hash": initial_state_hash(task_id, work),
            "claimed_hash": state_hash(task_id, work, leaf),
        },
    )


def _refuted(draw: Draw) -> Iterator[SettlementCase]:
    """Leaves that are false by themselves, and some that are not."""
    work = draw.work()
    halted = final_state(memory_root=draw.hash(), cycle=work.max_cycles, status=Status.EXITED, code=3)
    right, running = draw.leaf(work, Status.EXITED), work.max_cycles << 64
    heads = {
        "right": right.head,
        "status 3": 3 << 192 | 5 << 64,
        "no cycle": 1 << 192,
        "too many cycles": 1 << 192 | work.max_cycles + 1 << 64,
        "running with a code": running | 1 << 128,
        "running too early": running - (1 << 64),
    }
    for name, head in heads.items():
        leaf = Leaf(head=head, output_root=right.output_root, left_root=Bytes32(bytes(32)))
        yield _refutation(name, work, leaf, b"")
    says_running = Leaf(head=running, output_root=halted.hash(), left_root=Bytes32(bytes(32)))
    yield _refutation("running, of a halted state", work, says_running, halted.pack())
    yield _refutation("running, of a state that is not shown", work, says_running, b"")


def _refutation(name: str, work: Work, leaf: Leaf, packed_state: bytes) -> SettlementCase:
    given = {"name": name, "work": asdict(work), "leaf": asdict(leaf), "packed_state": packed_state}
    return _case("refutation", given, {"is_refuted": is_refuted(work, leaf, packed_state)})


def _slots(draw: Draw, count: int, level: int) -> SettlementCase:
    nodes = tuple(draw.hashes(count))
    expected = {"input_root": slots_root(nodes, level), "input_size": count * 32 << level}
    return _case("slots", {"level": level, "nodes": nodes}, expected)


def _split(draw: Draw, arity: int, length: int) -> SettlementCase:
    low = draw.number(40)
    interval = Interval(low=low, high=low + length)
    claim_id, defender = LeafId(draw.number(40)), draw.address()
    hashes = draw.hashes(interval.part_count(arity) + 1)
    part = draw.below(interval.part_count(arity)) - 1
    root = split_root(hashes, arity)
    node = node_of(claim_id, defender, arity, interval.low, interval.high, hashes[0], hashes[-1])
    return _case(
        "split",
        {
            "claim_id": claim_id,
            "defender": defender,
            "arity": arity,
            "low": interval.low,
            "high": interval.high,
            "hashes": hashes,
            "part": part,
        },
        {
            "node": node,
            "boundaries": interval.boundaries(arity),
            "root": root,
            "kept": int.from_bytes(root, "big") >> ROOT_SHIFT,
            "siblings": part_siblings(hashes, arity, part),
        },
    )


def _commitment(draw: Draw) -> SettlementCase:
    challenger, final_hash, salt = draw.address(), draw.hash(), draw.hash()
    given = {"challenger": challenger, "state_hash": final_hash, "salt": salt}
    return _case("commitment", given, {"commitment": commitment_of(challenger, final_hash, salt)})


def _reveal(draw: Draw) -> SettlementCase:
    memory_root, cycles, result = draw.hash(), draw.below(4_095), draw.number(64)
    end = final_state(memory_root=memory_root, cycle=cycles, status=Status.EXITED, code=result)
    given = {"memory_root": memory_root, "cycles": cycles, "result": result}
    return _case("reveal", given, {"high_hash": end.hash()})


def _game(draw: Draw, arity: int) -> SettlementCase:
    parameters = Parameters(
        operator_bond_wei=10**18,
        challenger_bond_wei=4 * 10**16,
        window_seconds=30_000,
        cycles_per_second=10**8,
        clock_seconds=draw.below(2**20),
        rescue_seconds=draw.below(2**20),
        reveal_seconds=draw.below(2**21),
        arity=arity,
        lease_penalty_bps=1_000,
        release_penalty_bps=100,
        winner_share_bps=4_000 + draw.below(1_000),
        gas_price_cap_wei=10**9,
    )
    game = Game(
        stage=draw.below(5),
        task_id=TaskId(draw.number(72)),
        defender=draw.address(),
        challenger=draw.address(),
        low=draw.number(63),
        high=draw.number(64),
        low_hash=draw.hash(),
        high_hash=draw.hash(),
        template=draw.hash(),
        rd=draw.below(31),
        gas_units=draw.number(24),
        price_wei=draw.number(50),
        defender_used_seconds=draw.number(21),
        challenger_used_seconds=draw.number(20),
        moved_at=draw.number(40),
        bond_wei=draw.number(96),
        leaf_bond_wei=draw.number(104),
        sponsor_bond_wei=draw.number(104),
        commitment=draw.hash(),
        claimed_hash=draw.hash(),
        rules=packed_rules(parameters),
    )
    return _case(
        "game",
        {"parameters": asdict(parameters), "game": asdict(game)},
        {"rules": game.rules, "game_hash": game_hash(game)},
    )
