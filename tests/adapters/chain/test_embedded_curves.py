"""The chain in Python computes what a proof needs on curves once, however often it is executed."""

from importlib import import_module
from typing import Any

from web3 import Web3

from truestep.adapters.chain.devnet import EmbeddedDevnet


def test_products_are_computed_once() -> None:
    web3 = Web3(EmbeddedDevnet().node)
    remembered: Any = vars(import_module("eth.precompiles.ecmul"))["_ecmull"]
    words = b"".join(number.to_bytes(32, "big") for number in (1, 2, 5**90))
    before = remembered.cache_info()
    answers = {bytes(web3.eth.call({"to": f"0x{7:040x}", "data": words})) for _ in range(3)}
    after = remembered.cache_info()
    assert len(answers) == 1 and len(answers.pop()) == 64
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    EmbeddedDevnet()
    assert vars(import_module("eth.precompiles.ecmul"))["_ecmull"] is remembered
