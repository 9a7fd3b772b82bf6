"""Says of all headers that are missing, not only of the first, and what to do."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

_NOT_FOUND = re.compile(r"'[^'\n]+' file not found")

_FILES_LIMIT = 20_000
"""Enough for large projects; a search of a whole home directory must end."""

_HINTS = (
    (r"(\w*mmintrin|x86intrin|immintrin|cpuid|arm_neon|arm_acle|arm_sve|altivec)\.h",
     "instructions of another processor; look for the macro with which the program chooses plain C"),
    (r"(windows|winsock2?|io|conio|direct|process)\.h", "Windows; look for the macro that chooses POSIX"),
    (r"omp\.h", "OpenMP; a guest has one thread, so build without it"),
    (r"(mpi|cuda\w*|hip/.*|CL/.*|vulkan/.*|GL/.*|X11/.*|SDL.*|curses|ncurses|readline/.*)\.?h?",
     "a device, terminal or library that the machine has not; build without this part"),
    (r"(linux|asm|mach|sys/(event|epoll|sysctl|inotify))/?.*",
    "an operating system; build without this part"),
    (r"[a-z_]+", "C++; compile with truestep c++ or name the source .cpp; not all of C++23 is there"),
    (r"Python\.h|jni\.h|lua\.h|R\.h", "another language's interpreter; build without its bindings"),
)  # fmt: skip


def mentions_missing(messages: str) -> bool:
    """Whether the compiler stopped at a header that it did not find."""
    return _NOT_FOUND.search(messages) is not None


def notes_on_missing(sources: Iterable[Path], write_rule: Callable[[Path, Path], object]) -> str:
    """Lines about all headers that the sources miss. `write_rule` writes the make rule of a source to a file.

    The rule is the compiler's, for a source whose missing headers are taken for files that are still to be
    made (-M -MG).
    """
    missing: list[str] = []
    beside: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="truestep-headers-") as name:
        for source in sources:
            rule = Path(name) / "rule"
            rule.unlink(missing_ok=True)
            write_rule(source, rule)
            missing += missing_in(rule.read_text(encoding="utf-8")) if rule.exists() else []
            beside.append(source.parent)
    return "".join(f"truestep: note: {line}\n" for line in advice(dict.fromkeys(missing), beside))


def missing_in(rule: str, is_there: Callable[[str], bool] = os.path.exists) -> list[str]:
    """The headers in a make rule (-M -MG) that are no files, in the order of the program."""
    names = re.findall(r"(?:\\[ #]|[^\s\\]|\\(?!\n))+", rule.partition(": ")[2])
    plain = (re.sub(r"\\([ #])|\$(?=\$)", r"\1", name) for name in names)
    return list(dict.fromkeys(name for name in plain if not is_there(name)))


def advice(missing: Iterable[str], beside: Iterable[Path]) -> list[str]:
    """A line for each missing header. `beside` are the directories where the program's own may be."""
    own = {path.as_posix(): path for path in _headers_below(beside)}
    return [f"missing header {name}: {_hint(name, own)}" for name in missing]


def _hint(name: str, own: dict[str, Path]) -> str:
    found = next((path for text, path in own.items() if text.endswith(f"/{name}")), None)
    if found is not None:
        directory = found.as_posix()[: -len(name)].rstrip("/")
        return f"it is in {directory or '/'}; add -I{directory or '/'}"
    for pattern, reason in _HINTS:
        if re.fullmatch(pattern, name):
            return reason
    return (
        "if it belongs to the program, add -I with its directory (some are made by configure);"
        " if to a library, compile that with truestep cc too"
    )


def _headers_below(directories: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    seen = 0
    for top in dict.fromkeys(directories):
        for folder, subfolders, names in os.walk(top):
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            seen += len(names)
            if seen > _FILES_LIMIT:
                return found
            found += [
                Path(folder, name)
                for name in sorted(names)
                if Path(name).suffix in {".h", ".hh", ".hpp", ".inc", ""}
            ]
    return found
