"""Whether guests have grown since a commit: `python -m benchmarks.guest_sizes REVISION` prints a table.

The examples and the kernels of the benchmark are built by the working tree's truestep and by that of a
revision of this repository. Sizes are those of the ELF files, in bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATTERNS = ("examples/hello/*.c", "examples/python/*/*.py", "benchmarks/kernels/*.c")
_TRUESTEP = "from truestep.cli.start import main; raise SystemExit(main())"
_MARKS = ("truestep.guest", "truestep.h", "kernel.h")
"""What a guest's source has in it; the examples also hold programs that train models and write reports."""


def main() -> int:
    """Print the table. Exit code 1 if a guest has grown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guest_sizes")
    parser.add_argument("revision", help="a commit of this repository")
    revision = parser.parse_args().revision
    guests = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern) if _is_guest(path))
    with tempfile.TemporaryDirectory(prefix="truestep-sizes-") as name:
        tree = Path(name) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), revision)
        try:
            pairs = {guest: (_size(tree, guest), _size(ROOT, guest)) for guest in guests}
        finally:
            _git("worktree", "remove", "--force", str(tree))
    print(f"| guest | {revision} | now | growth |\n| --- | --- | --- | --- |")
    for guest, (before, now) in pairs.items():
        print(f"| {guest.relative_to(ROOT)} | {before:,} | {now:,} | {now / before - 1:+.1%} |")
    return int(any(now > before for before, now in pairs.values()))


def _is_guest(path: Path) -> bool:
    return any(mark in path.read_text(encoding="utf-8") for mark in _MARKS)


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True)


def _size(tree: Path, guest: Path) -> int:
    """The size of the ELF, in bytes, that the truestep of a tree makes. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="truestep-sizes-") as name:
        elf = Path(name) / "guest.elf"
        command = [sys.executable, "-c", _TRUESTEP, "build", str(guest), "-o", str(elf)]
        environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return elf.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
