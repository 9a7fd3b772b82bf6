"""The receipt of a settled job: everything that anybody needs to check its result again."""

import base64
import zlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.base.integers import U64_MAX
from truestep.machine.layout import INPUT_LIMIT_BYTES
from truestep.machine.state import Status
from truestep.protocol.claims import ClaimedState

RECEIPT_VERSION = 1
MACHINE_VERSION = 1
RECEIPT_LIMIT_BYTES = 64 << 20
"""A hostile file must not fill the checker's memory; real receipts are far smaller."""
INLINE_LIMIT_BYTES = 256 << 10
"""Programs, inputs and outputs up to this size are in the receipt, which is then enough to repeat the run."""


def _unpadded(text: str) -> str:
    if len(text) % 2:
        raise ValueError("expected an even number of hex digits")
    return text


Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
HexBytes = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]*$"), AfterValidator(_unpadded)]
AddressText = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
U64 = Annotated[int, Field(ge=0, le=U64_MAX)]
U32 = Annotated[int, Field(ge=0, lt=2**32)]
Amount = Annotated[int, Field(ge=0, lt=2**256)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProgramPart(_Part):
    """The program, and its ELF file if it is small: zlib, then base64."""

    program_id: Amount
    image_root: Hex32
    entry: U64
    max_cycles: U64
    elf_sha256: Hex32
    uri: str
    elf: str | None = None


class InputPart(_Part):
    """The input, and its bytes if they are few: zlib, then base64."""

    root: Hex32
    size: U64
    uri: str
    content: str | None = None


class ShardPart(_Part):
    """One task's final claim, who made it and when, and its output in hex if it is small."""

    shard_index: U32
    attempt: U32
    operator: AddressText
    status: Annotated[int, Field(ge=0, le=2)]
    code: U64
    cycle: U64
    output_size: U64
    output_root: Hex32
    left_root: Hex32
    inner_root: Hex32
    running_state: Hex32
    accepted: bool
    final_block: U64
    final_transaction: Hex32
    output: HexBytes | None = None

    def claimed(self) -> ClaimedState:
        """The claim's fields as a value."""
        return ClaimedState(
            status=Status(self.status),
            code=self.code,
            cycle=self.cycle,
            output_size=self.output_size,
            output_root=_bytes32(self.output_root),
            left_root=_bytes32(self.left_root),
            inner_root=_bytes32(self.inner_root),
            running_state=_bytes32(self.running_state),
        )

    def output_bytes(self) -> bytes | None:
        """The output, if the receipt holds it."""
        return None if self.output is None else bytes.fromhex(self.output)


class Receipt(_Part):
    """A settled job. `to_json` and `parse_receipt` are inverses."""

    format: Literal["truestep receipt"] = "truestep receipt"
    version: Literal[1] = RECEIPT_VERSION
    machine_version: Literal[1] = MACHINE_VERSION
    deployment: Deployment = Field(strict=False)
    """The contracts that settled the job."""
    job_id: Amount
    requester: AddressText
    reward_wei: Amount
    seed: Hex32
    shard_count: U32
    program: ProgramPart
    input: InputPart
    shards: tuple[ShardPart, ...] = Field(strict=False)

    def to_json(self) -> str:
        """The receipt as the text of its file."""
        return self.model_dump_json(indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.to_json())


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file. Raises Rejected if it is not a receipt, OSError if it cannot be read."""
    size_bytes = path.stat().st_size
    if size_bytes > RECEIPT_LIMIT_BYTES:
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"expected at most {RECEIPT_LIMIT_BYTES} bytes in {path}, got {size_bytes}",
        )
    return parse_receipt(path.read_bytes())


def parse_receipt(text: bytes | str) -> Receipt:
    """The receipt that `text` encodes. Raises Rejected, which names the first wrong field."""
    try:
        return Receipt.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"{where}: {first['msg']}; expected a file from `truestep submit --receipt` or `truestep demo`",
        ) from error


def inlined(content: bytes) -> str | None:
    """A program or input as the receipt holds it; None if it is too large."""
    if len(content) > INLINE_LIMIT_BYTES:
        return None
    return base64.b64encode(zlib.compress(content, 9)).decode()


def from_inlined(text: str) -> bytes:
    """The bytes that `inlined` packed. Raises Rejected for other text and for more than an input may hold."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), INPUT_LIMIT_BYTES + 1)
    except (ValueError, zlib.error) as error:
        raise Rejected(
            Reject.RECEIPT_MALFORMED, f"expected a zlib stream in base64, got other text ({error})"
        ) from error
    if not unpacker.eof or len(content) > INPUT_LIMIT_BYTES:
        raise Rejected(
            Reject.RECEIPT_MALFORMED, "the packed bytes are truncated, or larger than an input may be"
        )
    return content


def _bytes32(digits: str) -> Bytes32:
    return Bytes32(bytes.fromhex(digits))
