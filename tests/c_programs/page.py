"""docs/c-programs.md: a table of the programs and how they came out."""

from collections.abc import Sequence

from tests.c_programs.manifest import HERE, Source
from tests.c_programs.trial import Result, Trial

PAGE = HERE.parents[1] / "docs" / "c-programs.md"

HEAD = """# Public C and C++ programs as guests

Written by `make c-programs`, never by hand. Each program is fetched from a registry (its version and digest
are in `tests/c_programs/manifest.toml`) and built unchanged, by its own
build files or a plain `truestep cc`, once by this computer's compiler with `-O2`, once for the machine. Both
read the same input on standard input; `equal` means the same exit code and the same bytes on standard output.
What a program says about times and compilers is left out.

A program that is a library comes with a short `main` of ours
(`tests/c_programs/drivers`). `make c-programs NAMES="lua zstd"` tries some.

"""


def page(trials: Sequence[Trial]) -> str:
    """The whole page."""
    rows = [
        "| program | language | what it does | source | build | KiB | M instructions | result |",
        "| --- | --- | --- | --- | --- | ---: | ---: | --- |",
        *map(_row, trials),
    ]
    equal = sum(trial.result is Result.EQUAL for trial in trials)
    return f"{HEAD}{equal} of {len(trials)} are equal.\n\n" + "\n".join(rows) + "\n"


def _row(trial: Trial) -> str:
    program = trial.program
    cells = (
        program.name,
        program.language,
        program.about,
        _origin(program.source),
        program.how,
        f"{trial.elf_bytes / 1024:,.0f}" if trial.elf_bytes else "",
        f"{trial.instructions / 1e6:,.2f}" if trial.instructions else "",
        trial.result,
    )
    return f"| {' | '.join(cells)} |"


def _origin(source: Source) -> str:
    return f"{source.registry_name} {source.package} {source.version}"
