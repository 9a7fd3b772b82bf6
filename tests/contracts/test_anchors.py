"""Anchors.vy: what a deployment may fix, and who may send it coins (docs/logs.md L4.2)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.anchoring import OPERATORS, TERMS, Anchoring
from tests.contracts.evm import Reverted, rejects
from tests.contracts.settings import KEEPER
from truestep.base.errors import Reject, Rejected
from truestep.protocol.deployment.logs_bounds import check_terms, term_bounds
from truestep.protocol.logs.anchors import Terms
from truestep.protocol.logs.contracts.anchors import LogNumber, Release


@pytest.fixture(scope="module")
def chain() -> Anchoring:
    return Anchoring()


def deploy(chain: Anchoring, terms: Terms) -> None:
    chain.deploy("Anchors", chain.operators.address, *astuple(terms))


def test_the_bounds_are_those_of_the_plan(chain: Anchoring) -> None:
    values = {
        "bond_wei": TERMS.bond_wei,
        "exit_seconds": TERMS.exit_seconds,
        "epoch_seconds": TERMS.epoch_seconds,
    }
    for name, bound in term_bounds(values).items():
        for value in (bound.least, bound.most):
            terms = replace(TERMS, **{name: value})
            if name == "epoch_seconds":
                terms = replace(terms, exit_seconds=max(terms.exit_seconds, 2 * value))
            check_terms(terms)
            deploy(chain, terms)
        for value in (bound.least - 1, bound.most + 1):
            terms = replace(TERMS, **{name: value})
            with pytest.raises(Rejected) as caught:
                check_terms(terms)
            with rejects(caught.value.reason):
                deploy(chain, terms)


def test_it_needs_operators(chain: Anchoring) -> None:
    with rejects(Reject.NO_CONTRACT):
        chain.deploy("Anchors", KEEPER, *astuple(TERMS))


def test_coins_come_from_operators_alone(chain: Anchoring) -> None:
    with pytest.raises((Reverted, RuntimeError)):
        chain.evm.send(KEEPER, chain.anchors.address, b"", 1)


def test_unknown_logs(chain: Anchoring) -> None:
    with rejects(Reject.LOG_UNKNOWN):
        chain.anchors.call("get", 1)
    with rejects(Reject.LOG_NOT_RETIRED):
        chain.make(OPERATORS[0], Release(number=LogNumber(1)))
