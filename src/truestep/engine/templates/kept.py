"""Which guest registers a unit keeps in host registers besides the pinned ones."""

from collections.abc import Sequence

import numpy as np

from truestep.engine.analysis.code_map import CodeMap
from truestep.engine.layout import PINNED
from truestep.engine.templates.encoding import SPARE

USUAL = (14,)
"""Most used after the pinned ones: `a4`. Each costs an instruction on the way in and one on the way out."""
_NO_RESULT = (0x23, 0x63)
_TWO_OPERANDS = (0x23, 0x33, 0x3B, 0x63)
"""Opcodes of stores and branches, which have no result; and of all that have a second register."""


def kept_registers(code: CodeMap, regions: Sequence[int]) -> tuple[int, ...]:
    """The registers that an interpreter's loop uses most, as nobody else has them; else the usual ones.

    The loop keeps its program, its stack and the like in registers that calls preserve, and which these are
    differs from loop to loop. Other units share their templates, so that these are made once.
    """
    loops = [region for region in regions if code.is_interpreter(region)]
    if not loops:
        return USUAL
    words = np.concatenate([code.words[slice(*code.span(region))] for region in loops])
    opcode = words & 0x7F
    fields = (
        words[~np.isin(opcode, _NO_RESULT)] >> 7,
        words >> 15,
        words[np.isin(opcode, _TWO_OPERANDS)] >> 20,
    )
    uses = np.bincount(np.concatenate(fields) & 31, minlength=32)
    uses[[0, *PINNED]] = 0
    return tuple(np.argsort(-uses, kind="stable")[: len(SPARE)].tolist())
