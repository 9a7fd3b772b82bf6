#pragma version 0.4.3
#pragma evm-version cancun
"""
@title What Jobs needs of Disputes: leaves that the test holds, and strikes that it makes
"""


interface Jobs:
    def strike(claim_id: uint256, task_id: uint256, bond_wei: uint256) -> address: nonpayable


interface Operators:
    def seize(operator: address, batch_id: uint256, amount_wei: uint256): nonpayable


struct Claim:
    struck_at: uint256
    opened: uint256
    open_count: uint256
    peak: uint256
    striker: uint256
    winners: uint256
    pot_wei: uint256
    by_step: bool
    without_result: bool


OPERATORS: immutable(address)
jobs: public(immutable(address))
held: public(HashMap[uint256, uint256])


@deploy
def __init__(jobs_: address, operators: address):
    jobs = jobs_
    OPERATORS = operators


@external
def hold(batch_id: uint256, leaves: uint256):
    self.held[batch_id] = leaves


@external
def strike(claim_id: uint256, task_id: uint256, bond_wei: uint256):
    operator: address = extcall Jobs(jobs).strike(claim_id, task_id, bond_wei)
    extcall Operators(OPERATORS).seize(operator, claim_id >> 8, bond_wei)


@external
@view
def get_claim(claim_id: uint256) -> Claim:
    """
    @notice One game was opened on each leaf that is held, and none on others.
    """
    claim: Claim = empty(Claim)
    claim.opened = self.held[claim_id >> 8] >> (claim_id & 255) & 1
    return claim


@external
@payable
def __default__():
    pass
