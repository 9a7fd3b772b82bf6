"""Runs a verifier's code in an EVM of this process: what a chain would say, without a chain."""

import importlib.util
from typing import Any

from truestep.base.errors import Unavailable
from truestep.circuits.setup_key import KeyName
from truestep.circuits.verifier import verifier_code, verify_call

GAS_LIMIT = 10_000_000
"""More than ten times what a proof takes."""
_CALLER = "0x" + "5f" * 20


def has_evm() -> bool:
    """Whether there is an EVM."""
    return importlib.util.find_spec("pyrevm") is not None


def accepts(key: bytes, name: KeyName, proof: bytes, public: tuple[int, ...]) -> bool:
    """Whether the verifier's contract takes the proof. Raises `Unavailable` if there is no EVM."""
    if not has_evm():
        raise Unavailable("checking a proof needs an EVM; install truestep[noir], which brings one")
    import pyrevm

    evm: Any = pyrevm.EVM(spec_id="PRAGUE")
    address = evm.deploy(_CALLER, verifier_code(key, name))
    call = verify_call(proof, public)
    try:
        output: bytes = evm.message_call(_CALLER, address, call, gas=GAS_LIMIT, is_static=True)
    except RuntimeError:  # it reverts: that is how it refuses
        return False
    return output == (1).to_bytes(32, "big")
