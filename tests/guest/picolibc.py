"""`make picolibc`: builds tests/guest/picolibc.c with Debian's GCC and picolibc, and runs it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.guest.conftest import run
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

PACKAGES = ("gcc-riscv64-unknown-elf", "binutils-riscv64-unknown-elf", "picolibc-riscv64-unknown-elf")
SOURCE = Path(__file__).with_name("picolibc.c")
EXPECTED = (0, b"2520 3464101", "read 12\n")


def build(folder: Path) -> Path:
    """The guest, with the toolchain unpacked in the folder and installed nowhere."""
    print(f"fetching {', '.join(PACKAGES)}", flush=True)
    subprocess.run(["apt-get", "-qq", "download", *PACKAGES], cwd=folder, check=True)
    root, elf = folder / "root", folder / "picolibc.elf"
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True)
    prefix = root / "usr"
    command = [prefix / "bin" / "riscv64-unknown-elf-gcc", f"-B{prefix}/lib/riscv64-unknown-elf/bin/"]
    command += [f"--specs={prefix}/lib/picolibc/riscv64-unknown-elf/picolibc.specs"]
    command += [f"--picolibc-prefix={prefix}", "--crt0=hosted", "-march=rv64im", "-mabi=lp64", "-O2"]
    command += ["-Wl,--defsym=__ram_size=0x5f000000", SOURCE, "-lm", "-o", elf]
    subprocess.run(command, check=True)
    return elf


def main() -> None:
    """Build, run, compare."""
    with tempfile.TemporaryDirectory(prefix="truestep-picolibc-") as folder:
        finished = run(load_elf(build(Path(folder)).read_bytes()), Task(input=b"12"))
    if (finished.code, finished.output, finished.printed) != EXPECTED:
        raise SystemExit(f"expected {EXPECTED}, got {finished}")
    print(f"as expected: {finished.output.decode()}")


if __name__ == "__main__":
    main()
