"""Options of a compiler that are for its linker."""

import re
from dataclasses import dataclass, field

from truestep.guest.errors import GuestBuildError
from truestep.guest.link import DEFAULT_STACK_SIZE_BYTES

NO_SHARED_LIBRARIES = (
    "a guest is one file without shared libraries; make a static library with ar"
    " (configure: --disable-shared, CMake: -DBUILD_SHARED_LIBS=OFF)"
)

_BUILT_IN = frozenset(
    {
        "m", "c", "pthread", "dl", "rt", "util", "crypt", "resolv", "xnet", "gcc", "gcc_s", "gcc_eh",
        "atomic", "stdc++", "supc++", "c++", "c++abi", "unwind", "stdc++fs", "clang_rt.builtins",
    }
)  # fmt: skip
"""Libraries that every link has, or that are empty where the C library is one file, as in musl."""

_SHARED = frozenset({"-shared", "--shared", "-Bshareable", "-dynamiclib", "-bundle"})

_WITHOUT_MEANING_FOR_DRIVER = re.compile(
    r"-(s|static|pie|no-pie|nopie|static-pie|rdynamic|nostdlib(\+\+)?|nostartfiles|nodefaultlibs|nolibc"
    r"|static-lib\w+(\+\+)?|shared-libgcc|fuse-ld=.*)"
)
_WITHOUT_MEANING = re.compile(
    r"-?-(static|pie|no-pie|B(static|dynamic|symbolic(-functions)?|group)|E|export-dynamic|strip-\w+|s|S|x|X|dn|dy"
    r"|call_shared|non_shared|(no-)?as-needed|(no-)?add-needed|(no-)?copy-dt-needed-entries|no-undefined"
    r"|(hash-style|build-id|rpath|rpath-link|soname|dynamic-linker|version-script|dynamic-list|icf|plugin-opt"
    r"|compress-debug-sections)=.*|build-id|(en|dis)able-new-dtags|no-warnings|warn-(once|common)"
    r"|(no-)?allow-shlib-undefined|gdb-index|relax)"
)
"""Options that are about shared libraries, debuggers, or what every link does."""

_WITHOUT_MEANING_WITH_VALUE = frozenset(
    {"-rpath", "--rpath", "-rpath-link", "--rpath-link", "-soname", "--soname", "-h", "-dynamic-linker",
     "--dynamic-linker", "-version-script", "--version-script", "--dynamic-list", "-plugin", "-I"}
)  # fmt: skip

_WITH_VALUE = frozenset(
    {"-u", "--undefined", "-e", "--entry", "--defsym", "--wrap", "-Map", "--Map", "-y", "-z", "-L", "-l",
     "-T", "--script", "-m", "--section-start"}
)  # fmt: skip

_PLACING = ("-T", "--script", "--image-base", "--section-start")


@dataclass(slots=True)
class LinkerWords:
    """Collects them, and gives what the linker is to see of them."""

    stack_size_bytes: int = DEFAULT_STACK_SIZE_BYTES
    is_relocatable: bool = False
    _given: list[str] = field(default_factory=list[str])
    _unfinished: str | None = None
    """An option of -Wl or -Xlinker whose value comes with the next one."""

    def takes(self, option: str, value: str | None) -> bool:
        """Take an option of the compiler, if it is one for the linker."""
        match option, value:
            case "-Wl,", str():
                for word in value.split(","):
                    self._take(word)
            case "-Xlinker", str():
                self._take(value)
            case (("-l" | "-L" | "-u" | "-e" | "-T" | "-z"), str()):
                self._take(option)
                self._take(value)
            case _, None if option in {"-r", *_SHARED}:
                self._take(option)
            case _, None if _WITHOUT_MEANING_FOR_DRIVER.fullmatch(option):
                pass
            case _, None if option.startswith("--stack-size="):
                self._set_stack_size(option)
            case _:
                return False
        return True

    def given(self) -> list[str]:
        """What was taken for the linker since the last call."""
        given, self._given = self._given, []
        return given

    def _take(self, word: str) -> None:
        if self._unfinished is not None:
            option, self._unfinished = self._unfinished, None
            self._take_pair(option, word)
        elif word in _WITH_VALUE or word in _WITHOUT_MEANING_WITH_VALUE:
            self._unfinished = word
        elif word.startswith(_PLACING):
            self._take_pair(*_parted(word))
        elif word.startswith(("-l", "-z", "-L")):
            self._take_pair(word[:2], word[2:])
        elif word in _SHARED:
            raise GuestBuildError(f"{word}: {NO_SHARED_LIBRARIES}")
        elif word in {"-r", "--relocatable", "-i"}:
            self.is_relocatable = True
        elif not _WITHOUT_MEANING.fullmatch(word):
            self._given.append(word)

    def _take_pair(self, option: str, value: str) -> None:
        if option in _WITHOUT_MEANING_WITH_VALUE or (option == "-l" and value in _BUILT_IN):
            return
        if option.startswith(_PLACING):
            raise GuestBuildError(
                f"{option} {value}: a guest's places in memory are those of the machine, so leave the option"
                " out; a variable or function can be put in a section of its own"
            )
        if option == "-z":
            self._set_keyword(value)
        else:
            self._given += [f"{option}{value}"] if option in {"-l", "-L"} else [option, value]

    def _set_keyword(self, keyword: str) -> None:
        if keyword.startswith("stack-size="):
            self._set_stack_size(keyword)
        elif keyword == "muldefs":
            self._given.append("--allow-multiple-definition")

    def _set_stack_size(self, text: str) -> None:
        try:
            self.stack_size_bytes = int(text.partition("=")[2], 0)
        except ValueError as error:
            raise GuestBuildError(
                f"expected a number of bytes in {text}, as in --stack-size=8388608"
            ) from error


def _parted(word: str) -> tuple[str, str]:
    option, _, value = word.partition("=")
    return option, value
