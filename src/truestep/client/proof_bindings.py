"""Statements that a program of another proof system computes what ours does (docs/receipts.md R8)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from truestep.adapters.documents import Hex32, parsed
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected
from truestep.client.files import ProgramFile
from truestep.engine.hashing import hash_many_pairs

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

BINDING_VERSION = 1
_NOT_PROVEN = (
    "That the two programs do the same is what the binder says, and not proven: whoever relies on it relies"
    " on the binder."
)


class ProofBinding(BaseModel):
    """Who says that two programs do the same. `to_json` and `parse_binding` are inverses."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep proof binding"] = "truestep proof binding"
    version: Literal[1] = BINDING_VERSION
    system: Literal["RISC Zero", "SP1"]
    image: Hex32
    """The image id, or the hash of the verifying key."""
    elf_sha256: Hex32
    image_root: Hex32
    entry: Annotated[int, Field(ge=0, lt=2**64)]
    """Of the truestep program: its file, and what the contracts know of it."""
    says: str
    """The statement in words: these are signed."""
    binder: Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")] | None = None
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{130}$")] | None = None

    def words(self) -> str:
        """What the fields say."""
        name = "image id" if self.system == "RISC Zero" else "verifying key"
        return (
            f"The {self.system} program with {name} {self.image} computes what the truestep program with root"
            f" {self.image_root}, entry {self.entry:#x} and SHA-256 {self.elf_sha256} computes. {_NOT_PROVEN}"
        )

    def to_json(self) -> str:
        """The statement as the text of its file."""
        return self.model_dump_json(indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.to_json())


def bind(program: ProgramFile, system: str, image: bytes, signer: "Signer | None" = None) -> ProofBinding:
    """The statement about a program and an image, signed if there is a signer."""
    plain = ProofBinding(
        system=cast(Any, system),
        image=image.hex(),
        elf_sha256=program.digest.hex(),
        image_root=program.program.root(hash_many_pairs).hex(),
        entry=program.program.entry,
        says="",
    )
    worded = plain.model_copy(update={"says": plain.words()})
    if signer is None:
        return worded
    signed = cast(Any, signer).sign_message(_message(worded.says))
    signature = bytes(signed.signature).hex()
    return worded.model_copy(update={"binder": str(signer.address), "signature": signature})


def check_binding(binding: ProofBinding) -> None:
    """Whether words, fields and signature are of one statement. Raises Rejected if not."""
    if binding.says != binding.words():
        raise Rejected(
            Reject.BINDING_OTHER, "its words are not those of its fields; rely on nothing that this file says"
        )
    if (binding.binder is None) != (binding.signature is None):
        raise Rejected(
            Reject.BINDING_OTHER,
            "expected a binder with a signature or neither; take the file from its binder",
        )
    if binding.signature is not None and binding.binder is not None:
        _check_signature(binding.says, binding.signature, binding.binder)


def parse_binding(text: bytes | str) -> ProofBinding:
    """The statement that `text` encodes. Raises Rejected, which names the first wrong field."""
    wanted = "a file from `truestep program bind-proof`"
    return parsed(ProofBinding, text, Reject.RECEIPT_MALFORMED, wanted)


def _check_signature(says: str, signature: str, binder: str) -> None:
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError
    from web3 import Account

    try:
        account = cast(Any, Account)
        signer = cast(str, account.recover_message(_message(says), signature=bytes.fromhex(signature)))
    except (BadSignature, ValidationError, ValueError) as error:
        raise Rejected(Reject.BINDING_OTHER, f"expected a signature, got {signature} ({error})") from error
    if signer.lower() != binder.lower():
        raise Rejected(
            Reject.BINDING_OTHER,
            f"expected the signature of {binder}, got that of {signer} or of another text; rely on nothing"
            " that this file says",
        )


def _message(says: str) -> Any:
    """The words as wallets sign them (EIP-191)."""
    from eth_account.messages import encode_defunct

    return encode_defunct(text=says)
