"""Where the linker puts sections: a program's own get a place, and none may share addresses with another."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from truestep.base.errors import Bug
from truestep.guest.errors import GuestBuildError
from truestep.guest.objects import Section
from truestep.machine.layout import CODE_END, DATA_END, DATA_START

_CODE, _CONSTANTS, _VARIABLES = ".text", ".rodata", ".data"
FINALIZERS = ".fini_array"
_PLACED = {_CODE, _CONSTANTS, FINALIZERS, _VARIABLES, ".tdata", ".bss"}
"""The sections of guest.ld."""
_UNCHANGED = {_CONSTANTS, FINALIZERS}
"""They hold pointers to constructors and destructors, which objects count as variables: a program that can be
moved has them written when it starts."""


def own_sections(sections: Iterable[Section]) -> list[Section]:
    """Sections that the program names itself, as with `__attribute__((section("names")))`."""
    return [section for section in sections if section.is_in_memory and section.name not in _PLACED]


def script_for(sections: Iterable[Section]) -> str:
    """Linker script that places them. Left to itself, the linker may put variables where the heap begins."""
    return "".join(map(_placing, sections))


def _placing(section: Section) -> str:
    if '"' in section.name:
        raise GuestBuildError(f"expected a section's name without quotation marks, got {section.name}")
    return (
        f'SECTIONS {{ "{section.name}" : {{ *("{section.name}") }} }} INSERT AFTER {_neighbour(section)};\n'
    )


def _neighbour(section: Section) -> str:
    if section.is_executable:
        return _CODE
    return _VARIABLES if section.is_writable else _CONSTANTS


def check_placement(sections: Sequence[Section]) -> None:
    """Raises Bug if two sections share an address or one is outside its range.

    Nothing else would see it: both engines would agree on the wrong result.
    """
    placed = sorted((s for s in sections if s.is_in_memory), key=lambda s: s.address)
    for lower, upper in pairwise(placed):
        if lower.end > upper.address:
            raise Bug(f"the sections {lower.name} and {upper.name} share addresses from {upper.address:#x}")
    for section in placed:
        is_variable = section.is_writable and section.name not in _UNCHANGED
        start, end = (DATA_START, DATA_END) if is_variable else (0, CODE_END)
        if not start <= section.address <= section.end <= end:
            raise Bug(
                f"expected the section {section.name} in {start:#x}..{end:#x},"
                f" got {section.address:#x}..{section.end:#x}"
            )
