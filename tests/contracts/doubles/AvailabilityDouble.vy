#pragma version 0.4.3
#pragma evm-version cancun
"""
@title What Kept needs of Keepers, Items and Challenges: rules, items and challenges as the test says
"""


struct Rules:
    share_wei: uint256
    registrant_bond_wei: uint256
    element_bond_wei: uint256
    blob_bond_wei: uint256
    tree_bond_wei: uint256
    gas_price_cap_wei: uint256
    blob_gas_price_cap_wei: uint256
    answer_seconds: uint256
    acknowledge_seconds: uint256
    winner_share_bps: uint256


struct Standing:
    state: uint256
    was_kept: bool
    is_contested: bool
    changed_at: uint256
    published_at: uint256
    record_hash: bytes32


ANSWER_SECONDS: immutable(uint256)
ACKNOWLEDGE_SECONDS: immutable(uint256)
BLOB_BOND_WEI: immutable(uint256)
standing: public(HashMap[uint256, Standing])
challenges: public(HashMap[uint256, bytes32])
demands: public(HashMap[uint256, bytes32])


@deploy
def __init__(answer_seconds: uint256, acknowledge_seconds: uint256, blob_bond_wei: uint256):
    ANSWER_SECONDS = answer_seconds
    ACKNOWLEDGE_SECONDS = acknowledge_seconds
    BLOB_BOND_WEI = blob_bond_wei


@external
def put(item_id: uint256, standing: Standing):
    self.standing[item_id] = standing


@external
def challenge(challenge_id: uint256, mark: bytes32):
    self.challenges[challenge_id] = mark


@external
def demand(demand_id: uint256, mark: bytes32):
    self.demands[demand_id] = mark


@external
@view
def bindings() -> address:
    return self


@external
@view
def keepers() -> address:
    return self


@external
@view
def items() -> address:
    return self


@external
@view
def rules() -> Rules:
    rules: Rules = empty(Rules)
    rules.answer_seconds = ANSWER_SECONDS
    rules.acknowledge_seconds = ACKNOWLEDGE_SECONDS
    rules.blob_bond_wei = BLOB_BOND_WEI
    return rules
