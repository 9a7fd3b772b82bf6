"""The anvil of a test process, which is lent to one test after the other."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from web3.types import RPCEndpoint

from tests.conftest import find_anvil
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet, Devnet, EmbeddedDevnet

_lent: set[AnvilDevnet] = set()


@contextmanager
def lent_devnet() -> Iterator[Devnet]:
    """The anvil of this process, or an embedded chain where none is installed."""
    program = find_anvil()
    if program is not None:
        with lent_anvil(program) as anvil:
            yield anvil
    else:
        embedded = EmbeddedDevnet()
        yield embedded


@contextmanager
def lent_anvil(program: Path) -> Iterator[AnvilDevnet]:
    """The anvil of this process, as if it had just been started. What happens on it is undone.

    A new one takes seconds to load the points of KZG's setup, as soon as a contract asks for a precompile.
    """
    with undone(_started(program)) as anvil:
        yield anvil


@contextmanager
def undone(anvil: AnvilDevnet) -> Iterator[AnvilDevnet]:
    """An anvil that forgets what happens on it from now on. One test at a time has it."""
    assert anvil not in _lent
    _lent.add(anvil)
    snapshot = _ask(anvil, "evm_snapshot")
    lag_seconds = int(time.time()) - connect(anvil.node).eth.get_block("latest").get("timestamp", 0)
    if lag_seconds > 1:  # since the last test was undone
        _ask(anvil, "evm_increaseTime", lag_seconds)
    try:
        yield anvil
    finally:
        _ask(anvil, "evm_setIntervalMining", 0)
        _ask(anvil, "evm_setAutomine", True)
        assert _ask(anvil, "evm_revert", snapshot) is True
        _lent.remove(anvil)


@cache
def _started(program: Path) -> AnvilDevnet:
    anvil = AnvilDevnet(program)
    atexit.register(anvil.stop)
    return anvil


def _ask(anvil: AnvilDevnet, method: str, *arguments: Any) -> Any:
    answer = connect(anvil.node).provider.make_request(RPCEndpoint(method), list(arguments))
    assert "result" in answer, answer
    return answer["result"]
