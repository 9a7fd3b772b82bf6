"""Builds the ROM. `python -m truestep.guest.rom` writes its image and root, `--check` compares (docs/rom.md).

The image defines every float instruction (docs/machine.md M9), so it must be the same on every host: it is
built from our own C with the pinned compiler and no library.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

from truestep.base.ids import Bytes32
from truestep.guest.errors import GuestBuildError, ToolchainMissing
from truestep.guest.toolchain import C_DIRECTORY, Toolchain, find_toolchain
from truestep.machine.elf import load_elf
from truestep.machine.memory import Memory

ROM_LIMIT_BYTES = 64 << 10
"""M9.1."""
ROM_SOURCES = C_DIRECTORY / "rom"
PACKAGE = Path(__file__).parent.parent
IMAGE_NAME = Path("machine", "rom.bin")
CONTRACT_NAME = Path("contracts", "modules", "rom.vy")

_TARGET_FLAGS = (
    "-target",
    "riscv64-freestanding-none",
    # Integers only (M9.1). Without relaxation, the linker does not change the compiler's code.
    "-mcpu=generic_rv64+m",
    "-mno-relax",
    "-g0",
)
_COMPILE_FLAGS = (
    *_TARGET_FLAGS,
    "-std=c11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-parentheses",
    "-ffreestanding",
    "-fno-builtin",
    # A table in memory would add two leaves to a proof.
    "-fno-jump-tables",
    "-fno-sanitize=all",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
)
# Without the compiler's library, so that a routine that calls it does not link.
_LINK_FLAGS = (*_TARGET_FLAGS, "-nostdlib", "-static", "-s")
_LINKED = "rom.elf"


def build_rom(toolchain: Toolchain, folder: Path = ROM_SOURCES) -> bytes:
    """The image from address 0 (M9.1) of the sources in `folder`. Raises GuestBuildError."""
    with tempfile.TemporaryDirectory(prefix="truestep-rom-") as name:
        directory = Path(name)
        # The entries come first, at address 0.
        sources = [folder / "entries.S", *sorted(folder.glob("*.c"))]
        objects = [_compile(toolchain, source, directory) for source in sources]
        script = folder / "rom.ld"
        toolchain.run("cc", *_LINK_FLAGS, "-T", str(script), *objects, "-o", _LINKED, directory=directory)
        return _image((directory / _LINKED).read_bytes())


def rom_root(image: bytes) -> Bytes32:
    """The memory root of the image in an otherwise empty memory (M9.1)."""
    memory = Memory()
    memory.write(0, image)
    return memory.root()


def rom_contract(image: bytes, contract: str) -> str:
    """The contracts' module `contract` with the root of this image in it."""
    changed, count = re.subn(
        r"(?m)^(ROM_ROOT: constant\(bytes32\) = )0x[0-9a-f]+$", rf"\g<1>0x{rom_root(image).hex()}", contract
    )
    if count != 1:
        raise GuestBuildError(f"expected one line `ROM_ROOT: constant(bytes32) = 0x…` in rom.vy, got {count}")
    return changed


def _compile(toolchain: Toolchain, source: Path, directory: Path) -> str:
    name = f"{source.stem}.o"
    flags = _COMPILE_FLAGS if source.suffix == ".c" else _TARGET_FLAGS
    toolchain.run("cc", *flags, "-c", str(source), "-o", str(directory / name))
    return name


def _image(elf: bytes) -> bytes:
    segments = load_elf(elf).segments
    if len(segments) != 1 or segments[0].address != 0 or len(segments[0].content) > ROM_LIMIT_BYTES:
        found = ", ".join(f"{len(segment.content)} bytes at {segment.address:#x}" for segment in segments)
        raise GuestBuildError(f"expected at most {ROM_LIMIT_BYTES} bytes at 0 and nothing else, got {found}")
    return segments[0].content


def main(arguments: list[str] | None = None, package: Path = PACKAGE) -> int:
    """Run the command on the image and the contract in `package`; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m truestep.guest.rom",
        description="Build the ROM: its image for the machine and its root for the contracts.",
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with the committed files and write nothing"
    )
    options = parser.parse_args(arguments)
    try:
        image = build_rom(find_toolchain())
        contract = rom_contract(image, (package / CONTRACT_NAME).read_text(encoding="utf-8"))
    except (GuestBuildError, ToolchainMissing) as error:
        return _fail(str(error))
    outputs = {package / IMAGE_NAME: image, package / CONTRACT_NAME: contract.encode()}
    stale = [path for path, content in outputs.items() if not path.exists() or path.read_bytes() != content]
    if options.check and stale:
        names = ", ".join(path.name for path in stale)
        return _fail(f"{names} differs from what the sources give; run `make rom` and commit the result")
    for path in stale:
        path.write_bytes(outputs[path])
    sys.stdout.write(f"rom: {len(image)} bytes, root 0x{rom_root(image).hex()}\n")
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
