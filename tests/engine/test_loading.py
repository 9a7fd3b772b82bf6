"""Object code that is loaded without LLVM's linker."""

from __future__ import annotations

import ctypes
import os
import platform

import pytest

from truestep.engine.codegen.walk import walk_module
from truestep.engine.compilation.compile import CompiledModule
from truestep.engine.compilation.loading import LoadedObject, NotLoadable
from truestep.engine.compilation.object_code import object_code

TABLES = """
@numbers = constant [3 x i64] [i64 5, i64 6, i64 7]
@places = constant [2 x ptr] [ptr getelementptr (i8, ptr @numbers, i64 8), ptr @twice]
@count = global i64 40
@nothing = global [100 x i64] zeroinitializer, align 64
define i64 @twice(i64 %n) {
  %sum = add i64 %n, %n
  ret i64 %sum
}
define i64 @next() {
  %at = load ptr, ptr @places
  %number = load i64, ptr %at
  %old = load i64, ptr @count
  %new = add i64 %old, %number
  store i64 %new, ptr @count
  %function = load ptr, ptr getelementptr (ptr, ptr @places, i64 1)
  %result = call i64 %function(i64 %new)
  ret i64 %result
}
"""
OUTSIDE = "declare i32 @getpid()\ndefine i32 @outside() { %id = call i32 @getpid() ret i32 %id }"

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="elsewhere LLVM's linker loads everything; nothing to install"
)


def test_sections_that_refer_to_each_other() -> None:
    loaded = LoadedObject(object_code(TABLES))
    following = ctypes.CFUNCTYPE(ctypes.c_int64)(loaded.address("next"))
    assert [following(), following()] == [92, 104]
    assert ctypes.c_int64.from_address(loaded.address("count")).value == 52
    assert loaded.address("nothing") % 64 == 0
    assert bytes((ctypes.c_char * 800).from_address(loaded.address("nothing"))) == bytes(800)


def test_the_engine_needs_no_other_linker() -> None:
    assert LoadedObject(object_code(walk_module())).address("walk")


def test_what_is_outside_is_left_to_llvm() -> None:
    content = object_code(OUTSIDE)
    with pytest.raises(NotLoadable):
        LoadedObject(content)
    module = CompiledModule.from_object(content)
    assert ctypes.CFUNCTYPE(ctypes.c_int32)(module.function("outside"))() == os.getpid()


@pytest.mark.parametrize("content", [b"", b"\x7fELF", bytes(64), b"\x7fELF\x01\x01\x01" + bytes(57)])
def test_other_files_are_not_loaded(content: bytes) -> None:
    with pytest.raises(NotLoadable):
        LoadedObject(content)
