#pragma version 0.4.3
"""
@title The bounds of the parameters of availability (docs/availability.md A2.4)
"""
from interfaces import IKeepers

GAS_PRICE_LIMIT: constant(uint256) = 2**50
ANSWER_GAS: constant(uint256) = 150_000
# What an answer costs and more: 105,000 to open an element, 75,000 to publish a blob beside its blob gas.
BLOB_GAS: constant(uint256) = 2**17  # of one blob (EIP-4844)
NODES_GAS: constant(uint256) = 200_000  # what it costs to give 64 nodes, and more
ANSWERS_LIMIT: constant(uint256) = 5  # of one demand: six levels each, 27 at most
SMALLEST_BOND_WEI: constant(uint256) = 10**12
# Whatever the cap: a chain without a gas price still has to make spam dear.
LARGEST_SHARE_WEI: constant(uint256) = 2**88
# 2^32 shares of this fit 128 bits: no sum of coins overflows.
SECONDS_LEAST: constant(uint256) = 60  # five blocks of Ethereum
SECONDS_MOST: constant(uint256) = 7 * 86_400
SHARE_BPS_LEAST: constant(uint256) = 2_500
SHARE_BPS_MOST: constant(uint256) = 5_000  # so that whoever slashes itself loses half


@internal
@pure
def check(rules: IKeepers.Rules):
    """
    @notice Refuse parameters out of their bounds.
    """
    assert (
        rules.gas_price_cap_wei < GAS_PRICE_LIMIT and rules.blob_gas_price_cap_wei < GAS_PRICE_LIMIT
    ), "gas price cap out of bounds"
    assert (
        rules.element_bond_wei >= max(SMALLEST_BOND_WEI, ANSWER_GAS * rules.gas_price_cap_wei)
        and rules.blob_bond_wei
        >= rules.element_bond_wei + BLOB_GAS * rules.blob_gas_price_cap_wei
        and rules.tree_bond_wei
        >= max(SMALLEST_BOND_WEI, ANSWERS_LIMIT * NODES_GAS * rules.gas_price_cap_wei)
        and rules.blob_bond_wei <= rules.share_wei // 8
        and rules.tree_bond_wei <= rules.registrant_bond_wei // 8
        and rules.registrant_bond_wei <= rules.share_wei
        and rules.share_wei <= LARGEST_SHARE_WEI
    ), "bond out of bounds"
    assert (
        rules.answer_seconds >= SECONDS_LEAST and rules.answer_seconds <= SECONDS_MOST
    ), "answer time out of bounds"
    assert (
        rules.acknowledge_seconds >= SECONDS_LEAST and rules.acknowledge_seconds <= SECONDS_MOST
    ), "acknowledge time out of bounds"
    assert (
        rules.winner_share_bps >= SHARE_BPS_LEAST and rules.winner_share_bps <= SHARE_BPS_MOST
    ), "winner share out of bounds"
