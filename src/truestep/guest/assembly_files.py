"""The files that the assembler reads by itself (`.incbin`, `.include`): the compiler does not list them."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from truestep.guest.errors import GuestBuildError

_MENTION = re.compile(rb"incbin|\.include")
_DIRECTIVE = re.compile(r'\.(?P<kind>incbin|include)\s+"(?P<name>(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_LLVM_ESCAPE = re.compile(r"\\([0-9A-F]{2})")


def mentions_files(read: Iterable[Path]) -> bool:
    """Whether one of these sources or headers may ask the assembler for a file."""
    return any(_MENTION.search(path.read_bytes()) for path in read)


def unescaped_llvm(text: str) -> str:
    """LLVM's text with the characters that it writes as two hexadecimal digits."""
    return _LLVM_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def files_of_assembly(assembly: str, include_paths: Sequence[Path]) -> list[Path]:
    """The files that an assembly text reads, and those that these read in turn, each once.

    The assembler looks in the current directory and then in the include paths. Raises GuestBuildError for a
    name that is put together by an assembler macro, because only the assembler knows it.
    """
    found: dict[Path, None] = {}
    waiting = [assembly]
    while waiting:
        for match in _DIRECTIVE.finditer(waiting.pop()):
            path = _find(match["name"], include_paths)
            if path is None or path in found:
                continue
            found[path] = None
            if match["kind"] == "include":
                waiting.append(path.read_text(encoding="utf-8", errors="replace"))
    return list(found)


def _find(name: str, include_paths: Sequence[Path]) -> Path | None:
    """The file, or None if the assembler finds none either."""
    plain = _ESCAPE.sub(_unescaped(name), name)
    candidates = (directory / plain for directory in (Path(), *include_paths))
    return next((path for path in candidates if path.is_file()), None)


def _unescaped(name: str) -> Callable[[re.Match[str]], str]:
    def character(match: re.Match[str]) -> str:
        if match[1] not in '"\\':
            raise GuestBuildError(
                f'expected the name of a file that the assembler reads, got "{name}": the recipe must list'
                " the file, so write its name out instead of composing it in an assembler macro"
            )
        return match[1]

    return character
