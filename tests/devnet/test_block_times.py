"""Time goes on for a chain elsewhere that mines only what it is sent."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3

from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.base.errors import Unavailable
from truestep.devnet.block_times import (
    BUSY_BLOCK_SECONDS,
    BUSY_SECONDS,
    IDLE_BLOCK_SECONDS,
    EmptyBlocks,
    empty_block_seconds,
    mining,
)


@pytest.fixture(scope="module")
def anvil(anvil_program: Path) -> Generator[AnvilDevnet]:
    devnet = AnvilDevnet(anvil_program)
    yield devnet
    devnet.stop()


def test_an_idle_chain_gets_fewer_blocks() -> None:
    assert empty_block_seconds(0) == empty_block_seconds(BUSY_SECONDS - 1) == BUSY_BLOCK_SECONDS
    assert empty_block_seconds(BUSY_SECONDS) == IDLE_BLOCK_SECONDS


@pytest.mark.anvil
def test_anvil_gets_empty_blocks_when_its_newest_is_old(anvil: AnvilDevnet) -> None:
    web3: Any = Web3(HTTPProvider(anvil.node))
    blocks = EmptyBlocks(anvil.node, 0)

    def mined(*times: float) -> int:
        before = web3.eth.block_number
        for now_seconds in times:
            blocks.tick(now_seconds)
        return web3.eth.block_number - before

    assert mined(0, 0.5, 0.9) == 0
    assert mined(1.0) == 1
    assert mined(1.5, 2.0) == 0  # it looks when a new block appears, and a second later
    idle = 1.5 + BUSY_SECONDS
    assert mined(idle, idle + 1, idle + 2) == 1
    anvil.fund(web3.eth.accounts[1], 1)
    assert mined(idle + 3, idle + 4.5) == 1


@pytest.mark.anvil
def test_a_chain_mines_while_it_is_wanted(anvil: AnvilDevnet) -> None:
    web3: Any = Web3(HTTPProvider(anvil.node))
    anvil.fund(web3.eth.accounts[1], 1)
    first = web3.eth.block_number
    with mining(anvil.node):
        while web3.eth.block_number == first:
            time.sleep(0.05)


def test_a_node_that_is_down_is_asked_again() -> None:
    dead = "http://127.0.0.1:9"
    with pytest.raises(Unavailable):
        EmptyBlocks(dead, 0).tick(0)
    with mining(dead):
        pass
