"""`truestep cc`, `c++`, `ar` and `ranlib`, also as programs of their own: `truestep-cc` and so on."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from truestep.base.errors import Unavailable
from truestep.guest.cpp_link import link_cpp
from truestep.guest.driver.command_line import CommandLine, Source, read_command_line
from truestep.guest.driver.compiler import CPP, C, Language, compile_sources, is_cpp
from truestep.guest.driver.missing_headers import mentions_missing, notes_on_missing
from truestep.guest.errors import GuestBuildError
from truestep.guest.link import LinkOptions, check_stack_size, compile_object, link, write_program
from truestep.guest.toolchain import Toolchain, find_toolchain

CMAKE_TOOLCHAIN = Path(__file__).with_name("truestep.cmake")
TOOLS = ("cc", "c++", "ar", "ranlib")
_NEEDS_EXCEPTIONS = "with exceptions disabled"
_OTHER_MACHINE = "is incompatible with elf64lriscv"
_DEFAULT_OUTPUT = "a.out"
_OK, _REFUSED, _UNAVAILABLE, _INTERRUPTED = 0, 1, 3, 130
_ASKS_LINKER = frozenset({"--version", "-v", "-V", "--help"})


def run_tool(tool: str, arguments: Sequence[str]) -> int:
    """Run one of TOOLS with a command line. Returns its exit code."""
    try:
        toolchain = find_toolchain()
        if tool in {"ar", "ranlib"}:
            code, messages = toolchain.call(tool, *arguments, variables={})
        elif list(arguments) == ["--print-cmake-toolchain"]:
            code, messages = _OK, ""
            sys.stdout.write(f"{CMAKE_TOOLCHAIN}\n")
        else:
            code, messages = _compiled(toolchain, CPP if tool == "c++" else C, arguments)
    except GuestBuildError as error:
        code, messages = _REFUSED, f"truestep {tool}: error: {error}\n"
        if _OTHER_MACHINE in str(error):
            messages += "truestep: note: files of another machine; make clean, then build with truestep cc\n"
    except OSError as error:
        code, messages = _REFUSED, f"truestep {tool}: error: {error.filename}: {error.strerror}\n"
    except Unavailable as error:
        code, messages = _UNAVAILABLE, f"truestep {tool}: error: {error}\n"
    except KeyboardInterrupt:
        code, messages = _INTERRUPTED, ""
    sys.stderr.write(messages)
    return code


def _compiled(toolchain: Toolchain, language: Language, arguments: Sequence[str]) -> tuple[int, str]:
    command = read_command_line(arguments)
    asked = [given for given in command.inputs if given in _ASKS_LINKER]
    if asked:
        return toolchain.call("ld.lld", *map(str, asked), variables={})
    if command.is_link and command.inputs:
        with tempfile.TemporaryDirectory(prefix="truestep-cc-") as name:
            return _linked(toolchain, language, command, Path(name))
    return _explained(toolchain, language, command, command.sources, output=command.output)


def _explained(
    toolchain: Toolchain,
    language: Language,
    command: CommandLine,
    sources: Sequence[Source],
    *extra: str,
    output: str | None,
) -> tuple[int, str]:
    """Compile; after a failure over a header, list all that are missing."""
    code, messages = compile_sources(toolchain, language, command, sources, *extra, output=output)
    if _NEEDS_EXCEPTIONS in messages:
        messages += "truestep: note: exceptions are off; add -fexceptions to the flags (CXXFLAGS)\n"
    if code == _OK or not mentions_missing(messages):
        return code, messages

    def write_rule(path: Path, rule: Path) -> None:
        again = ("-M", "-MG", "-MF", str(rule), "-w")
        given = [source for source in sources if Path(source.name) == path]
        compile_sources(toolchain, language, command, given, *again, output=os.devnull)

    files = [Path(source.name) for source in sources if source.name != "-"]
    return code, messages + notes_on_missing(files, write_rule)


def _linked(
    toolchain: Toolchain, language: Language, command: CommandLine, directory: Path
) -> tuple[int, str]:
    check_stack_size(command.stack_size_bytes)
    output = Path(command.output or _DEFAULT_OUTPUT)
    inputs: list[str] = []
    said = ""
    for index, given in enumerate(command.inputs):
        if isinstance(given, Source):
            target = directory / f"{index}" / f"{Path(given.name).stem}.o"
            target.parent.mkdir()
            extra = ("-c", *_dependency_file(command, given))
            code, messages = _explained(toolchain, language, command, [given], *extra, output=str(target))
            said += messages
            if code != _OK:
                return code, said
            inputs.append(str(target))
        else:
            inputs.append(given)
    if command.arguments is not None:
        inputs.append(_arguments_object(toolchain, directory, [output.name, *command.arguments]))
    if command.is_relocatable:
        code, messages = toolchain.call(
            "ld.lld", "-r", "-m", "elf64lriscv", *inputs, "-o", str(output), variables={}
        )
        return code, said + messages
    options = LinkOptions(
        stack_size_bytes=command.stack_size_bytes, stdout="output", working_directory=Path.cwd()
    )
    is_cpp_program = language is CPP or any(map(is_cpp, command.sources))
    elf, warnings = (link_cpp if is_cpp_program else link)(toolchain, inputs, directory, options)
    _write_executable(output, elf)
    return _OK, said + warnings


def _arguments_object(toolchain: Toolchain, directory: Path, arguments: Sequence[str]) -> str:
    """An object with the arguments of main, which the C library looks for: a run has none of its own."""
    texts = [f"(char[]){{{', '.join(map(str, (*argument.encode(), 0)))}}}" for argument in arguments]
    source, target = directory / "arguments.c", directory / "arguments.o"
    source.write_text(
        f"const int __truestep_argument_count = {len(arguments)};\n"
        f"char *__truestep_arguments[] = {{{', '.join(texts)}, 0}};\n"
    )
    compile_object(toolchain, source, target)
    return str(target)


def _dependency_file(command: CommandLine, source: Source) -> list[str]:
    """Where the rules of -MD go if the command does not say it: beside the output, not beside our object."""
    is_wanted = command.has_flag("-MD") or command.has_flag("-MMD")
    return ["-MF", f"{Path(source.name).stem}.d"] if is_wanted and not command.has_flag("-MF") else []


def _write_executable(output: Path, elf: bytes) -> None:
    """Build files test for the right to execute. A device such as /dev/null must not be replaced."""
    if output.exists() and not output.is_file():
        output.write_bytes(elf)
        return
    write_program(output, elf)
    mask = os.umask(0)
    os.umask(mask)
    output.chmod(0o777 & ~mask)


def cc() -> NoReturn:
    """The program `truestep-cc`."""
    sys.exit(run_tool("cc", sys.argv[1:]))


def cpp() -> NoReturn:
    """The program `truestep-c++`."""
    sys.exit(run_tool("c++", sys.argv[1:]))


def ar() -> NoReturn:
    """The program `truestep-ar`."""
    sys.exit(run_tool("ar", sys.argv[1:]))


def ranlib() -> NoReturn:
    """The program `truestep-ranlib`."""
    sys.exit(run_tool("ranlib", sys.argv[1:]))
