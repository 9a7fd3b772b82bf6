"""Builds C, C++ and Zig sources into one reproducible ELF file."""

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.assembly_files import files_of_assembly, mentions_files, unescaped_llvm
from truestep.guest.cpp import SUFFIXES as CPP_SUFFIXES
from truestep.guest.cpp import cpp_sources
from truestep.guest.cpp_link import link_cpp
from truestep.guest.driver.missing_headers import mentions_missing, notes_on_missing
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import (
    DEFAULT_STACK_SIZE_BYTES,
    LinkOptions,
    Stdout,
    as_argument,
    check_stack_size,
    compile_command,
    compile_object,
    link,
    linked_sources,
    listing_command,
    write_program,
)
from truestep.guest.toolchain import (
    COMPILE_FLAGS,
    LINK_FLAGS,
    ZIGLANG_VERSION,
    Toolchain,
    find_toolchain,
)
from truestep.guest.zig_sources import ZIG_SUFFIX, compile_zig, files_of_zig

OPTIMISATIONS = ("0", "1", "2", "3", "s", "z")
SOURCE_SUFFIXES = (".c", *CPP_SUFFIXES, ".s", ".S", ZIG_SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGuest:
    """A built guest on disk, and digests of what it was built from."""

    path: Path
    size_bytes: int
    elf_sha256: str
    recipe_sha256: str
    """Covers the compiler's version, all flags, the runtime, and each source, header and other file that was
    read."""
    warnings: str
    """The compiler's warnings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """The user's sources and options."""

    sources: tuple[Path, ...]
    optimisation: str
    include_paths: tuple[Path, ...]
    defines: tuple[tuple[str, str], ...]
    stack_size_bytes: int
    stdout: Stdout
    exceptions: bool

    def settings(self) -> str:
        """All options that change the result for given sources, in one line."""
        parts = (self.optimisation, self.defines, self.stack_size_bytes, self.stdout, self.exceptions)
        return repr((ZIGLANG_VERSION, COMPILE_FLAGS, LINK_FLAGS, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """Object files by name within the build directory, and what went into them."""

    objects: tuple[str, ...]
    read: tuple[Path, ...]
    warnings: str


def build_c(
    sources: Sequence[Path],
    output: Path,
    *,
    optimisation: str = "2",
    include_paths: Sequence[Path] = (),
    defines: Mapping[str, str] | None = None,
    stack_size_bytes: int = DEFAULT_STACK_SIZE_BYTES,
    stdout: Stdout = "debug",
    exceptions: bool = False,
) -> BuiltGuest:
    """Compile `sources` and link them with the C library into `output`.

    What the program prints to stdout is debugging text, or with stdout="output" the run's output. With
    `exceptions`, C++ sources may throw and catch.

    The result depends only on the contents of the sources and on the options, not on the time, the computer
    or the directory. Raises GuestBuildError with the message of the compiler or linker, and ToolchainMissing
    if there is no compiler.
    """
    recipe = _Recipe(
        sources=tuple(sources),
        optimisation=optimisation,
        include_paths=tuple(include_paths),
        defines=tuple(sorted((defines or {}).items())),
        stack_size_bytes=stack_size_bytes,
        stdout=stdout,
        exceptions=exceptions,
    )
    _check(recipe)
    toolchain = find_toolchain()
    options = LinkOptions(stack_size_bytes=stack_size_bytes, stdout=stdout)
    with tempfile.TemporaryDirectory(prefix="truestep-build-") as name:
        directory = Path(name)
        try:
            compiled = _compile_sources(toolchain, recipe, directory)
        except GuestBuildError as error:
            raise GuestBuildError(f"{error}{_notes(toolchain, recipe, str(error))}") from error
        objects = [as_argument(name) for name in compiled.objects]
        is_cpp = any(source.suffix in CPP_SUFFIXES for source in recipe.sources)
        elf, warnings = (link_cpp if is_cpp else link)(toolchain, objects, directory, options)
        recipe_sha256 = _digest(recipe, compiled.read)
    write_program(output, elf)
    return BuiltGuest(
        path=output,
        size_bytes=len(elf),
        elf_sha256=hashlib.sha256(elf).hexdigest(),
        recipe_sha256=recipe_sha256,
        warnings=compiled.warnings + warnings,
    )


def _check(recipe: _Recipe) -> None:
    """Refuse options that the compiler would misunderstand."""
    if not recipe.sources:
        raise GuestBuildError("expected at least one C source, got none")
    for source in recipe.sources:
        if source.suffix not in SOURCE_SUFFIXES:
            suffixes = ", ".join(SOURCE_SUFFIXES)
            raise GuestBuildError(f"expected sources ending in {suffixes}, or one Python file, got {source}")
        if not source.is_file():
            raise GuestBuildError(f"expected a source file, found none at {source}")
    if recipe.optimisation not in OPTIMISATIONS:
        expected = ", ".join(OPTIMISATIONS)
        raise GuestBuildError(f"expected one of the optimisations {expected}, got {recipe.optimisation!r}")
    check_stack_size(recipe.stack_size_bytes)


def _compile_sources(toolchain: Toolchain, recipe: _Recipe, directory: Path) -> _Compiled:
    objects: list[str] = []
    read: list[Path] = []
    warnings = ""
    for index, source in enumerate(recipe.sources):
        # Messages of the linker name object files, so these are named after the sources.
        name = f"{source.stem}.o" if f"{source.stem}.o" not in objects else f"{source.stem}-{index}.o"
        if source.suffix == ZIG_SUFFIX:
            warnings += compile_zig(toolchain, source, directory / name, recipe.optimisation)
            objects.append(name)
            read += files_of_zig(source)
            continue
        flags = ("-fhosted", f"-O{recipe.optimisation}", *_source_flags(source, recipe))
        warnings += compile_object(toolchain, source, directory / name, *flags)
        objects.append(name)
        # The compiler only passes .s on to the assembler, and lists nothing.
        listed = [source] if source.suffix == ".s" else _files_read(directory / f"{name}.d")
        read += listed
        if mentions_files(listed):
            assembly = _assembly(toolchain, source, directory / f"{name}.s", flags)
            read += files_of_assembly(assembly, recipe.include_paths)
    return _Compiled(objects=tuple(objects), read=tuple(read), warnings=warnings)


def _notes(toolchain: Toolchain, recipe: _Recipe, messages: str) -> str:
    """What to do about errors of the compiler, where that is known."""
    if "with exceptions disabled" in messages:
        return "\ntruestep: note: exceptions are off; add --exceptions"
    if not mentions_missing(messages):
        return ""

    def write_rule(source: Path, rule: Path) -> None:
        arguments = (*listing_command(toolchain, source), *_source_flags(source, recipe))
        toolchain.run(*arguments, "-M", "-MG", "-w", "-MF", str(rule), as_argument(str(source)))

    compiled = [source for source in recipe.sources if source.suffix in (".c", ".S", *CPP_SUFFIXES)]
    return "\n" + notes_on_missing(compiled, write_rule).rstrip()


def _assembly(toolchain: Toolchain, source: Path, target: Path, flags: Sequence[str]) -> str:
    """What the assembler is given of a source; for C it is in LLVM's text."""
    if source.suffix == ".s":
        return source.read_text(encoding="utf-8", errors="replace")
    stage = ("-E",) if source.suffix == ".S" else ("-S", "-emit-llvm")
    command = (*compile_command(toolchain, source), *flags, *stage)
    toolchain.run(*command, as_argument(str(source)), "-o", str(target))
    text = target.read_text(encoding="utf-8", errors="replace")
    return text if source.suffix == ".S" else unescaped_llvm(text)


def _source_flags(source: Path, recipe: _Recipe) -> list[str]:
    """Flags for include paths and macros, and the mapping that keeps directories out of __FILE__."""
    flags = [f"-I{path}" for path in recipe.include_paths]
    flags += [f"-D{name}={value}" for name, value in recipe.defines]
    flags += [f"-fmacro-prefix-map={path}/=" for path in (source.parent, *recipe.include_paths)]
    if recipe.exceptions and source.suffix in CPP_SUFFIXES:
        flags.append("-fexceptions")
    if source.suffix == ".s":
        flags.append("-Wno-unused-command-line-argument")  # most flags are for compilers
    return flags


def _files_read(dependencies: Path) -> list[Path]:
    """The user's own files in a make rule `target: file file …`, without its escapes."""
    rule = dependencies.read_text(encoding="utf-8").replace("\\\n", " ").partition(": ")[2]
    names = re.findall(r"(?:\\[ #]|[^ \n])+", rule)
    return [Path(re.sub(r"\\([ #])|\$(?=\$)", r"\1", name)) for name in names]


def _digest(recipe: _Recipe, read: Sequence[Path]) -> str:
    digest = hashlib.sha256(recipe.settings().encode())
    for path in (*read, *linked_sources(), *cpp_sources()):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
