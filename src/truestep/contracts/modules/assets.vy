#pragma version 0.4.3
"""
@title The only place where money enters or leaves a contract: native coins and ERC-20 (docs/protocol.md S9)
@notice The zero address is the native coin. What the contract owes is kept by asset, so that a token that lies
        harms only those who deal in it.
"""
from ethereum.ercs import IERC20
from interfaces import IJobs

# By asset, then by account.
credits: public(HashMap[address, HashMap[address, uint256]])


@external
@nonreentrant
def withdraw(asset: address, receiver: address):
    """
    @notice Send `receiver` all that the caller is owed of an asset.
    """
    amount: uint256 = self.credits[asset][msg.sender]
    assert amount != 0, "nothing to withdraw"
    assert receiver != empty(address), "no address given"
    self.credits[asset][msg.sender] = 0
    log IJobs.Withdrawn(asset=asset, account=msg.sender, receiver=receiver, amount=amount)
    is_paid: bool = False
    if asset == empty(address):
        # A plain call, not 2300 gas: the receiver may be a smart account.
        is_paid = raw_call(receiver, b"", value=amount, revert_on_failure=False)
    else:
        message: Bytes[100] = abi_encode(
            receiver, amount, method_id=method_id("transfer(address,uint256)")
        )
        is_paid = self._has_agreed(asset, message)
    assert is_paid, "payment refused by receiver"


@internal
def credit(asset: address, account: address, amount: uint256):
    """
    @notice Owe `amount` more to `account`.
    """
    if amount != 0:
        self.credits[asset][account] += amount


@internal
@payable
def collect(asset: address, amount: uint256):
    """
    @notice Take `amount` of an asset from the caller: just so much was sent, or arrives in full (S9.3).
    @dev The caller holds the reentrancy lock, so nothing else arrives in between.
    """
    is_native: bool = asset == empty(address)
    assert msg.value == (amount if is_native else 0), "wrong amount of coins sent"
    if is_native:
        return
    assert asset.is_contract, "no contract at this address"
    before: uint256 = staticcall IERC20(asset).balanceOf(self)
    message: Bytes[100] = abi_encode(
        msg.sender, self, amount, method_id=method_id("transferFrom(address,address,uint256)")
    )
    assert self._has_agreed(asset, message), "payment refused by token"
    received: uint256 = staticcall IERC20(asset).balanceOf(self)
    assert received >= before and received - before == amount, "token delivered another amount"


@internal
def _has_agreed(token: address, message: Bytes[100]) -> bool:
    """
    @notice Call a token; it agrees by returning true or, as old tokens do, nothing.
    """
    is_success: bool = False
    response: Bytes[32] = b""
    is_success, response = raw_call(token, message, max_outsize=32, revert_on_failure=False)
    if not is_success:
        return False
    return len(response) == 0 or (len(response) == 32 and convert(response, uint256) == 1)
