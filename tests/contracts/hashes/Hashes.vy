#pragma version 0.4.3
#pragma evm-version cancun
"""
@title What the contracts hash, out of their own modules, for the test vectors
"""
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IParameters
from modules import challenged_claims
from modules import game_course
from modules import game_rules
from modules import job_book
from modules import leaf_proofs
from modules import memory_tree
from modules import micro_runs
from modules import split_tree
from modules import trees

initializes: job_book
initializes: game_course


@external
@view
def job_digest(jobs: address, job_id: uint256, work: IJobs.Work, terms: IJobs.JobTerms) -> bytes32:
    return leaf_proofs.job_digest(jobs, job_id, work, terms)


@external
@pure
def terms_hash(terms: IJobs.BatchTerms) -> bytes32:
    return keccak256(abi_encode(terms))


@external
def tasks_root(items: DynArray[uint256, 256], digests: DynArray[bytes32, 256]) -> bytes32:
    for index: uint256 in range(len(items), bound=256):
        job_book.job_digests[items[index] >> 64] = digests[index]
    return job_book.root_of(items)


@external
@pure
def leaf_hash(leaf: IJobs.Leaf) -> bytes32:
    return keccak256(abi_encode(leaf))


@external
@pure
def climb(leaf: bytes32, index: uint256, siblings: DynArray[bytes32, 8]) -> bytes32:
    return trees.climb(leaf, index, siblings)


@external
@pure
def initial_hash(task_id: uint256, work: IJobs.Work) -> bytes32:
    return leaf_proofs.initial_state_hash(task_id, work)


@external
@pure
def claimed_hash(task_id: uint256, work: IJobs.Work, leaf: IJobs.Leaf) -> bytes32:
    return leaf_proofs.state_hash(task_id, work, leaf)


@external
@pure
def is_refuted(work: IJobs.Work, leaf: IJobs.Leaf, packed_state: Bytes[305]) -> bool:
    return leaf_proofs.is_refuted(work, leaf, packed_state)


@external
@pure
def node_of(game_id: uint256, game: IDisputes.Game) -> bytes32:
    return game_course.node_of(game_id, game)


@external
@pure
def split_root(low_hash: bytes32, hashes: DynArray[bytes32, 63], high_hash: bytes32, arity: uint256) -> bytes32:
    return split_tree.root(low_hash, hashes, high_hash, game_course.depth_of(arity))


@external
@pure
def climb_split(start: bytes32, end: bytes32, part: uint256, siblings: DynArray[bytes32, 6]) -> bytes32:
    return split_tree.climb(start, end, part, siblings)


@external
@pure
def high_hash(memory_root: bytes32, cycles: uint256, result: uint256) -> bytes32:
    return micro_runs.end_hash(memory_root, cycles, result)


@external
@pure
def rules(parameters: IParameters.Parameters) -> uint256:
    return game_rules.pack(parameters)


@external
@pure
def game_hash(game: IDisputes.Game) -> bytes32:
    return keccak256(abi_encode(game))
