"""What manifest.toml says: pinned sources from registries, and how each program is built and run."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An archive of a registry, known by its digest."""

    name: str
    registry: str
    """`pypi` (a source distribution), `pypi-wheel`, `npm` or `debian` (the upstream archive)."""
    package: str
    version: str
    file: str
    sha256: str
    root: str = "."
    """The folder or archive inside that is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, the commands that build it, and what it is given."""

    name: str
    about: str
    source: Source
    how: str
    """The build system, in a word or two."""
    build: str
    """Shell commands, run in the unpacked source with CC, CXX, AR, RANLIB, CONFIGURE, CMAKE, DRIVERS set."""
    binary: str
    input: str
    """A file of `inputs/`, or a path in the unpacked source."""
    language: str = "C"
    varies: re.Pattern[str] | None = None
    """Parts of the output that say how long something took, or which compiler was used."""

    def without_times(self, output: bytes) -> bytes:
        """The output without the parts that vary."""
        if self.varies is None:
            return output
        return self.varies.sub("", output.decode("latin-1")).encode("latin-1")


def read_manifest() -> list[Program]:
    """All programs, in the manifest's order."""
    manifest: dict[str, Any] = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    sources = {name: Source(name=name, **fields) for name, fields in manifest["sources"].items()}
    return [_program(name, fields, sources) for name, fields in manifest["programs"].items()]


def _program(name: str, fields: dict[str, Any], sources: dict[str, Source]) -> Program:
    fields = {"source": name, **fields}
    varies = fields.pop("varies", None)
    return Program(
        name=name,
        varies=re.compile(varies) if varies else None,
        **{**fields, "source": sources[fields["source"]]},
    )
