"""The on-chain step verifier in an EVM inside this process, for thousands of steps without a node."""

import importlib.util
from typing import Any

from truestep.base.errors import Unavailable
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import load_artifact

_CALLER = "0x" + "5e" * 20
_STEP, _OPEN_FLOAT = (keccak256(name + b"(bytes)")[:4] for name in (b"step", b"open_float"))
_WORD_SIZE_BYTES = 32


class EvmStep:
    """The shipped `Step.vy`, deployed in pyrevm. Needs the `dev` extra."""

    def __init__(self) -> None:
        if importlib.util.find_spec("pyrevm") is None:
            raise Unavailable("on-chain steps need pyrevm: pip install 'truestep[dev]'")
        import pyrevm

        self._evm: Any = pyrevm.EVM(spec_id="PRAGUE")
        self._address = self._evm.deploy(_CALLER, load_artifact("Step").bytecode)

    def __call__(self, witness: bytes) -> tuple[bytes, bytes]:
        """The state hashes before and after the step that `witness` shows; RuntimeError if it is refused."""
        before, after = self._call(_STEP, witness)
        return before, after

    def open_float(self, witness: bytes) -> tuple[bytes, bytes, bytes, int]:
        """What the witness of a float step proves (protocol S12); RuntimeError if it is refused."""
        before, micro_start, template, rd = self._call(_OPEN_FLOAT, witness)
        return before, micro_start, template, int.from_bytes(rd, "big")

    def _call(self, selector: bytes, witness: bytes) -> list[bytes]:
        """The words that a function of a witness returns."""
        calldata = selector + _calldata(witness)
        output: bytes = self._evm.message_call(_CALLER, self._address, calldata, is_static=True)
        return [output[at : at + _WORD_SIZE_BYTES] for at in range(0, len(output), _WORD_SIZE_BYTES)]


def _calldata(witness: bytes) -> bytes:
    """The arguments of a call with a witness: offset, length, and the bytes padded to whole words."""
    offset = _WORD_SIZE_BYTES.to_bytes(_WORD_SIZE_BYTES, "big")
    size = len(witness).to_bytes(_WORD_SIZE_BYTES, "big")
    return offset + size + witness + bytes(-len(witness) % _WORD_SIZE_BYTES)
