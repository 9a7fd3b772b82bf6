#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Operators: stakes, the bonds locked in them, and delegates (docs/protocol.md S1.8, S9.1)
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


LOW_HALF: constant(uint256) = 2**128 - 1
ALL_ROLES: constant(uint256) = 7

DEPLOYER: immutable(address)
is_sealed: public(bool)
is_module: public(HashMap[address, bool])

# account word: [ stake 128 | locked 128 ], in wei; locked <= stake always.
packed_accounts: HashMap[address, uint256]
delegates: HashMap[address, HashMap[address, uint256]]


@deploy
def __init__():
    DEPLOYER = msg.sender


@external
def add_module(module: address):
    """
    @notice Name a contract that may lock, unlock, burn and seize. By the deployer, until it is sealed.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert not self.is_sealed, "modules are sealed"
    assert module.is_contract, "no contract at this address"
    self.is_module[module] = True
    log IOperators.ModuleAdded(module=module)


@external
def seal():
    """
    @notice End the naming of modules for ever. By the deployer.
    """
    assert msg.sender == DEPLOYER, "caller is not the deployer"
    assert not self.is_sealed, "modules are sealed"
    self.is_sealed = True
    log IOperators.Sealed()


# --- operators ------------------------------------------------------------------------------------


@external
@payable
def deposit_for(operator: address):
    """
    @notice Add the coins sent to an operator's stake.
    @dev Nobody should stake before the modules are sealed: until then the deployer could take it.
    """
    assert operator != empty(address), "no address given"
    assert msg.value != 0, "wrong amount of coins sent"
    assert self.is_sealed, "modules are not sealed"
    self.packed_accounts[operator] += msg.value << 128
    log IOperators.Deposited(operator=operator, sender=msg.sender, amount_wei=msg.value)


@external
def withdraw_to(receiver: address, amount_wei: uint256):
    """
    @notice Send coins out of the caller's free stake.
    """
    assert amount_wei != 0, "nothing to withdraw"
    assert receiver != empty(address), "no address given"
    assert not self.is_module[receiver], "payment refused by receiver"
    account: uint256 = self.packed_accounts[msg.sender]
    assert amount_wei <= (account >> 128) - (account & LOW_HALF), "not enough free stake"
    self.packed_accounts[msg.sender] = account - (amount_wei << 128)
    log IOperators.Withdrawn(operator=msg.sender, receiver=receiver, amount_wei=amount_wei)
    coins.pay(receiver, amount_wei)


@external
def set_delegate(delegate: address, roles: uint256):
    """
    @notice Let `delegate` act for the caller.
    @param roles A sum of TAKE = 1, CLAIM = 2, MOVE = 4; 0 ends it.
    """
    assert delegate != empty(address) and delegate != msg.sender, "not a delegate's address"
    assert roles <= ALL_ROLES, "no such role"
    self.delegates[msg.sender][delegate] = roles
    log IOperators.Delegated(operator=msg.sender, delegate=delegate, roles=roles)


# --- modules --------------------------------------------------------------------------------------


@external
def lock(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Lock free stake for a batch. By a module.
    """
    self._check_module()
    account: uint256 = self.packed_accounts[operator]
    assert amount_wei <= (account >> 128) - (account & LOW_HALF), "not enough free stake"
    self.packed_accounts[operator] = account + amount_wei
    log IOperators.Locked(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def unlock(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Free locked stake. By a module.
    """
    self._check_module()
    account: uint256 = self.packed_accounts[operator]
    assert amount_wei <= account & LOW_HALF, "not enough locked stake"
    self.packed_accounts[operator] = account - amount_wei
    log IOperators.Unlocked(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def burn(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Destroy locked stake. By a module.
    """
    self._check_module()
    self._forfeit(operator, amount_wei)
    coins.burn(amount_wei)
    log IOperators.Burned(operator=operator, batch_id=batch_id, amount_wei=amount_wei)


@external
def seize(operator: address, batch_id: uint256, amount_wei: uint256):
    """
    @notice Send locked stake to the caller. By a module.
    """
    self._check_module()
    self._forfeit(operator, amount_wei)
    log IOperators.Seized(
        operator=operator, batch_id=batch_id, receiver=msg.sender, amount_wei=amount_wei
    )
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


@external
@view
def roles(operator: address, delegate: address) -> uint256:
    """
    @notice The roles of a delegate, a sum of 1, 2, 4, 8; 15 for the operator itself.
    """
    return ALL_ROLES if operator == delegate else self.delegates[operator][delegate]


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_module():
    assert self.is_module[msg.sender], "caller is not a module"


@internal
def _forfeit(operator: address, amount_wei: uint256):
    account: uint256 = self.packed_accounts[operator]
    assert amount_wei <= account & LOW_HALF, "not enough locked stake"
    self.packed_accounts[operator] = account - amount_wei - (amount_wei << 128)
