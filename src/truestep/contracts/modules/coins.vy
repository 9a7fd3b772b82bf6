#pragma version 0.4.3
"""
@title The only place where coins leave a contract or are burned (docs/protocol.md S9.2)
@notice An ERC-20 instead of the native coin would change this module and nothing else.
"""

burned_wei: public(uint256)
# Burned coins stay in the contract that burned them: balance = what it owes + burned_wei.


@internal
def burn(amount_wei: uint256):
    """
    @notice Give up `amount_wei` for ever.
    """
    self.burned_wei += amount_wei


@internal
def pay(receiver: address, amount_wei: uint256):
    """
    @notice Send coins. The caller has already taken them off its books and holds the reentrancy lock.
    @dev A plain call, not 2300 gas: the receiver may be a smart account.
    """
    is_paid: bool = raw_call(receiver, b"", value=amount_wei, revert_on_failure=False)
    assert is_paid, "payment refused by receiver"
