"""The C++ standard library of guests: libc++, libc++abi and libunwind from the compiler's wheel."""

import functools
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.kept import kept
from truestep.guest.objects import with_weak_definitions, without_unwind_tables
from truestep.guest.toolchain import (
    C_DIRECTORY,
    CLANG_FLAGS,
    Toolchain,
    builtin_headers,
    own_headers,
    system_includes,
)

SUFFIXES = (".cpp", ".cc", ".cxx", ".c++", ".C")

CPP_STANDARD = "-std=gnu++20"
"""Of sources whose standard nobody chose."""

# What a configured libc++ has in its header __config_site; this one has none.
_SETTINGS = (
    "-D_LIBCPP_ABI_VERSION=1",
    "-D_LIBCPP_ABI_NAMESPACE=__1",
    "-D_LIBCPP_HAS_MUSL_LIBC=1",
    "-D_LIBCPP_HAS_THREADS=1",
    "-D_LIBCPP_HAS_THREAD_API_PTHREAD=1",
    "-D_LIBCPP_HAS_FILESYSTEM=1",
    "-D_LIBCPP_HAS_LOCALIZATION=1",
    "-D_LIBCPP_HAS_WIDE_CHARACTERS=1",
    "-D_LIBCPP_HAS_UNICODE=1",
    "-D_LIBCPP_HAS_MONOTONIC_CLOCK=1",
    "-D_LIBCPP_HAS_TERMINAL=1",
    "-D_LIBCPP_HAS_RANDOM_DEVICE=1",
    "-D_LIBCPP_HAS_TIME_ZONE_DATABASE=0",
    "-D_LIBCPP_PSTL_BACKEND_SERIAL=1",
    "-D_LIBCPP_HARDENING_MODE_DEFAULT=_LIBCPP_HARDENING_MODE_NONE",
    "-D_LIBCPP_ASSERTION_SEMANTIC_DEFAULT=_LIBCPP_ASSERTION_SEMANTIC_IGNORE",
    "-D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=0",
    "-D_LIBCPP_DISABLE_VISIBILITY_ANNOTATIONS",
    "-D_LIBCXXABI_DISABLE_VISIBILITY_ANNOTATIONS",
    # As in other compilers: libc++ needs names that POSIX does not have.
    "-D_GNU_SOURCE",
)

# The library's sources are compiled in a few groups, because most of the time goes into reading its headers.
# What has constructors that run before main stands alone, so that only programs that use it have them.
_CORE: Mapping[str, Sequence[str]] = {
    "base": (
        "memory", "any", "atomic", "barrier", "bind", "call_once", "charconv", "chrono", "condition_variable",
        "exception", "expected", "functional", "future", "hash", "mutex", "new", "new_handler", "new_helpers",
        "optional", "random", "ryu/d2fixed", "ryu/d2s", "ryu/f2s", "shared_mutex", "stdexcept", "string",
        "system_error", "thread", "typeinfo", "variant", "vector", "verbose_abort",
    ),
    "algorithm": ("algorithm", "random_shuffle"),
    # Each of these defines what the headers otherwise define inline.
    "error_category": ("error_category",),
    "mutex_destructor": ("mutex_destructor",),
    "condition_variable_destructor": ("condition_variable_destructor",),
    "abi": (
        "abort_message", "cxa_aux_runtime", "cxa_default_handlers", "cxa_exception", "cxa_exception_storage",
        "cxa_guard", "cxa_handlers", "cxa_personality", "cxa_vector", "cxa_virtual",
        "fallback_malloc", "private_typeinfo", "stdlib_exception", "stdlib_stdexcept", "stdlib_typeinfo",
    ),
    "abi_new": ("stdlib_new_delete",),
}  # fmt: skip
_STREAMS: Mapping[str, Sequence[str]] = {
    "streams": ("ios", "ios.instantiations", "locale", "ostream", "fstream", "strstream"),
    "iostream": ("iostream",),
}
_REST: Mapping[str, Sequence[str]] = {
    "memory_resource": ("memory_resource",),
    "more": ("regex", "valarray", "print"),
    "filesystem": (
        "filesystem/directory_entry", "filesystem/directory_iterator", "filesystem/filesystem_clock",
        "filesystem/filesystem_error", "filesystem/operations", "filesystem/path",
    ),
    "abi_demangle": ("cxa_demangle",),
}  # fmt: skip
LEVELS: Mapping[str, Mapping[str, Sequence[str]]] = {"core": _CORE, "streams": _STREAMS, "rest": _REST}
"""The library in three archives. Compiling all takes a minute, and most programs need the first or two."""
_UNWINDER = (
    "libunwind.cpp", "Unwind-sjlj.c", "UnwindLevel1.c", "UnwindLevel1-gcc-ext.c", "UnwindRegistersRestore.S",
    "UnwindRegistersSave.S",
)  # fmt: skip

_LIBRARY_FLAGS = (
    "-O2", "-std=c++23", "-fexceptions", "-funwind-tables", "-w", "-DNDEBUG", "-D_LIBCPP_BUILDING_LIBRARY",
    "-D_LIBCXXABI_BUILDING_LIBRARY", "-DLIBCXX_BUILDING_LIBCXXABI",
    "-D_LIBCPP_SHARED_PTR_DEFINE_LEGACY_INLINE_FUNCTIONS",
    # The message about an exception that nobody caught names its type as the compiler does.
    "-DLIBCXXABI_NON_DEMANGLING_TERMINATE",
)  # fmt: skip
_UNWINDER_FLAGS = (
    "-O2", "-funwind-tables", "-w", "-DNDEBUG", "-D_LIBUNWIND_IS_BAREMETAL", "-D_LIBUNWIND_IS_NATIVE_ONLY",
    "-D_LIBUNWIND_HAS_NO_THREADS",
)  # fmt: skip

_WITHOUT_EXCEPTIONS = C_DIRECTORY / "cpp" / "no_exceptions.cpp"


def cpp_flags(toolchain: Toolchain) -> list[str]:
    """Flags for every C++ source, before the user's own and those of the C library's headers."""
    lib = toolchain.executable.parent / "lib"
    headers = (lib / "libcxx" / "include", lib / "libcxxabi" / "include")
    return [
        *_SETTINGS,
        "-fno-exceptions",
        "-nostdinc++",
        *(part for path in headers for part in ("-isystem", str(path))),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One object of the library: its name, its source's text, and flags."""

    name: str
    text: str
    flags: tuple[str, ...]
    suffix: str = ".cpp"


def cpp_sources() -> list[Path]:
    """Our own sources of the C++ runtime."""
    return [_WITHOUT_EXCEPTIONS]


@functools.cache
def library_archive(toolchain: Toolchain, level: str, *, catches_exceptions: bool) -> bytes:
    """A part of libc++ and libc++abi; what a program defines itself wins.

    Its functions throw. In a program that does not catch, that ends the run.
    """
    parts = _library_parts(toolchain, LEVELS[level])
    key = _key(parts)

    def compiled() -> bytes:
        return kept(
            f"libcxx-{level}", key, own_headers(), lambda: with_weak_definitions(_compile(toolchain, parts))
        )

    if catches_exceptions:
        return compiled()
    return kept(
        f"libcxx-{level}-no-exceptions", key, own_headers(), lambda: without_unwind_tables(compiled())
    )


@functools.cache
def unwinder_archive(toolchain: Toolchain) -> bytes:
    """libunwind, for programs that catch exceptions."""
    parts = _unwinder_parts(toolchain)
    return kept(
        "libunwind", _key(parts), own_headers(), lambda: with_weak_definitions(_compile(toolchain, parts))
    )


@functools.cache
def without_exceptions_archive(toolchain: Toolchain) -> bytes:
    """What stands in for throwing and catching in other programs: they end with a message."""
    flags = ("-O2", "-std=c++23", f"-I{toolchain.executable.parent / 'lib' / 'libcxxabi' / 'src'}")
    part = _Part(name="no_exceptions", text=f'#include "{_WITHOUT_EXCEPTIONS}"\n', flags=flags)
    return kept(
        "no_exceptions", _key([part]), [*cpp_sources(), *own_headers()], lambda: _compile(toolchain, [part])
    )


def _key(parts: Sequence[_Part]) -> tuple[str, ...]:
    words = (word for part in parts for word in (part.name, part.text, *part.flags))
    return (*CLANG_FLAGS, *_SETTINGS, *words)


def _library_parts(toolchain: Toolchain, groups: Mapping[str, Sequence[str]]) -> list[_Part]:
    lib = toolchain.executable.parent / "lib"
    places = ("libcxx/src", "libcxx/libc", "libcxxabi/src")
    flags = (*_LIBRARY_FLAGS, *(f"-I{lib / place}" for place in places))
    parts: list[_Part] = []
    for name, sources in groups.items():
        directory = lib / ("libcxxabi" if name.startswith("abi") else "libcxx") / "src"
        text = "".join(f'#include "{directory / source}.cpp"\n' for source in sources)
        parts.append(_Part(name=name, text=text, flags=flags))
    return parts


def _unwinder_parts(toolchain: Toolchain) -> list[_Part]:
    directory = toolchain.executable.parent / "lib" / "libunwind"
    flags = (*_UNWINDER_FLAGS, f"-I{directory / 'include'}", f"-I{directory / 'src'}")
    parts: list[_Part] = []
    for source in _UNWINDER:
        path = directory / "src" / source
        language = (
            ("-std=c++17", "-fno-exceptions", "-fno-rtti") if path.suffix == ".cpp" else ("-fexceptions",)
        )
        text = f'#include "{path}"\n'
        parts.append(_Part(name=path.stem, text=text, flags=(*flags, *language), suffix=path.suffix))
    return parts


def _compile(toolchain: Toolchain, parts: Sequence[_Part]) -> bytes:
    """Compile the parts, as many at a time as there are cores, into an archive."""
    includes = [*system_includes(toolchain), "-isystem", str(builtin_headers(toolchain))]
    with tempfile.TemporaryDirectory(prefix="truestep-cpp-") as name:
        directory = Path(name)

        def compile_part(part: _Part) -> str:
            source, target = f"{part.name}{part.suffix}", f"{part.name}.o"
            (directory / source).write_text(part.text, encoding="utf-8")
            own = cpp_flags(toolchain) if part.suffix == ".cpp" else []
            flags = [*CLANG_FLAGS, *own, *part.flags, *includes]
            toolchain.run("clang", *flags, "-c", source, "-o", target, directory=directory)
            return target

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_part, parts))
        toolchain.run("ar", "rcsD", "cpp.a", *objects, directory=directory)
        return (directory / "cpp.a").read_bytes()
