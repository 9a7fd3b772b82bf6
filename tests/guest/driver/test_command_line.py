"""Command lines of build files: what is compiled, what is linked, what is ignored and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.guest import GuestBuildError
from truestep.guest.driver.command_line import Source, read_command_line
from truestep.guest.driver.response_files import split


def test_a_usual_link() -> None:
    words = "-O2 -fPIC -g a.c -xc++ b -x none p.o -L. -Wl,--start-group,-lp,--end-group -lm -pthread -oprog"
    command = read_command_line(words.split())
    assert command.flags == ["-O2", "-g", "-pthread"]
    assert command.inputs == [
        Source(name="a.c", language=None),
        Source(name="b", language="c++"),
        "p.o",
        "-L.",
        "--start-group",
        "-lp",
        "--end-group",
    ]
    assert (command.output, command.is_link) == ("prog", True)


@pytest.mark.parametrize("stage", ["-c", "-E", "-S", "-M", "-MM", "-fsyntax-only"])
def test_what_stops_before_the_link(stage: str) -> None:
    command = read_command_line([stage, "-I", "include", "-D", "X=1", "-include", "x.h", "a.c", "-o", "a.o"])
    assert (command.is_link, command.output) == (False, "a.o")
    assert command.flags == [stage, "-I", "include", "-D", "X=1", "-include", "x.h"]


@pytest.mark.parametrize(
    "words",
    [
        "-march=native -mtune=native -m64 -mcmodel=medany",
        "-fstack-protector-strong -flto=auto -fno-plt -static -pie -no-pie -rdynamic -s",
        "-Wl,-rpath,/usr/lib -Wl,-z,now -Wl,-z,relro -z noexecstack -Wl,-soname -Wl,x.so -Xlinker -E",
        "-Wl,-Bstatic -Wl,--as-needed -Wl,--hash-style=gnu -lc -lpthread -lstdc++ -nostdlib -fuse-ld=gold",
    ],
)
def test_what_changes_nothing_is_ignored(words: str) -> None:
    command = read_command_line(words.split())
    assert (command.flags, command.inputs) == ([], [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "-shared a.o",
            "-shared: a guest is one file without shared libraries; make a static",
        ),
        ("-fopenmp", "-fopenmp: a guest has one thread"),
        ("-fsanitize=address", "-fsanitize=address: sanitizers need an operating system"),
        ("-march=x86-64-v3", "-march=x86-64-v3: the machine is RV64IM"),
        ("-target aarch64-linux-gnu", "-target aarch64-linux-gnu: the machine is RV64IM"),
        ("-T own.ld", "-T own.ld: a guest's places in memory are those of the machine"),
        ("-Wl,-Ttext=0x1000", "-Ttext 0x1000: a guest's places in memory"),
        ("--stack-size=large", "expected a number of bytes in --stack-size=large"),
        ("-o", "expected a value after -o, got the end of the command line"),
    ],
)
def test_what_cannot_be_ignored_is_refused(words: str, message: str) -> None:
    with pytest.raises(GuestBuildError) as caught:
        read_command_line(words.split())
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "words", ["--stack-size=0x20000", "-Wl,-z,stack-size=131072", "-z stack-size=0x20000"]
)
def test_stack_size(words: str) -> None:
    assert read_command_line(words.split()).stack_size_bytes == 131_072


def test_arguments_of_main() -> None:
    assert read_command_line(["a.o"]).arguments is None
    assert read_command_line(["a.o", "--arguments=-d 'a b'"]).arguments == ["-d", "a b"]


def test_response_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inner").write_text("-DTEXT='a b'\n\"c d.c\"")
    Path("outer").write_text("@inner -c")
    Path("endless").write_text("@endless")
    command = read_command_line(["@outer"])
    assert (command.flags, command.inputs) == (["-DTEXT=a b", "-c"], [Source(name="c d.c", language=None)])
    with pytest.raises(GuestBuildError, match="response files of at most 8 levels"):
        read_command_line(["@endless"])
    assert split(r"""a\ b 'c\' "d\"e" '' f""") == ["a b", "c\\", 'd"e', "", "f"]
