"""`io.StringIO()` as a text that grows: `write`, `writelines`, `getvalue`."""

from typing import Any


class TextBuilder:
    """What a guest has in the place of `io.StringIO`."""

    def __init__(self) -> None:
        self._parts = [""]

    def write(self, text: str) -> int:
        """Append a text."""
        self._parts.append(text)
        return len(text)

    def writelines(self, texts: Any) -> None:
        """Append several."""
        for text in texts:
            self._parts.append(text)

    def getvalue(self) -> str:
        """All of it."""
        return "".join(self._parts)

    def close(self) -> None:
        """Nothing; what is written stays until the guest ends."""
