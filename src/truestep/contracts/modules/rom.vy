#pragma version 0.4.3
"""
@title The ROM of the micro-runs (docs/machine.md M9.1)
@notice Written by `make rom`: the memory's root with the ROM's image in an otherwise empty memory.
"""

ROM_ROOT: constant(bytes32) = 0x25862f3f7a5711a2c7690eb4b4b54ae238676f334d19c82448246f95bd0c1549
