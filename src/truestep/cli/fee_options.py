"""Options that limit the fees of transactions."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from truestep.adapters.chain.fees import TransactionPolicy

_UNITS_WEI = {"": 10**9, "gwei": 10**9, "wei": 1}


def parse_gas_price(text: str) -> int:
    """The wei in a price per unit of gas: `500`, `500gwei`, `0.1gwei` or `7wei`."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)\s*([a-z]*)", str(text).strip().lower())
    if match and match[2] in _UNITS_WEI:
        price_wei = Decimal(match[1]) * _UNITS_WEI[match[2]]
        if price_wei == price_wei.to_integral_value() and price_wei > 0:
            return int(price_wei)
    raise typer.BadParameter(f"expected a gas price such as 500gwei, got {text!r}")


def _price_option(envvar: str, words: str) -> Any:
    return typer.Option(metavar="GWEI", parser=parse_gas_price, envvar=envvar, help=words)


MaxFeeOption = Annotated[
    int | None,
    _price_option(
        "TRUESTEP_MAX_FEE", "Highest fee per unit of gas; above it, transactions wait. Default: 500gwei."
    ),
]
MaxFeeUrgentOption = Annotated[
    int | None,
    _price_option(
        "TRUESTEP_MAX_FEE_URGENT",
        "The same for claims and moves of disputes, which cost a bond if late. Default: 4 x --max-fee.",
    ),
]
MaxTipOption = Annotated[
    int | None, _price_option("TRUESTEP_MAX_TIP", "Highest tip within that fee. Default: 40gwei.")
]


MaxBlobFeeOption = Annotated[
    int | None,
    _price_option(
        "TRUESTEP_MAX_BLOB_FEE",
        "Highest fee per unit of blob gas, of which a blob takes 131,072; 4 times as much where a clock"
        " runs. Default: 100gwei.",
    ),
]


def transaction_policy(
    max_fee: int | None,
    max_tip: int | None,
    max_fee_urgent: int | None = None,
    max_blob_fee: int | None = None,
) -> "TransactionPolicy":
    """How an account with these limits sends."""
    from truestep.adapters.chain.fees import TransactionPolicy

    limits = {
        "fee_cap_wei": max_fee,
        "tip_cap_wei": max_tip,
        "urgent_fee_cap_wei": max_fee_urgent,
        "blob_fee_cap_wei": max_blob_fee,
    }
    return TransactionPolicy(**{name: limit for name, limit in limits.items() if limit is not None})
