"""Projects to begin with: a folder of files for each template, as `truestep init` writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from truestep.adapters.files import write_file

_SUFFIX = ".tmpl"
"""Of the files here, so that no tool takes them for parts of truestep."""


class TemplateName(StrEnum):
    """What kinds of projects there are."""

    C = "c"
    PYTHON = "python"
    REDUCE = "reduce"
    VYPER = "vyper"
    SOLIDITY = "solidity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A kind of project."""

    name: TemplateName
    about: str
    commands: tuple[str, ...]
    """What to type next, in the project's folder."""


TEMPLATES = (
    Template(
        name=TemplateName.C,
        about="a guest in C",
        commands=(
            "truestep build letters.c -o letters.elf",
            "truestep run letters.elf --input text.txt --shard 0/2",
        ),
    ),
    Template(
        name=TemplateName.PYTHON,
        about="a guest in Python, over NumPy arrays",
        commands=(
            "python make_prices.py",
            "truestep build model.py -o model.elf",
            "truestep run model.elf --input prices.bin --shard 0/4",
        ),
    ),
    Template(
        name=TemplateName.REDUCE,
        about="two guests in C: the shards of a job, and the step that puts their outputs together",
        commands=("truestep build letters.c -o letters.elf", "truestep build total.c -o total.elf"),
    ),
    Template(
        name=TemplateName.VYPER,
        about="a contract in Vyper that uses a job's result",
        commands=("cat README.md",),
    ),
    Template(
        name=TemplateName.SOLIDITY,
        about="a contract in Solidity that uses a job's result",
        commands=("cat README.md",),
    ),
)


def template_named(name: TemplateName) -> Template:
    """The template of this name."""
    return next(template for template in TEMPLATES if template.name is name)


def write_project(template: Template, folder: Path) -> Sequence[Path]:
    """Write the template's files into a folder, which is made if need be.

    Nothing is written, and FileExistsError names it, if one of the files is there already.
    """
    source = files(__name__) / "files" / template.name
    contents = {
        folder / entry.name.removesuffix(_SUFFIX): entry.read_bytes()
        for entry in sorted(source.iterdir(), key=lambda entry: entry.name)
    }
    for path in contents:
        if path.exists() or path.is_symlink():
            raise FileExistsError(f"{path} exists already: choose another folder, or move it away")
    for path, content in contents.items():
        write_file(path, content, may_replace=False)
    return tuple(contents)
