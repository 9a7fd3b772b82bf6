"""What a failing node's answer may show in a log."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.adapters.hostile_server import answer, saying, serving_raw
from truestep.adapters.chain.connection import asking_node, connect
from truestep.adapters.chain.endpoints import Patience
from truestep.base.errors import Unavailable

KEY = "0123456789abcdef"
NOBODY = "http://127.0.0.1:1"
REFUSAL = answer(b"", b"Content-Length: 0", status=b"401 Unauthorized")


@pytest.mark.parametrize("is_up", [True, False])
def test_the_key_in_a_nodes_url_is_not_shown(*, is_up: bool) -> None:
    with serving_raw(saying(REFUSAL)) if is_up else nullcontext(NOBODY) as node:
        web3 = connect(f"{node}/v3/{KEY}", patience=Patience(budget_seconds=0.1))
        with pytest.raises(Unavailable) as failure, asking_node():
            _ = web3.eth.block_number
    assert ("401" in str(failure.value)) is is_up
    assert KEY not in str(failure.value)
