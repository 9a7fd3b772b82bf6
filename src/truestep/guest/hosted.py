"""The whole C library, for programs that need more than the small one: musl, from the compiler's wheel."""

import functools
import re
import tempfile
from pathlib import Path

from truestep.guest.errors import GuestBuildError
from truestep.guest.kept import kept
from truestep.guest.libm import MUSL_INCLUDES
from truestep.guest.objects import read_sections, with_weak_definitions
from truestep.guest.toolchain import (
    C_DIRECTORY,
    COMPILE_FLAGS,
    TARGET_FLAGS,
    ZIG_FLAGS,
    Toolchain,
    own_headers,
    system_includes,
)

ARCHIVE = "libhosted.a"

_DIRECTORY = C_DIRECTORY / "hosted"
_LIBRARY_DIRECTORY = C_DIRECTORY / "library"

_MUSL = (
    "complex/*", "conf/*", "ctype/*", "dirent/*", "errno/*", "fcntl/*", "fenv/*", "legacy/*", "locale/*",
    "math/*", "misc/*", "multibyte/*", "process/*", "regex/*", "sched/*", "search/*", "select/*", "signal/*",
    "stat/*", "stdio/*", "stdlib/*", "string/*", "temp/*", "termios/*", "time/*", "unistd/*",
    "env/__environ", "env/*env", "exit/abort*", "exit/at*", "exit/*exit",
    "internal/*scan", "internal/procfdname", "internal/shgetc", "internal/syscall_ret",
    "linux/copy_file_range", "linux/getrandom", "linux/gettid", "linux/sendfile", "linux/utimes",
    "network/hton*", "network/ntoh*", "network/inet_*", "thread/*",
    "fenv/riscv64/fenv-sf", "setjmp/riscv64/*", "signal/riscv64/*",
)  # fmt: skip
"""musl's files; each has a member in the archive."""
_REPLACED = {
    # Our own do this.
    "exit/_Exit", "exit/exit", "process/_Fork", "process/fork", "process/posix_spawn", "process/system",
    "process/vfork",
    "stdio/__lockfile", "stdio/__stdout_write", "stdio/pclose", "stdio/popen", "stdio/setvbuf",
    "stdlib/strtod",
    "thread/__lock", "thread/pthread_cancel", "thread/pthread_create", "thread/pthread_detach",
    "thread/pthread_join",
    # The compiler's runtime does this.
    "math/fma", "math/fmaf",
    # What only makes sense with an operating system's threads.
    "thread/__set_thread_area", "thread/__tls_get_addr", "thread/__unmapself", "thread/clone",
    "thread/synccall", "thread/tls", "thread/syscall_cp", "thread/sem_open", "thread/sem_unlink",
    "thread/pthread_getattr_np", "signal/restore", "time/timer_create", "unistd/faccessat",
    # Users, terminals, shells, directories.
    "legacy/cuserid", "legacy/daemon", "misc/forkpty", "misc/initgroups", "misc/syslog", "misc/wordexp",
    "regex/glob",
}  # fmt: skip
"""What those patterns find and is left out."""
_LONG_LONG = (
    "S('n') = PTR,\n\t}, { /* 6:",
    "S('d') = LLONG, S('i') = LLONG, S('o') = ULLONG, S('u') = ULLONG, S('x') = ULLONG, S('X') = ULLONG,"
    "S('n') = PTR,\n\t}, { /* 6:",
)
_ADAPTED = {
    # %Ld is what old programs write for %lld. glibc takes it; musl drops the whole format.
    "stdio/vfprintf": _LONG_LONG,
    "stdio/vfwprintf": _LONG_LONG,
    "stdio/vfscanf": ("case SIZE_ll:", "case SIZE_L: case SIZE_ll:"),
    "stdio/vfwscanf": ("case SIZE_ll:", "case SIZE_L: case SIZE_ll:"),
}
"""Places of musl's files that are compiled otherwise: what stands there, and what is compiled."""

_UNKNOWN_CONVERSION = re.compile(
    rb"%(?:[-+#0']*(?:\*|\d+)?(?:\.(?:\*|\d*))?(?:hh?|ll?|[Lqjzt])?[aAeEfFgGnmCS]|l[cs]|\d+\$"
    rb"|[-+#0]* [-+#0]*(?:\*|\d+)?(?:\.(?:\*|\d*))?L?[aAeEfFgG](?!\w))"
    rb"[\t-\r\x1b -~\x80-\xff]*\0"
)
"""A conversion that the small library's printf does not have, with the rest of its format.

A text like "x % alignment" is none."""
_SMALL_PRINTF = b"printf: build with truestep cc"
"""What the small library says if it is given such a format; it stands in programs that use its printf."""


def hosted_sources() -> list[Path]:
    """Our own part of the library."""
    return sorted([*_DIRECTORY.rglob("*.[ch]"), *_LIBRARY_DIRECTORY.glob("*.[ch]")])


def prints_more(elf: bytes) -> bool:
    """Whether a program linked with the small library has formats that need the whole one."""
    texts = [elf[s.offset : s.offset + s.stored_bytes] for s in read_sections(elf) if not s.is_executable]
    return _SMALL_PRINTF in elf and any(map(_UNKNOWN_CONVERSION.search, texts))


@functools.cache
def hosted_archive(toolchain: Toolchain) -> bytes:
    """An archive of the library: 650 files of musl, kept when they are compiled."""
    flags = (*COMPILE_FLAGS, *ZIG_FLAGS, *_MUSL, *sorted(_REPLACED), str(_ADAPTED))
    headers = [C_DIRECTORY / "runtime" / "format.h", *own_headers()]
    return kept("hosted", flags, [*hosted_sources(), *headers], lambda: _compile(toolchain))


def _compile(toolchain: Toolchain) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-libc-") as name:
        directory = Path(name)
        toolchain.run("build-lib", *_arguments(toolchain, directory), directory=directory)
        return with_weak_definitions((directory / ARCHIVE).read_bytes())


def _arguments(toolchain: Toolchain, directory: Path) -> list[str]:
    libc = toolchain.libc_directory
    strict = [flag for flag in COMPILE_FLAGS if flag not in TARGET_FLAGS]
    musl = [
        *strict,
        "-O2",
        "-fno-builtin",
        "-std=c99",
        "-D_XOPEN_SOURCE=700",
        "-w",
        f"-I{_DIRECTORY / 'include'}",
    ]
    musl += [f"-I{libc / part}" for part in MUSL_INCLUDES]
    own = [*strict, "-O2", "-fno-builtin", "-DTRUESTEP_HOSTED"]
    with_musl = [path for path in hosted_sources() if path.suffix == ".c" and path.parent == _DIRECTORY]
    alone = [path for path in hosted_sources() if path.suffix == ".c" and path.parent == _LIBRARY_DIRECTORY]
    zig = [*ZIG_FLAGS, "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections"]
    return [
        *TARGET_FLAGS, *zig, "-static", "--name", "hosted",
        "-cflags", *own, *system_includes(toolchain), "--", *map(str, alone),
        "-cflags", *musl, f"-I{C_DIRECTORY / 'include'}", "--",
        *map(str, with_musl), *map(str, _adapted(libc / "musl" / "src", directory)),
    ]  # fmt: skip


def musl_sources(directory: Path) -> list[Path]:
    """The files of `_MUSL`, without those that are replaced."""
    found = {path for pattern in _MUSL for path in directory.glob(f"{pattern}.[csS]")}
    return sorted(path for path in found if str(path.relative_to(directory).with_suffix("")) not in _REPLACED)


def _adapted(sources: Path, directory: Path) -> list[Path]:
    """The files of musl; those of `_ADAPTED` are copies in `directory`."""
    paths = {str(path.relative_to(sources).with_suffix("")): path for path in musl_sources(sources)}
    for name, (found, compiled) in _ADAPTED.items():
        before, _, after = paths[name].read_text("utf-8").partition(found)
        if not after:
            raise GuestBuildError(f"{name}.c is of another musl than the pinned one: no {found!r}")
        paths[name] = directory / paths[name].name
        paths[name].write_text(before + compiled + after, "utf-8")
    return list(paths.values())
