"""`make rust`: builds examples/rust with a real rustc, runs it, and compares what it writes.

The Rust compiler and the source of its library are Debian's packages, unpacked into a folder and installed
nowhere. `cargo` with `build-std`, as docs/c-guests.md shows it, gives rustc the same sources and flags, but
fetches crates; here rustc is called as cargo would call it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.guest.conftest import run
from truestep.guest.driver.tools import run_tool
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

EXAMPLE = Path(__file__).parents[2] / "examples" / "rust"
PACKAGES = ("rustc-web", "rust-web-src", "libstd-rust-web-1.85", "libllvm19")
TARGET = "riscv64im-unknown-none-elf"
RELATIVE = "riscv64imac-unknown-none-elf"
"""What older compilers know instead; its atomic and compressed instructions are taken away."""
FEATURES = "+zfinx,+zdinx,+unaligned-scalar-mem"
STUB = "#![feature(no_core, compiler_builtins)]\n#![compiler_builtins]\n#![no_core]\n"
"""What stands for the crate of memcpy and the like: a guest has the C runtime's."""
TEXT = "the cat the dog a cat the end\n  nothing, ünïcode the\tend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rust:
    """A compiler, and the source of its library."""

    rustc: Path
    library: Path
    environment: dict[str, str]

    def call(self, *arguments: str) -> str:
        """Call rustc; what it prints."""
        command = [str(self.rustc), *arguments]
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)}\n{ended.stderr}")
        return ended.stdout


def from_debian(folder: Path) -> Rust:
    """Debian's packages, unpacked."""
    print(f"fetching {', '.join(PACKAGES)}", flush=True)
    subprocess.run(["apt-get", "-qq", "download", *PACKAGES], cwd=folder, check=True)
    root = folder / "root"
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    (libraries,) = (path.parent for path in root.rglob("libLLVM.so.*.1"))
    (library,) = root.glob("usr/src/rustc-*/library")
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "LD_LIBRARY_PATH": str(libraries)}
    return Rust(rustc=root / "usr" / "bin" / "rustc", library=library, environment=environment)


def target_of(rust: Rust, folder: Path) -> str:
    """The target's name, or the file that describes it to a compiler that does not know it."""
    if TARGET in rust.call("--print", "target-list").split():
        return TARGET
    printed = rust.call("-Z", "unstable-options", "--print", "target-spec-json", "--target", RELATIVE)
    described: dict[str, Any] = json.loads(printed)
    for name in ("is-builtin", "metadata"):
        described.pop(name, None)
    described |= {"features": "+m,+forced-atomics", "max-atomic-width": 64, "atomic-cas": False}
    path = folder / f"{TARGET}.json"
    path.write_text(json.dumps(described))
    return str(path)


def build(rust: Rust, folder: Path) -> Path:
    """The example as a guest."""
    flags = ["--target", target_of(rust, folder), "--edition", "2021", "-L", str(folder)]
    flags += ["-C", "opt-level=3", "-C", "panic=abort", "-C", f"target-feature={FEATURES}"]
    flags += ["-C", "relocation-model=static", "--cap-lints", "allow", "--out-dir", str(folder)]
    library = [*flags, "--crate-type", "rlib"]
    stub = folder / "stub.rs"
    stub.write_text(STUB)
    print("compiling core and alloc", flush=True)
    rust.call(*library, "--crate-name", "core", str(rust.library / "core" / "src" / "lib.rs"))
    rust.call(*library, "--crate-name", "compiler_builtins", str(stub))
    rust.call(*library, "--crate-name", "alloc", str(rust.library / "alloc" / "src" / "lib.rs"))
    source = EXAMPLE / "src" / "lib.rs"
    rust.call(*flags, "--crate-type", "staticlib", "--crate-name", "words", str(source))
    elf = folder / "words.elf"
    if code := run_tool("cc", [str(folder / "libwords.a"), "-o", str(elf)]):
        raise SystemExit(code)
    return elf


def expected(text: str) -> str:
    """What the example writes."""
    counts = Counter(text.split())
    return "".join(
        f"{count} {word} {100 * count / counts.total():.2f} %\n" for word, count in sorted(counts.items())
    )


def main() -> None:
    """Build, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to unpack and compile; default: a temporary one")
    with tempfile.TemporaryDirectory(prefix="truestep-rust-") as temporary:
        folder = parser.parse_args().folder or Path(temporary)
        rust = from_debian(folder)
        print(rust.call("--version").strip(), flush=True)
        elf = build(rust, folder)
        program = load_elf(elf.read_bytes())
        finished = run(program, Task(input=TEXT.encode()))
        refused = run(program, Task(input=b"\xff"))
    print(finished.output.decode(), end="")
    if (finished.code, finished.output.decode()) != (0, expected(TEXT)):
        raise SystemExit(f"expected exit code 0 and\n{expected(TEXT)}\ngot {finished}")
    if refused.code != 1 or "not UTF-8" not in refused.printed:
        raise SystemExit(f"expected exit code 1 for an input that is not text, got {refused}")
    print(f"as expected; {elf.name} is a guest of Rust")


if __name__ == "__main__":
    main()
