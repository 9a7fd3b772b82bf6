#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Operators: stakes and the bonds locked in them (docs/protocol.md P1.6, P6)
@license Apache-2.0
"""
from interfaces import IOperators
from modules import coins

implements: IOperators
initializes: coins
exports: coins.burned_wei


struct Account:
    stake: uint256
    locked: uint256


event Connected:
    jobs: indexed(address)
    disputes: indexed(address)


event Deposited:
    operator: indexed(address)
    amount_wei: uint256


event Withdrawn:
    operator: indexed(address)
    amount_wei: uint256


event Delegated:
    operator: indexed(address)
    delegate: indexed(address)


event Locked:
    operator: indexed(address)
    amount_wei: uint256


event Unlocked:
    operator: indexed(address)
    amount_wei: uint256


event Burned:
    operator: indexed(address)
    amount_wei: uint256


event Seized:
    operator: indexed(address)
    amount_wei: uint256


LOW_HALF: constant(uint256) = 2**128 - 1

DEPLOYER: immutable(address)
jobs: public(address)
disputes: public(address)

# account word: [ stake 128 | locked 128 ], in wei; locked <= stake always.
packed_accounts: HashMap[address, uint256]
delegate_of: public(HashMap[address, address])


@deploy
def __init__():
    DEPLOYER = msg.sender


@external
def connect(jobs: address, disputes: address):
    """
    @notice Name the contracts that may lock, burn and seize. Once, by the deployer.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert self.jobs == empty(address), "already connected"
    assert jobs.is_contract and disputes.is_contract, "no contract at this address"
    self.jobs = jobs
    self.disputes = disputes
    log Connected(jobs=jobs, disputes=disputes)


# --- operators ------------------------------------------------------------------------------------


@external
@payable
def deposit():
    """
    @notice Add the coins sent to the caller's stake.
    """
    self.packed_accounts[msg.sender] += msg.value << 128
    log Deposited(operator=msg.sender, amount_wei=msg.value)


@external
def withdraw(amount_wei: uint256):
    """
    @notice Take coins out of the caller's free stake.
    """
    assert amount_wei != 0, "nothing to withdraw"
    account: uint256 = self.packed_accounts[msg.sender]
    assert amount_wei <= (account >> 128) - (account & LOW_HALF), "not enough free stake"
    self.packed_accounts[msg.sender] = account - (amount_wei << 128)
    log Withdrawn(operator=msg.sender, amount_wei=amount_wei)
    coins.pay(msg.sender, amount_wei)


@external
def set_delegate(delegate: address):
    """
    @notice Let `delegate` move in games for the caller; the zero address ends it.
    """
    self.delegate_of[msg.sender] = delegate
    log Delegated(operator=msg.sender, delegate=delegate)


# --- the other contracts --------------------------------------------------------------------------


@external
def lock(operator: address, amount_wei: uint256):
    """
    @notice Lock free stake as a bond.
    """
    assert msg.sender == self.jobs, "caller is not Jobs"
    account: uint256 = self.packed_accounts[operator]
    assert amount_wei <= (account >> 128) - (account & LOW_HALF), "not enough free stake"
    self.packed_accounts[operator] = account + amount_wei
    log Locked(operator=operator, amount_wei=amount_wei)


@external
def unlock(operator: address, amount_wei: uint256):
    """
    @notice Give a bond back to its operator's free stake.
    """
    assert msg.sender == self.jobs, "caller is not Jobs"
    self._unlock(operator, amount_wei)
    log Unlocked(operator=operator, amount_wei=amount_wei)


@external
def burn(operator: address, amount_wei: uint256):
    """
    @notice Burn a locked part of the stake.
    """
    assert msg.sender == self.jobs, "caller is not Jobs"
    self._forfeit(operator, amount_wei)
    coins.burn(amount_wei)
    log Burned(operator=operator, amount_wei=amount_wei)


@external
def seize(operator: address, amount_wei: uint256):
    """
    @notice Move a locked part of the stake to Disputes.
    """
    assert msg.sender == self.disputes, "caller is not Disputes"
    self._forfeit(operator, amount_wei)
    log Seized(operator=operator, amount_wei=amount_wei)
    coins.pay(msg.sender, amount_wei)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def accounts(operator: address) -> Account:
    """
    @notice The operator's whole stake, and the part of it that is locked.
    """
    account: uint256 = self.packed_accounts[operator]
    return Account(stake=account >> 128, locked=account & LOW_HALF)


@internal
def _unlock(operator: address, amount_wei: uint256):
    account: uint256 = self.packed_accounts[operator]
    assert amount_wei <= account & LOW_HALF, "not enough locked stake"
    self.packed_accounts[operator] = account - amount_wei


@internal
def _forfeit(operator: address, amount_wei: uint256):
    self._unlock(operator, amount_wei)
    self.packed_accounts[operator] -= amount_wei << 128
