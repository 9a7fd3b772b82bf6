"""Reads a command line of `cc` or `c++`: what to compile, what to link, and how."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from truestep.guest.driver.link_options import LinkerWords
from truestep.guest.driver.refusals import check_compiler_option, is_ignored
from truestep.guest.driver.response_files import expanded, split
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import DEFAULT_STACK_SIZE_BYTES

_HEADER_SUFFIXES = (".h", ".hh", ".hpp", ".hxx", ".h++", ".H")
SOURCE_SUFFIXES = (
    ".c", ".i", ".C", ".cc", ".cp", ".cpp", ".cxx", ".c++", ".CPP", ".ii", ".s", ".S", ".sx", ".asm",
    *_HEADER_SUFFIXES, ".cppm", ".ll", ".bc",
)  # fmt: skip

_STOPS_BEFORE_LINK = frozenset({"-c", "-E", "-S", "-M", "-MM", "-fsyntax-only", "-###"})

_WITH_VALUE = frozenset(
    {
        "-o", "-x", "-I", "-D", "-U", "-include", "-imacros", "-isystem", "-iquote", "-idirafter", "-iprefix",
        "-iwithprefix", "-iwithprefixbefore", "-isysroot", "--sysroot", "-MF", "-MT", "-MQ", "-MJ",
        "-Xclang", "-Xpreprocessor", "-Xassembler", "-Xlinker", "-mllvm", "--param", "-target", "-B",
        "-T", "-u", "-z", "-e", "-l", "-L", "-h", "-A", "-dumpdir", "-dumpbase", "-dumpbase-ext", "-aux-info",
    }
)  # fmt: skip
"""Options whose value may be the next argument (GCC's and clang's manuals)."""

_ARGUMENTS = "--arguments="

_ONLY_GCC = frozenset({"-A", "-dumpdir", "-dumpbase", "-dumpbase-ext", "-aux-info", "-B", "-h", "--sysroot"})
"""Those of them that change nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to compile; `language` is what -x said of it."""

    name: str
    language: str | None

    @property
    def is_header(self) -> bool:
        """Whether it is to be precompiled, and not linked."""
        if self.language is None:
            return Path(self.name).suffix in _HEADER_SUFFIXES
        return self.language.endswith("-header")


@dataclass(slots=True, kw_only=True)
class CommandLine:
    """A command line of the compiler, read."""

    flags: list[str] = field(default_factory=list[str])
    """For the compiler, in order."""
    inputs: list[Source | str] = field(default_factory=list[Source | str])
    """Sources, objects, archives, and options of the linker, in order."""
    output: str | None = None
    is_link: bool = True
    stack_size_bytes: int = DEFAULT_STACK_SIZE_BYTES
    is_relocatable: bool = False
    """Whether the link makes another object (-r)."""
    arguments: list[str] | None = None
    """What main is given after the program's name; None if the command does not say it."""

    @property
    def sources(self) -> list[Source]:
        """What is to be compiled."""
        return [given for given in self.inputs if isinstance(given, Source)]

    @property
    def has_flag(self) -> Callable[[str], bool]:
        """Whether a flag of the compiler begins like this."""
        return lambda start: any(flag.startswith(start) for flag in self.flags)


def read_command_line(arguments: Sequence[str]) -> CommandLine:
    """Raises GuestBuildError for an option that the machine has no use for and that cannot be ignored."""
    words = iter(expanded(arguments))
    command = CommandLine()
    linker = LinkerWords()
    language: str | None = None
    for word in words:
        if not word.startswith("-") or word == "-":
            command.inputs.append(_input(word, language))
            continue
        if word.startswith(_ARGUMENTS):
            command.arguments = split(word[len(_ARGUMENTS) :])
            continue
        option, value = _with_value(word, words)
        if option == "-x":
            language = None if value == "none" else value
        elif option == "-o":
            command.output = value
        elif linker.takes(option, value):
            command.inputs += linker.given()
        elif option not in _ONLY_GCC and not is_ignored(word):
            check_compiler_option(word, value)
            command.is_link = command.is_link and word not in _STOPS_BEFORE_LINK
            command.flags += [word] if option == word and value is None else _joined(word, option, value)
    headers = [given for given in command.sources if given.is_header]
    if command.is_link and headers and len(headers) == len(command.inputs):
        command.is_link = False
        if len(headers) == 1 and command.output is None:
            command.output = f"{headers[0].name}.gch"
    command.stack_size_bytes = linker.stack_size_bytes
    command.is_relocatable = linker.is_relocatable
    return command


def _input(name: str, language: str | None) -> Source | str:
    is_source = language is not None or name == "-" or Path(name).suffix in SOURCE_SUFFIXES
    return Source(name=name, language=language) if is_source else name


def _with_value(word: str, words: Iterator[str]) -> tuple[str, str | None]:
    """The option and its value, which stands in the same word or in the next one."""
    if word in _WITH_VALUE:
        value = next(words, None)
        if value is None:
            raise GuestBuildError(f"expected a value after {word}, got the end of the command line")
        return word, value
    for option in ("-Wl,", "-o", "-x", "-l", "-L"):
        if word.startswith(option):
            return option, word[len(option) :]
    return word, None


def _joined(word: str, option: str, value: str | None) -> list[str]:
    return [word] if word != option or value is None else [option, value]
