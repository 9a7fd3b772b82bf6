#pragma version 0.4.3
"""
@title The ROM of the micro-runs (docs/machine.md M9.1)
@notice Written by `make rom`: the memory's root with the ROM's image in an otherwise empty memory.
"""

ROM_ROOT: constant(bytes32) = 0x2ba0f579c7a25002462dca2acc681722e04610a8c588cf503a1fdc644865ebd1
