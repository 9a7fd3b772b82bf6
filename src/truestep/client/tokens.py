"""Amounts of native coins or tokens, and what a token must allow Jobs before it pays for a job."""

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.ports.chain import Chain
from truestep.protocol.calls import NATIVE, AllowToken


def amount_in_words(amount: int, asset: Address) -> str:
    """`0.01 ETH`, or `2,500 of token 0x…`, in the token's smallest unit."""
    return coins(amount) if asset == NATIVE else f"{amount:,} of token {asset}"


def allow(chain: Chain, asset: Address, amount: int) -> None:
    """Let Jobs take so much of a token from the account, and no more. Does nothing for native coins.

    Raises Rejected if the account has less or the address is no token.
    """
    if asset == NATIVE or amount == 0:
        return
    holding = chain.token(asset, chain.account)
    if holding.balance < amount:
        raise Rejected(
            Reject.FUNDS_TOO_LOW,
            f"expected at least {amount_in_words(amount, asset)} in {chain.account}, got {holding.balance:,};"
            " send it the rest first",
        )
    if holding.allowance >= amount:
        return
    # Some tokens, such as USDT, refuse to change an allowance that is not 0.
    for allowance in (0, amount) if holding.allowance else (amount,):
        intent = f"allow:{asset}:{allowance}:{chain.head().hash.hex()}"
        chain.transact(AllowToken(asset=asset, amount=allowance), intent=intent)
