"""Build files of other people, with truestep's compiler in the place of theirs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guest.conftest import run
from truestep.guest.driver.tools import run_tool
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "part.h"
int main(void) { printf("%s %d\\n", part(), WORDS); return 0; }
"""
PART = '#include "part.h"\nconst char *part(void) { return __FILE__ " " __DATE__; }\n'
MAKEFILE = """
CFLAGS = -O2 -g -fPIC -march=native -MMD -Iinclude
prog: main.o libpart.a
\t$(CC) -Wl,-rpath,/usr/lib -o $@ main.o -L. -lpart -lm -pthread
libpart.a: libpart.a(part.o)
\t$(RANLIB) $@
main.o: CFLAGS += -DWORDS=7 -std=c99
"""
CMAKE = """
cmake_minimum_required(VERSION 3.10)
project(demo C)
include(CheckSymbolExists)
check_symbol_exists(malloc stdlib.h HAS_MALLOC)
check_symbol_exists(socket sys/socket.h HAS_SOCKETS)
if(HAS_SOCKETS OR NOT HAS_MALLOC)
  message(FATAL_ERROR "wrong")
endif()
include_directories(include)
add_library(part part.c)
set_target_properties(part PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
add_executable(prog main.c)
target_compile_definitions(prog PRIVATE WORDS=7)
target_link_libraries(prog part m)
"""


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `truestep-cc` and so on, as an installation has them."""
    folder = tmp_path_factory.mktemp("programs")
    for tool, function in {"cc": "cc", "c++": "cpp", "ar": "ar", "ranlib": "ranlib"}.items():
        text = f"#!{sys.executable}\nfrom truestep.guest.driver.tools import {function}\n{function}()\n"
        (folder / f"truestep-{tool}").write_text(text)
        (folder / f"truestep-{tool}").chmod(0o755)
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "part.h").write_text("const char *part(void);\n")
    for name, text in {"main.c": MAIN, "part.c": PART, "Makefile": MAKEFILE, "CMakeLists.txt": CMAKE}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(program: Path) -> str:
    return run(load_elf(program.read_bytes()), Task()).output.decode()


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_a_makefile(project: Path, programs: Path) -> None:
    tools = [f"{name}={programs / tool}" for name, tool in
             {"CC": "truestep-cc", "AR": "truestep-ar", "RANLIB": "truestep-ranlib"}.items()]  # fmt: skip
    subprocess.run(["make", "-s", *tools], check=True)
    assert printed(project / "prog") == "part.c Jan  1 1970 7\n"
    assert (project / "main.d").read_text() == "main.o: main.c include/part.h\n"


@pytest.mark.skipif(not shutil.which("cmake"), reason="needs cmake")
def test_cmake(
    project: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRUESTEP_PROGRAMS", str(programs))
    assert run_tool("cc", ["--print-cmake-toolchain"]) == 0
    toolchain = capfd.readouterr().out.strip()
    subprocess.run(["cmake", "-B", "build", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}"], check=True)
    subprocess.run(["cmake", "--build", "build"], check=True)
    assert printed(project / "build" / "prog") == "part.c Jan  1 1970 7\n"


def test_sources_in_one_call(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = "-Iinclude -DWORDS=8 main.c part.c -MD --stack-size=65536"
    assert run_tool("cc", words.split()) == 0
    assert capfd.readouterr().err == ""
    assert printed(project / "a.out") == "part.c Jan  1 1970 8\n"
    assert (project / "a.out").stat().st_mode & 0o111
    assert sorted(path.name for path in project.glob("*.d")) == ["main.d", "part.d"]


def test_arguments_of_main(project: Path) -> None:
    text = "#include <stdio.h>\nint main(int n, char **a) { while (*a) puts(*a++); return n; }\n"
    (project / "main.c").write_text(text)
    assert run_tool("cc", ["main.c", "-o", "prog", "--arguments=-9 'a \"b'"]) == 0
    finished = run(load_elf((project / "prog").read_bytes()), Task())
    assert (finished.code, finished.output) == (3, b'prog\n-9\na "b\n')


def test_stages(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_tool("cc", ["-E", "-P", "-Iinclude", "part.c"]) == 0
    assert '"part.c" " " "Jan  1 1970"' in capfd.readouterr().out
    assert run_tool("cc", ["-S", "-Iinclude", "part.c"]) == 0
    assert "\n\tret\n" in (project / "part.s").read_text()
    assert run_tool("cc", ["-Iinclude", "part.c", "-r", "-o", "whole.o"]) == 0
    assert (project / "whole.o").read_bytes().startswith(b"\x7fELF")


def test_a_precompiled_header(project: Path) -> None:
    Path("all.h").write_text("enum { PRECOMPILED = 5 };\n")
    Path("uses.c").write_text("int main(void) { return PRECOMPILED - 5; }\n")
    assert run_tool("cc", ["all.h"]) == 0
    assert Path("all.h.gch").read_bytes()[:4] == b"CPCH"
    assert run_tool("cc", ["-x", "c-header", "all.h", "-o", "other.h.gch"]) == 0
    # There is no other.h.
    assert run_tool("cc", ["-include", "other.h", "uses.c", "-o", "prog"]) == 0
    assert run(load_elf(Path("prog").read_bytes()), Task()).code == 0


def test_a_failure_is_the_compilers_or_ours(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_tool("cc", ["-c", "main.c", "-Iinclude"]) == 1
    assert "main.c:5:44: error: use of undeclared identifier 'WORDS'" in capfd.readouterr().err
    assert run_tool("cc", ["-shared", "part.c"]) == 1
    assert capfd.readouterr().err.startswith("truestep cc: error: -shared: a guest is one file")
    assert run_tool("cc", ["-DWORDS=1", "-Iinclude", "main.c", "-lmissing"]) == 1
    assert "unable to find library -lmissing" in capfd.readouterr().err
    assert not (project / "a.out").exists()


def test_an_object_of_another_machine(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_tool("cc", ["-c", "-Iinclude", "part.c"]) == 0
    content = bytearray((project / "part.o").read_bytes())
    content[18:20] = b"\x3e\x00"  # e_machine of x86-64
    (project / "part.o").write_bytes(content)
    assert run_tool("cc", ["part.o"]) == 1
    assert "truestep: note: files of another machine; make clean" in capfd.readouterr().err


def test_all_missing_headers_are_named(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "main.c").write_text(
        "#include <windows.h>\n#include <vector>\n#include <part.h>\n#include <zlib.h>\n" + MAIN
    )
    assert run_tool("cc", ["-c", "main.c"]) == 1
    notes = [line for line in capfd.readouterr().err.splitlines() if line.startswith("truestep: note")]
    assert notes == [
        "truestep: note: missing header windows.h: Windows; look for the macro that chooses POSIX",
        "truestep: note: missing header vector: C++; compile with truestep c++ or name the source .cpp;"
        " not all of C++23 is there",
        "truestep: note: missing header part.h: it is in include; add -Iinclude",
        "truestep: note: missing header zlib.h: if it belongs to the program, add -I with its directory"
        " (some are made by configure); if to a library, compile that with truestep cc too",
    ]


def test_a_device_is_written_to_not_replaced(project: Path) -> None:
    assert run_tool("cc", ["-DWORDS=1", "-Iinclude", "main.c", "part.c", "-o", "/dev/null"]) == 0
    assert not Path("/dev/null").is_file()
