"""The files by which the compiler process and the build communicate."""

OBJECT = "guest.o"
READ = "read.json"
"""The files that the guest was built from, as a JSON list."""
COMPLAINT = "complaint.txt"
"""The reason why there is no object file."""
NOTES = "notes.txt"
"""What the compiler left out, if anything."""

_ARRAY_SUFFIX = ".array"


def array_file(symbol: str) -> str:
    """The name of the file with the bytes of a large constant array."""
    return f"{symbol}{_ARRAY_SUFFIX}"


def array_symbol(name: str) -> str | None:
    """The symbol of an array's file; None for another file."""
    return name.removesuffix(_ARRAY_SUFFIX) if name.endswith(_ARRAY_SUFFIX) else None
