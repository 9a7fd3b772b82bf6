"""Links programs that have C++ in them."""

import dataclasses
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from truestep.guest.cpp import LEVELS, library_archive, unwinder_archive, without_exceptions_archive
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import LinkOptions, link
from truestep.guest.toolchain import Toolchain

_PERSONALITY = b"__gxx_personality_v0"
"""Each object that catches or has destructors to run while an exception passes names it (Itanium C++ ABI)."""
_OF_THE_LIBRARY = re.compile(r"undefined symbol: .*(std::|__cxa|operator (new|delete))")


def link_cpp(
    toolchain: Toolchain, inputs: Sequence[str], directory: Path, options: LinkOptions
) -> tuple[bytes, str]:
    """As `link`, with the C++ library, and with the unwinder if an object can catch exceptions."""
    catches = any(
        _PERSONALITY in content for content in _contents(inputs, options.working_directory or directory)
    )
    options = dataclasses.replace(options, catches_exceptions=catches)
    if catches:
        own = [_written(directory / "libunwind.a", unwinder_archive(toolchain))]
    else:
        # All of it, because the library has weak definitions of the same names.
        path = _written(directory / "no_exceptions.a", without_exceptions_archive(toolchain))
        own = ["--whole-archive", path, "--no-whole-archive"]

    def library(level: str) -> str:
        archive = library_archive(toolchain, level, catches_exceptions=catches)
        return _written(directory / f"libc++-{level}.a", archive)

    *first_levels, last_level = LEVELS
    libraries: list[str] = []
    for level in first_levels:
        libraries.append(library(level))
        try:
            return link(toolchain, [*inputs, *own, *libraries], directory, options)
        except GuestBuildError as error:
            if not _OF_THE_LIBRARY.search(str(error)):
                raise
    return link(toolchain, [*inputs, *own, *libraries, library(last_level)], directory, options)


def _contents(inputs: Sequence[str], directory: Path) -> list[bytes]:
    """The files of a link: those that are named, and the libraries of -l in the directories of -L."""
    places = [directory / given[2:] for given in inputs if given.startswith("-L")]
    names = [directory / given for given in inputs if not given.startswith("-")]
    names += [place / f"lib{given[2:]}.a" for given in inputs if given.startswith("-l") for place in places]
    contents: list[bytes] = []
    for name in names:
        with suppress(OSError):
            contents.append(name.read_bytes())
    return contents


def _written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path.absolute())
