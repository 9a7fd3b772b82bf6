"""Evidence as JSON files in a directory (docs/self-check.md). A `truestep.ports.evidence.Evidence`."""

import hashlib
from pathlib import Path

from truestep.adapters.files import OPEN_TO_OWNER, write_file
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32

_DIGEST_DIGITS = 16


class EvidenceDirectory:
    """Files `IMAGE_ROOT.DIGEST.json`. A program is trusted again once a person has moved its files away."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, image_root: Bytes32, content: str) -> str:
        """Write a piece of evidence atomically. Returns its path."""
        digest = hashlib.sha256(content.encode()).hexdigest()[:_DIGEST_DIGITS]
        path = self._directory / f"{image_root.hex()}.{digest}.json"
        try:
            write_file(path, content, mode=OPEN_TO_OWNER)
        except OSError as error:
            raise Unavailable(f"expected to write {path}, got: {error}; make room there") from error
        return str(path)

    def places(self) -> dict[Bytes32, str]:
        """The programs named by the files, whatever their content."""
        found = sorted(self._directory.glob("*.json")) if self._directory.is_dir() else []
        roots = ((path.name.split(".", maxsplit=1)[0], path) for path in found)
        return {Bytes32(bytes.fromhex(root)): str(path) for root, path in roots if _is_root(root)}


def _is_root(text: str) -> bool:
    return len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
