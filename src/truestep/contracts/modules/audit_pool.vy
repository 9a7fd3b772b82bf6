#pragma version 0.4.3
"""
@title Who may audit: members of a pool of Sortition, and how many audits each of them has (docs/audits.md U3.3)
"""
from modules import audit_rules

uses: audit_rules


interface Drawing:
    def drawing(since: uint256) -> uint256: view
    def seed(round: uint256) -> bytes32: view


interface Pool:
    def select(
        pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, 16]
    ) -> DynArray[address, 16]: view
    def pledge_of(pool: uint256, operator: address) -> uint256: view
    def exit_seconds() -> uint256: view
    def penalise(operator: address, amount_wei: uint256) -> uint256: nonpayable


TRIES: constant(uint256) = 6
# Members that are drawn for one seat, before the draw is given up because all of them are busy.
MASK128: constant(uint256) = 2**128 - 1

SORTITION: immutable(Pool)
RANDOMNESS: immutable(Drawing)
EXIT_SECONDS: immutable(uint256)

loads: HashMap[address, uint256]  # auditor: [ audits 128 | their penalties 128 ]
failed: HashMap[uint256, HashMap[address, bool]]  # job id: who has failed in an audit of it


@deploy
def __init__(sortition: address, randomness: address):
    SORTITION = Pool(sortition)
    RANDOMNESS = Drawing(randomness)
    EXIT_SECONDS = staticcall SORTITION.exit_seconds()


@external
@view
def load_of(auditor: address) -> (uint256, uint256):
    """
    @notice How many audits an auditor has, and what it would pay if it failed in all of them.
    """
    return self.loads[auditor] >> 128, self.loads[auditor] & MASK128


@internal
def appoint(
    seed: bytes32, job_id: uint256, operator: address, before: address, penalty_wei: uint256
) -> address:
    """
    @notice Draw an auditor, which has one audit more.
    @param operator The claimant.
    @param before The auditor before, if there was one and it has not failed.
    """
    auditor: address = self._free_auditor(seed, job_id, operator, before, penalty_wei)
    self.loads[auditor] += 1 << 128 | penalty_wei
    return auditor


@internal
def free(auditor: address, penalty_wei: uint256):
    """
    @notice An auditor has one audit less.
    """
    self.loads[auditor] -= 1 << 128 | penalty_wei


@internal
def penalise(job_id: uint256, auditor: address, penalty_wei: uint256) -> uint256:
    """
    @notice An auditor has failed: it has one audit less, audits nothing of the job any more, and pays.
    @return What was left of its pledge, up to the penalty.
    """
    self.free(auditor, penalty_wei)
    self.failed[job_id][auditor] = True
    return extcall SORTITION.penalise(auditor, penalty_wei)


@internal
@view
def seed(since: uint256, thing: bytes32) -> bytes32:
    """
    @notice The seed of a thing that happened at `since`: in the phase of draws of a round that began to reveal later.
    """
    round: uint256 = staticcall RANDOMNESS.drawing(since)
    return keccak256(abi_encode(staticcall RANDOMNESS.seed(round), self, thing))


@internal
@view
def _free_auditor(
    seed: bytes32, job_id: uint256, operator: address, before: address, penalty_wei: uint256
) -> address:
    """
    @notice Who is drawn, but for those that are busy, could not pay the penalty, or have failed in the job before.
    """
    excluded: DynArray[address, 16] = [operator]
    if before != empty(address):
        excluded.append(before)
    for _: uint256 in range(TRIES):
        drawn: DynArray[address, 16] = staticcall SORTITION.select(audit_rules.POOL, seed, 1, excluded)
        if len(drawn) == 0:
            break
        load: uint256 = self.loads[drawn[0]]
        if (
            load >> 128 < audit_rules.LOAD
            and not self.failed[job_id][drawn[0]]
            and staticcall SORTITION.pledge_of(audit_rules.POOL, drawn[0]) >= (load & MASK128) + penalty_wei
        ):
            return drawn[0]
        excluded.append(drawn[0])
    raise "no auditor is free"
