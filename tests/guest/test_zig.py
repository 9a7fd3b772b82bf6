"""Guests in Zig: the example, what the start does with a guest's end, and what the bytes depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.conftest import run
from truestep.guest import BuiltGuest, GuestBuildError, build_c
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task

EXAMPLE = Path(__file__).parents[2] / "examples" / "zig" / "words.zig"
ENDINGS = """
const std = @import("std");
const truestep = @import("truestep");
const table = @import("table.zig");
extern fn cube(number: f64) f64;

pub fn main() !u8 {
    const input = truestep.input();
    var sum: u8 = 0;
    for (input) |byte| sum += byte;
    var numbers: std.ArrayList(f64) = .empty;
    for (input) |byte| try numbers.append(truestep.allocator, @floatFromInt(byte));
    truestep.print("{d} {d} {d}", .{ cube(numbers.getLast()), table.values[2], truestep.shardCount() });
    return if (sum == 7) error.Seven else sum;
}
"""


def built(folder: Path, elf: str = "out.elf") -> BuiltGuest:
    (folder / "table.zig").write_text("pub const values = [_]f64{ 1, 2, @sqrt(2.0) };\n")
    (folder / "endings.zig").write_text(ENDINGS)
    (folder / "cube.c").write_text("double cube(double number) { return number * number * number; }\n")
    return build_c([folder / "endings.zig", folder / "cube.c"], folder / elf)


def loaded(guest: BuiltGuest) -> Program:
    return load_elf(guest.path.read_bytes())


def test_the_example_counts_words(tmp_path: Path) -> None:
    program = loaded(build_c([EXAMPLE], tmp_path / "words.elf"))
    finished = run(program, Task(input=b"the cat the\nend"))
    assert (finished.code, finished.printed) == (0, "info: 4 words\n")
    assert finished.output == b"2 the 50.00 %\n1 cat 25.00 %\n1 end 25.00 %\n"
    refused = run(program, Task())
    assert (refused.code, refused.printed) == (1, "info: 0 words\nerror: NoWords\n")


def test_a_guests_end_and_its_bytes(tmp_path: Path) -> None:
    other = tmp_path / "another place"
    other.mkdir()
    guest = built(tmp_path)
    program = loaded(guest)
    ends = [run(program, Task(input=bytes(content))) for content in ([1, 2], [3, 4], [250, 9])]
    assert [(each.code, each.output, each.printed) for each in ends] == [
        (3, b"8 1.4142135623730951 1", ""),
        (1, b"64 1.4142135623730951 1", "error: Seven\n"),
        (101, b"", "panic: integer overflow\n"),
    ]
    elsewhere = built(other)
    assert (elsewhere.elf_sha256, elsewhere.recipe_sha256) == (guest.elf_sha256, guest.recipe_sha256)
    (other / "table.zig").write_text("pub const values = [_]f64{ 1, 2, 3, 4 };\n")
    changed = build_c([other / "endings.zig", other / "cube.c"], other / "changed.elf")
    assert changed.recipe_sha256 != guest.recipe_sha256


def test_the_compilers_message_is_shown(tmp_path: Path) -> None:
    source = tmp_path / "wrong.zig"
    source.write_text("pub fn main() void {\n    undeclared();\n}\n")
    with pytest.raises(GuestBuildError, match=r"wrong\.zig:2:5: error: use of undeclared identifier"):
        build_c([source], tmp_path / "wrong.elf")
