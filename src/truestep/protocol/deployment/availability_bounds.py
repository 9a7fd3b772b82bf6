"""The bounds of the rules of availability (docs/availability.md A2.4).

A test compares each bound with what Keepers accepts.
"""

from dataclasses import asdict

from truestep.base.errors import Reject
from truestep.protocol.availability import rules as limits
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.bounds import Bound, Values, check_bounds


def check_rules(rules: Rules) -> None:
    """Raise `Rejected` for rules that Keepers refuses; the message names every bound."""
    check_bounds(asdict(rules), rule_bounds(asdict(rules)))


def rule_bounds(values: Values) -> dict[str, Bound]:
    """The bounds of A2.4."""
    cap = values["gas_price_cap_wei"]
    element_at_cap = limits.ANSWER_GAS * cap
    tree_at_cap = limits.ANSWERS_LIMIT * limits.NODES_GAS * cap
    blob_least = values["element_bond_wei"] + limits.BLOB_GAS * values["blob_gas_price_cap_wei"]
    share, registrant = values["share_wei"], values["registrant_bond_wei"]
    price = Bound(least=0, most=limits.GAS_PRICE_LIMIT_WEI, reason=Reject.PARAMETER_GAS_PRICE)
    return {
        "gas_price_cap_wei": price,
        "blob_gas_price_cap_wei": price,
        "share_wei": Bound(
            least=registrant,
            least_because="registrant_bond",
            most=limits.SHARE_LIMIT_WEI,
            reason=Reject.PARAMETER_BOND,
        ),
        "registrant_bond_wei": Bound(
            least=limits.TREE_BONDS_IN_BOND * values["tree_bond_wei"],
            least_because=f"{limits.TREE_BONDS_IN_BOND} x tree_bond",
            most=share,
            most_because="share",
            reason=Reject.PARAMETER_BOND,
        ),
        "element_bond_wei": Bound(
            least=max(limits.BOND_MIN_WEI, element_at_cap),
            least_because=f"{limits.ANSWER_GAS:,} gas at gas_price_cap"
            if element_at_cap > limits.BOND_MIN_WEI
            else "",
            most=values["blob_bond_wei"],
            most_because="blob_bond",
            reason=Reject.PARAMETER_BOND,
        ),
        "blob_bond_wei": Bound(
            least=blob_least,
            least_because="element_bond and a blob at blob_gas_price_cap",
            most=share // limits.BLOB_BONDS_IN_SHARE,
            most_because=f"share / {limits.BLOB_BONDS_IN_SHARE}",
            reason=Reject.PARAMETER_BOND,
        ),
        "tree_bond_wei": Bound(
            least=max(limits.BOND_MIN_WEI, tree_at_cap),
            least_because=f"{limits.ANSWERS_LIMIT * limits.NODES_GAS:,} gas at gas_price_cap"
            if tree_at_cap > limits.BOND_MIN_WEI
            else "",
            most=registrant // limits.TREE_BONDS_IN_BOND,
            most_because=f"registrant_bond / {limits.TREE_BONDS_IN_BOND}",
            reason=Reject.PARAMETER_BOND,
        ),
        "answer_seconds": _time(Reject.PARAMETER_ANSWER),
        "acknowledge_seconds": _time(Reject.PARAMETER_ACKNOWLEDGE),
        "winner_share_bps": Bound(
            least=limits.SHARE_MIN_BPS, most=limits.SHARE_LIMIT_BPS, reason=Reject.PARAMETER_SHARE
        ),
    }


def _time(reason: Reject) -> Bound:
    return Bound(least=limits.TIME_MIN_SECONDS, most=limits.TIME_LIMIT_SECONDS, reason=reason)
