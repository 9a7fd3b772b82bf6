"""The parameters of availability and their bounds (docs/availability.md A2.4)."""

from truestep.base.errors import Reject
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.settlement.refusals import require

BPS = 10_000
GAS_PRICE_LIMIT_WEI = 2**50 - 1
ANSWER_GAS = 150_000
"""What an answer costs and more: 105,000 to open an element, 75,000 to publish a blob beside its blob gas."""
BLOB_GAS = 2**17
"""Of one blob (EIP-4844)."""
NODES_GAS = 200_000
"""What it costs to give 64 nodes, and more."""
ANSWERS_LIMIT = 5
"""Of one demand: six levels each, 27 at most."""
BOND_MIN_WEI = 10**12
"""Whatever the cap: a chain without a gas price still has to make spam dear."""
SHARE_LIMIT_WEI = 2**88
"""2^32 shares of this fit 128 bits: no sum of coins overflows."""
BLOB_BONDS_IN_SHARE = 8
"""The winner's part of a share, a quarter of it at least, is two bonds and more."""
TREE_BONDS_IN_BOND = 8
"""So is the winner's part of a registrant's bond: a demand that strikes is never a loss."""
TIME_MIN_SECONDS = 60
"""Five blocks of Ethereum."""
TIME_LIMIT_SECONDS = 7 * 86_400
SHARE_MIN_BPS = 2_500
SHARE_LIMIT_BPS = 5_000
"""So that whoever slashes itself loses half."""


RENT_BPS = 300
"""What a seat pays a year of the share that it locks, unless somebody says otherwise. For nothing, whoever
registers items could lock the shares of all honest keepers, and have only its friends drawn."""
YEAR_SECONDS = 365 * 86_400


def rent_wei(rules: Rules, seconds: int, bps_a_year: int = RENT_BPS) -> int:
    """What a locked share has to earn in so much time."""
    return -(-rules.share_wei * bps_a_year * seconds // (BPS * YEAR_SECONDS))


def check_rules(rules: Rules) -> None:
    """Refuse parameters out of their bounds."""
    caps = (rules.gas_price_cap_wei, rules.blob_gas_price_cap_wei)
    require(all(cap <= GAS_PRICE_LIMIT_WEI for cap in caps), Reject.PARAMETER_GAS_PRICE)
    blob_min_wei = rules.element_bond_wei + BLOB_GAS * rules.blob_gas_price_cap_wei
    require(
        rules.element_bond_wei >= max(BOND_MIN_WEI, ANSWER_GAS * rules.gas_price_cap_wei)
        and rules.tree_bond_wei >= max(BOND_MIN_WEI, ANSWERS_LIMIT * NODES_GAS * rules.gas_price_cap_wei)
        and blob_min_wei <= rules.blob_bond_wei <= rules.share_wei // BLOB_BONDS_IN_SHARE
        and rules.tree_bond_wei <= rules.registrant_bond_wei // TREE_BONDS_IN_BOND
        and rules.registrant_bond_wei <= rules.share_wei <= SHARE_LIMIT_WEI,
        Reject.PARAMETER_BOND,
    )
    require(TIME_MIN_SECONDS <= rules.answer_seconds <= TIME_LIMIT_SECONDS, Reject.PARAMETER_ANSWER)
    require(TIME_MIN_SECONDS <= rules.acknowledge_seconds <= TIME_LIMIT_SECONDS, Reject.PARAMETER_ACKNOWLEDGE)
    require(SHARE_MIN_BPS <= rules.winner_share_bps <= SHARE_LIMIT_BPS, Reject.PARAMETER_SHARE)


def winner_part(rules: Rules, amount_wei: int) -> int:
    """What of a lost bond or share goes to whoever showed the fault."""
    return amount_wei * rules.winner_share_bps // BPS
