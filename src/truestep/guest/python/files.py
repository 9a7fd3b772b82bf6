"""The files through which the compiling process and the build speak."""

OBJECT = "guest.o"
READ = "read.json"
"""The files that the guest was made of, as a JSON list."""
COMPLAINT = "complaint.txt"
"""Why there is no object."""

_ARRAY_SUFFIX = ".array"


def array_file(symbol: str) -> str:
    """Where a large constant array's bytes are."""
    return f"{symbol}{_ARRAY_SUFFIX}"


def array_symbol(name: str) -> str | None:
    """The symbol of an array's file; None for another file."""
    return name.removesuffix(_ARRAY_SUFFIX) if name.endswith(_ARRAY_SUFFIX) else None
