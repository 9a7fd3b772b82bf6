"""Notes the files that a guest's module reads while it is imported, such as its weights."""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

import truestep

_opened: set[str] = set()

_CODE_SUFFIXES = (".pyc", ".so", ".pyd")


def watch_files() -> None:
    """Note every file that is opened for reading from now on."""
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes) and not (arguments[2] or 0) & os.O_WRONLY:
        _opened.add(os.fsdecode(arguments[0]))


def files_read(source: Path) -> set[str]:
    """The user's own files among them, and the source: a rebuild must compare these."""
    installed = [
        Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
    ]
    own_package = Path(truestep.__file__).parent
    paths = {Path(name).resolve() for name in _opened if not name.endswith(_CODE_SUFFIXES)}
    paths |= {Path(f) for module in list(sys.modules.values()) if (f := getattr(module, "__file__", None))}
    return {str(source.resolve())} | {
        str(path)
        for path in paths
        if path.is_file()
        and path.is_relative_to("/")
        and not any(map(path.is_relative_to, installed))
        and not path.is_relative_to(own_package)
        and path.suffix not in _CODE_SUFFIXES
    }
