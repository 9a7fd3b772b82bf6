"""Options that mean nothing on this machine: those that can be ignored, and those that must not be."""

import re

from truestep.guest.errors import GuestBuildError

_IGNORED = re.compile(
    r"-march=(native|rv64.*)|-mcpu=native|-mtune=.*|-m64|-mabi=lp64|-mcmodel=.*|-mno-red-zone"
    r"|-fno-(pic|PIC|pie|PIE|plt|lto|openmp|stack-protector|stack-clash-protection|profile-.*|sanitize.*)"
    r"|-f(pic|PIC|pie|PIE|no-semantic-interposition|semantic-interposition)"
    r"|-flto(=.*)?|-f(fat-lto-objects|use-linker-plugin|whole-program)|-fwhole-program"
    r"|-fstack-(protector.*|clash-protection|check)|-fcf-protection(=.*)?|-mbranch-protection=.*"
    r"|-fprofile-use(=.*)?|-fprofile-correction|-fprofile-partial-training"
    r"|(--|-)target=riscv64.*|--sysroot=.*|-specs=.*|--specs=.*|-p|-pg|-save-temps(=.*)?"
)
"""Which processor (there is one), code for shared libraries (there are none), and protections against input
that takes over a process (the machine's code cannot be written)."""

_REFUSED = (
    (r"-f(sanitize=.*)", "sanitizers need an operating system; use them in a native build"),
    (r"-fopenmp(=.*)?|-qopenmp", "a guest has one thread; without the option the program computes the same"),
    (
        r"--coverage|-fprofile-(arcs|generate|instr-generate)(=.*)?|-ftest-coverage|-fcoverage-mapping",
        "profiles need files to be written; make them in a native build",
    ),
    (
        r"-m(32|x32|16)|-mabi=.*|-march=.*|-mcpu=.*|--?target=.*|-target",
        "the machine is RV64IM with Zfinx and Zdinx",
    ),
    (r"-fsplit-stack|-fblocks", "the runtime has no support for it"),
)


def is_ignored(option: str) -> bool:
    """Whether an option of the compiler changes nothing here."""
    return _IGNORED.fullmatch(option) is not None


def check_compiler_option(option: str, value: str | None) -> None:
    """Refuse an option without which the program would be another one."""
    for pattern, reason in _REFUSED:
        if re.fullmatch(pattern, option):
            given = option if value is None else f"{option} {value}"
            raise GuestBuildError(f"{given}: {reason}")
