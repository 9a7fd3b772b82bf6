"""Building guests: the same bytes everywhere, and the compiler's own words when it fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import pytest

from truestep.guest import (
    BuiltGuest,
    GuestBuildError,
    ToolchainMissing,
    build_c,
    hosted,
    libm,
    link,
    toolchain,
)
from truestep.guest.build import DEFAULT_STACK_SIZE_BYTES
from truestep.machine.elf import load_elf
from truestep.machine.layout import DATA_END, DATA_START

PROGRAMS = Path(__file__).parent / "programs"
NAMES_ITSELF = """
#include <truestep.h>
#include "names/part.h"
int main(void) { debug_print(__FILE__); debug_print(PART); return 0; }
"""
PART = "#define PART __FILE__\n"


def write_program(directory: Path) -> Path:
    """A program of two files that uses its own file names."""
    (directory / "names").mkdir(parents=True)
    (directory / "names" / "part.h").write_text(PART)
    source = directory / "prog.c"
    source.write_text(NAMES_ITSELF)
    return source


def build_text(directory: Path, text: str) -> BuiltGuest:
    source = directory / "prog.c"
    source.write_text(text)
    return build_c([source], directory / "prog.elf")


def said(directory: Path, text: str) -> str:
    """What the toolchain says of a program that does not build."""
    with pytest.raises(GuestBuildError) as caught:
        build_text(directory, text)
    return str(caught.value)


def test_bytes_do_not_depend_on_directory_or_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_program(tmp_path / "a")
    second = write_program(tmp_path / "an odd #place$" / "b")
    monkeypatch.setenv("C_INCLUDE_PATH", str(tmp_path))
    built = [build_c([first], tmp_path / "1.elf"), build_c([first], tmp_path / "2.elf")]
    monkeypatch.chdir(second.parent)
    built.append(build_c([Path("prog.c")], Path("3.elf"), include_paths=[Path()]))
    built.append(build_c([second], Path("made") / "4.elf", include_paths=[second.parent]))
    assert len({guest.path.read_bytes() for guest in built}) == 1
    assert len({guest.elf_sha256 for guest in built}) == 1
    assert len({guest.recipe_sha256 for guest in built}) == 1
    assert b"\0prog.c\0" in built[0].path.read_bytes()
    assert sorted(path.name for path in Path().iterdir()) == ["3.elf", "made", "names", "prog.c"]


def test_bytes_do_not_depend_on_the_compilers_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = PROGRAMS / "fails_assertion.c"
    warm = build_c([source], tmp_path / "warm.elf")
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "cache"))
    cold = build_c([source], tmp_path / "cold.elf")
    assert (cold.elf_sha256, cold.recipe_sha256) == (warm.elf_sha256, warm.recipe_sha256)
    assert (tmp_path / "cache").is_dir()


def test_recipe_changes_with_whatever_was_read(tmp_path: Path) -> None:
    source = write_program(tmp_path / "p")
    recipes = [build_c([source], tmp_path / "p.elf").recipe_sha256]
    recipes.append(build_c([source], tmp_path / "p.elf", defines={"UNUSED": "1"}).recipe_sha256)
    recipes.append(build_c([source], tmp_path / "p.elf", optimisation="0").recipe_sha256)
    (source.parent / "names" / "part.h").write_text(PART + "\n")
    recipes.append(build_c([source], tmp_path / "p.elf").recipe_sha256)
    assert len(set(recipes)) == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.S", '#define NAME "table.bin"\n.section .rodata\n.incbin NAME\n'),
        ("p.s", '.include "table.inc"\n'),
        ("p.c", '#define NAME "table.bin"\n__asm__(".section .rodata\\n.incbin \\"" NAME "\\"");\n'),
        ("p.c", 'void f(void) { __asm__ volatile("1: .incbin \\"table.bin\\", 0, 4"); }\n'),
        ("p.c", 'const char table[] = {\n#embed "table.bin"\n};\n'),
    ],
)
def test_recipe_covers_files_of_the_assembler(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "table.inc").write_text('.section .rodata\n.incbin "table.bin"\n')
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    (tmp_path / name).write_text(text)
    recipes: list[str] = []
    for content in ("0123", "0124"):
        (tmp_path / "table.bin").write_text(content)
        sources = [tmp_path / name, tmp_path / "main.c"]
        recipes.append(build_c(sources, tmp_path / "p.elf", include_paths=[tmp_path]).recipe_sha256)
    assert len(set(recipes)) == 2


def test_a_file_that_only_the_assembler_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.bin").write_text("0123")
    macro = '.macro bytes name\n.incbin "\\name"\n.endm\n.section .rodata\nbytes table.bin\n'
    (tmp_path / "p.s").write_text(macro)
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(GuestBuildError, match=r'got "\\name": the recipe must list the file'):
        build_c([tmp_path / "p.s", tmp_path / "main.c"], tmp_path / "p.elf", include_paths=[tmp_path])


def _definitions(archive: bytes) -> set[str]:
    """The names that an archive's index lists (System V's format: their count, places, names)."""
    size = int(archive[56:66])
    index = archive[68 : 68 + size]
    count = int.from_bytes(index[:4], "big")
    return {name.decode() for name in index[4 + 4 * count :].split(b"\0")[:count]}


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("stdout", ["debug", "output"])
def test_a_program_may_define_any_name_of_the_library(
    tmp_path: Path, part: int, stdout: Literal["debug", "output"]
) -> None:
    """It defines every other name, and uses all: those in between stand in the same files of the library."""
    compiler = toolchain.find_toolchain()
    library = (link.small_archive if stdout == "debug" else hosted.hosted_archive)(compiler)
    archives = (library, link.core_archive(compiler), libm.mathematics_archive(compiler))
    # Names that begin with two underscores are the C library's own (C23, 6.4.2.1).
    defined = set[str]().union(*map(_definitions, archives)) - {"_start", "__truestep_start"}
    names = sorted(name for name in defined if stdout == "debug" or not name.startswith("__"))
    assert {"snprintf", "abort", "malloc", "cbrt", "acos"} < set(names)
    own = names[part::2]
    lines = [f".globl {name}\n{name}: ret\n" for name in own]
    lines += [".globl main\nmain: la a0, used\nret\n.section .data.used\nused:\n"]
    lines += [f".quad {name}\n" for name in names]
    (tmp_path / "p.s").write_text("".join(lines))
    assert build_c([tmp_path / "p.s"], tmp_path / "p.elf", stdout=stdout).warnings == ""


def test_a_section_with_quotation_marks_is_refused(tmp_path: Path) -> None:
    text = '__attribute__((section("a\\"b"))) volatile int x = 1; int main(void) { return x; }'
    assert "a section's name without quotation marks" in said(tmp_path, text)


def test_program_lies_where_the_machine_wants_it(tmp_path: Path) -> None:
    guest = build_text(tmp_path, "long x = 5; long y[9000]; int main(void) { return (int)(x + y[x]); }")
    program = load_elf(guest.path.read_bytes())
    assert program.entry == 0x10000
    executable = [segment.address for segment in program.segments if segment.is_executable]
    assert executable == [0x10000]
    variables = [segment for segment in program.segments if segment.address >= DATA_START]
    assert [segment.content for segment in variables] == [(5).to_bytes(8, "little")]
    assert variables[0].address == DATA_START + DEFAULT_STACK_SIZE_BYTES
    assert all(segment.address < DATA_END for segment in program.segments)
    assert b".symtab" not in guest.path.read_bytes()
    assert guest.size_bytes == guest.path.stat().st_size < 20_000


@pytest.mark.parametrize("optimisation", ["0", "1", "3", "s", "z"])
def test_every_optimisation_builds(tmp_path: Path, optimisation: str) -> None:
    guest = build_c([PROGRAMS / "debug_output.c"], tmp_path / "p.elf", optimisation=optimisation)
    assert load_elf(guest.path.read_bytes()).entry == 0x10000


def test_several_sources_with_one_name(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "prog.c").write_text("int other(void) { return 7; }")
    (tmp_path / "prog.c").write_text("int other(void); int main(void) { return other(); }")
    (tmp_path / "third.S").write_text(".section .rodata\n.globl third\nthird: .word 3\n")
    sources = [tmp_path / "prog.c", tmp_path / "other" / "prog.c", tmp_path / "third.S"]
    assert build_c(sources, tmp_path / "p.elf").warnings == ""


@pytest.mark.parametrize("name", ["-O.c", "@prog.c", "a b.c"])
def test_odd_source_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("int main(void) { return 0; }")
    assert build_c([Path(name)], Path("p.elf")).warnings == ""


def test_a_programs_own_function_replaces_the_runtimes(tmp_path: Path) -> None:
    text = "#include <stdlib.h>\nvoid free(void *p) { (void)p; }\nint main(void) { free(0); return 0; }"
    assert build_text(tmp_path, text).warnings == ""


def test_compiler_error_is_the_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.c").write_text("int main(void) {\n    return missing;\n}\n")
    Path("old.elf").write_bytes(b"kept")
    with pytest.raises(GuestBuildError) as caught:
        build_c([Path("bad.c")], Path("old.elf"))
    assert str(caught.value).splitlines() == [
        "bad.c:2:12: error: use of undeclared identifier 'missing'",
        "    2 |     return missing;",
        "      |            ^~~~~~~",
        "1 error generated.",
    ]
    assert Path("old.elf").read_bytes() == b"kept"


def test_undefined_symbol_is_the_linkers(tmp_path: Path) -> None:
    message = said(tmp_path, "int missing(int);\nint main(void) { return missing(1); }\n")
    assert message.startswith("ld.lld: error: undefined symbol: missing\n")
    assert "prog.o:(main)" in message
    assert "truestep-build-" not in message


def test_no_main_is_the_linkers(tmp_path: Path) -> None:
    assert said(tmp_path, "int x;").startswith("ld.lld: error: undefined symbol: main\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#include <windows.h>\nint main(void) { return 0; }", "fatal error: 'windows.h' file not found"),
        ("int main(void) { return f(); }", "call to undeclared function 'f'"),
        ("const char *when = __DATE__; int main(void) { return 0; }", "not reproducible"),
        ("char big[0x60000000]; int main(void) { return big[5]; }", "do not fit into the 1.5 GiB data range"),
    ],
)
def test_what_cannot_be_built(tmp_path: Path, text: str, words: str) -> None:
    assert words in said(tmp_path, text)


def test_all_missing_headers_are_named(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "own.h").touch()
    message = said(tmp_path, "#include <gone.h>\n#include <own.h>\n#include <omp.h>\nint main(void) {}\n")
    assert "prog.c:1:10: fatal error: 'gone.h' file not found" in message
    assert [
        line.partition(";")[0] for line in message.splitlines() if line.startswith("truestep: note: ")
    ] == [
        "truestep: note: missing header gone.h: if it belongs to the program, add -I with its directory"
        " (some are made by configure)",
        f"truestep: note: missing header own.h: it is in {tmp_path / 'inner'}",
        "truestep: note: missing header omp.h: OpenMP",
    ]


def test_warnings_are_passed_on_every_time(tmp_path: Path) -> None:
    text = "int main(void) { int x = 1; x == 2; return x; }"
    for _ in range(2):
        assert (
            "prog.c:1:31: warning: equality comparison result unused" in build_text(tmp_path, text).warnings
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": []}, "expected at least one C source, got none"),
        ({"sources": [Path("absent.c")]}, "expected a source file, found none at absent.c"),
        (
            {"sources": [Path("prog.rs")]},
            "expected sources ending in .c, .cpp, .cc, .cxx, .c++, .C, .s, .S, .zig, or one Python file,"
            " got prog.rs",
        ),
        ({"optimisation": "fast"}, "expected one of the optimisations 0, 1, 2, 3, s, z, got 'fast'"),
        (
            {"stack_size_bytes": 1},
            "expected a stack of 4096 to 1073741824 bytes, a multiple of 4096, got 1",
        ),
    ],
)
def test_bad_requests(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    request: dict[str, object] = {"sources": [PROGRAMS / "task_header.c"], **arguments}
    with pytest.raises(GuestBuildError) as caught:
        build_c(output=tmp_path / "p.elf", **request)  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == message


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(GuestBuildError, match=r"expected to write .*directory, got: Is a directory"):
        build_c([PROGRAMS / "task_header.c"], tmp_path / "directory")
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


def test_missing_toolchain_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(ToolchainMissing, match=r"pip install 'truestep\[guest\]'"):
        build_c([PROGRAMS / "task_header.c"], tmp_path / "p.elf")


def test_other_toolchain_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(toolchain, "ZIGLANG_VERSION", "0.0.1")
    with pytest.raises(
        ToolchainMissing, match=r"expected ziglang 0\.0\.1, found [\d.]+, .*truestep\[guest\]"
    ):
        build_c([PROGRAMS / "task_header.c"], tmp_path / "p.elf")


def test_cache_that_cannot_be_written_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(ToolchainMissing, match="set ZIG_GLOBAL_CACHE_DIR"):
        build_c([PROGRAMS / "task_header.c"], tmp_path / "p.elf")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "ended with code 3 and no message"),
        (-25, "was ended by SIGXFSZ; check `ulimit -a`, free memory and disk space, then try again"),
        (-99, "was ended by signal 99"),
    ],
)
def test_a_compiler_that_says_nothing(code: int, words: str) -> None:
    assert toolchain.how_it_ended(code) == words
