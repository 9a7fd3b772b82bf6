"""The process that compiles one guest: `python -m truestep.guest.python.compiler SOURCE DIRECTORY`."""

import gc
import sys
from pathlib import Path


def main(source: Path, directory: Path) -> int:
    """Compile. Writes the object file, large arrays and list of files read, or complaint.txt."""
    from truestep.guest.python.compiler.session import compile_prepared, prepare

    prepare()
    # The process lives for seconds: it need not look for garbage among the hundred thousand objects of Numba.
    gc.freeze()
    gc.disable()
    return compile_prepared(source, directory)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
