"""Starts a program again in the environment of the compiler."""

import os
import sys

from truestep.guest.python.build import compiler_environment


def with_fixed_hashes(module: str) -> None:
    """Start `module` again where names do not depend on the seed of hashes, unless this is so already."""
    wanted = compiler_environment()
    if os.environ.get("PYTHONHASHSEED") != wanted["PYTHONHASHSEED"]:
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], wanted)
