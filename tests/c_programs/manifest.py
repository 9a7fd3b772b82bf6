"""What manifest.toml says: pinned sources from registries, and how each program is built and run."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.toml"
_REGISTRIES = {"pypi": "PyPI", "pypi-wheel": "PyPI", "npm": "npm", "debian": "Debian"}


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

    @property
    def registry_name(self) -> str:
        """The registry, as people write it."""
        return _REGISTRIES[self.registry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, the commands that build it, and what it is given."""

    name: str
    about: str
    source: Source
    how: str
    """The build system, in a word or two."""
    build: str
    """Shell commands, run in the unpacked source with CC, CXX, AR, RANLIB, CONFIGURE, CMAKE, DRIVERS set;
    SHARED_DRIVERS is `drivers/` of this folder."""
    binary: str
    input: str
    """A file of `inputs/`, or a path in the unpacked source."""
    home: Path
    """The folder of its manifest, with `drivers/` and `inputs/`."""
    language: str = "C"
    varies: re.Pattern[str] | None = None
    """Parts of the output that say how long something took, or which compiler was used."""

    def without_times(self, output: bytes) -> bytes:
        """The output without the parts that vary."""
        if self.varies is None:
            return output
        return self.varies.sub("", output.decode("latin-1")).encode("latin-1")


def read_manifest(path: Path = MANIFEST) -> list[Program]:
    """All programs of a manifest, in its order. Sources that it does not state are those of `MANIFEST`."""
    manifest = _tables(path)
    named = _tables(MANIFEST)["sources"] | manifest["sources"]
    sources = {name: Source(name=name, **fields) for name, fields in named.items()}
    return [
        _program(name, fields, sources, path.parent.resolve())
        for name, fields in manifest["programs"].items()
    ]


def _tables(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _program(name: str, fields: dict[str, Any], sources: dict[str, Source], home: Path) -> Program:
    fields = {"source": name, **fields}
    varies = fields.pop("varies", None)
    return Program(
        name=name,
        home=home,
        varies=re.compile(varies) if varies else None,
        **{**fields, "source": sources[fields["source"]]},
    )
