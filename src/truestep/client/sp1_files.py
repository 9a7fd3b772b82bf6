"""The binary files that SP1 saves: `SP1ProofWithPublicValues` as bincode (docs/receipts.md R7)."""

from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected

PLONK_TAG, GROTH16_TAG = (2).to_bytes(4, "little"), (3).to_bytes(4, "little")
"""What the file of such a proof begins with; those of others begin with 0 or 1 and take megabytes."""
_INPUT_COUNTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sp1File:
    """What the file holds, as it is written there."""

    first_input: str
    """The program's verifying key, as a decimal number."""
    encoded_proof: str
    """In hexadecimal."""
    verifier_hash: bytes
    public_values: bytes


def is_sp1_file(head: bytes) -> bool:
    """Whether the file begins as SP1's do."""
    return head[:4] in {PLONK_TAG, GROTH16_TAG}


def read_sp1_file(content: bytes) -> Sp1File:
    """The proof in a file of version 6. Raises Rejected if it is cut or of another layout."""
    reader = _Reader(content, 4)
    inputs = [reader.text() for _ in range(_INPUT_COUNTS)]
    encoded, _ = reader.text(), reader.text()
    verifier_hash = reader.take(32)
    return Sp1File(
        first_input=inputs[0],
        encoded_proof=encoded,
        verifier_hash=verifier_hash,
        public_values=reader.take(reader.length()),
    )


class _Reader:
    def __init__(self, content: bytes, position: int) -> None:
        self._content = content
        self._position = position

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self._position + size
        if end > len(self._content):
            raise Rejected(
                Reject.RECEIPT_MALFORMED,
                f"expected a proof that SP1 6 saved, got {len(self._content)} bytes that end in the middle of"
                " it or are laid out otherwise; copy the file again, or have it written as JSON",
            )
        found = self._content[self._position : end]
        self._position = end
        return found

    def length(self) -> int:
        """The next length."""
        return int.from_bytes(self.take(8), "little")

    def text(self) -> str:
        """The next string; of these only ASCII is looked at."""
        return self.take(self.length()).decode("ascii", "replace")
