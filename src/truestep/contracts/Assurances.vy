#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Assurances: what a policy demands before a batch may end, and the guardian's stop (docs/protocol.md S2.4, S8)
@license Apache-2.0
@dev Policy 1, optimistic, is built in. Others are contracts, which are added and never change.
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IDisputes
from interfaces import ITimelock

implements: IAssurances

OPTIMISTIC: constant(uint256) = 1
POLICY_LIMIT: constant(uint256) = 2**8 - 1
# A job keeps the number of its policy in 8 bits.
STOP_LIMIT_SECONDS: constant(uint256) = 7 * 86_400
STOP_PAUSE_SECONDS: constant(uint256) = 30 * 86_400
# From the start of a stop to that of the next, so that a guardian cannot stop for ever.
LOW_HALF: constant(uint256) = 2**128 - 1

owner: public(immutable(address))
disputes: public(immutable(address))

policy_count: public(uint256)
policies: public(HashMap[uint256, address])
stop_word: uint256  # [ began 128 | until 128 ]


@deploy
def __init__(timelock: address, disputes_: address):
    """
    @param timelock Who adds policies; its guardian may stop the ends of batches for a while.
    @param disputes_ Whose games hold leaves under policy 1.
    """
    assert timelock.is_contract and disputes_.is_contract, "no contract at this address"
    owner = timelock
    disputes = disputes_
    self.policy_count = OPTIMISTIC


@external
def add(policy: address, number: uint256):
    """
    @notice Let jobs name another policy. By the owner.
    @param number The number that it must get: anybody may execute what the timelock announced, in any order.
    """
    assert msg.sender == owner, "caller is not the owner"
    assert policy.is_contract, "no contract at this address"
    assert number == self.policy_count + 1, "number is not the next"
    assert number <= POLICY_LIMIT, "too many policies"
    self.policy_count = number
    self.policies[number] = policy
    log IAssurances.Added(policy=number, assurance=policy)


@external
def stop(seconds: uint256):
    """
    @notice Let no batch end for a while (S2.4). By the guardian, once in 30 days.
    """
    assert msg.sender == staticcall ITimelock(owner).guardian(), "caller is not the guardian"
    assert seconds != 0 and seconds <= STOP_LIMIT_SECONDS, "stop out of bounds"
    assert block.timestamp >= (self.stop_word >> 128) + STOP_PAUSE_SECONDS, "stopped a short while ago"
    until: uint256 = block.timestamp + seconds
    self.stop_word = block.timestamp << 128 | until
    log IAssurances.Stopped(until=until)


@external
@view
def stopped_until() -> uint256:
    """
    @notice The last second of the latest stop; 0 if there was none.
    """
    return self.stop_word & LOW_HALF


@external
@view
def is_known(policy: uint256) -> bool:
    """
    @notice Whether jobs may name this policy.
    """
    return policy == OPTIMISTIC or self.policies[policy] != empty(address)


@external
@view
def verdict(
    policy: uint256, batch_id: uint256, until: uint256, leaf_count: uint256
) -> (bool, uint256):
    """
    @notice Whether the batch may end now, and the leaves that must wait, a bit each (S8.1).
    """
    assert block.timestamp > self.stop_word & LOW_HALF, "finalize is stopped"
    if policy == OPTIMISTIC:
        if block.timestamp <= until:
            return False, 0
        return True, staticcall IDisputes(disputes).held(batch_id)
    assurance: address = self.policies[policy]
    assert assurance != empty(address), "unknown policy"
    is_due: bool = False
    held: uint256 = 0
    is_due, held = staticcall IAssurance(assurance).verdict(batch_id, until, leaf_count)
    # A leaf that became final under a game would leave the game's bonds in Disputes for ever.
    return is_due, held | staticcall IDisputes(disputes).held(batch_id)
