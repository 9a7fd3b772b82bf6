"""Reads the files that provers of RISC Zero and SP1 write (docs/receipts.md R7)."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from truestep.base.errors import Reject, Rejected
from truestep.client.sp1_files import Sp1File, is_sp1_file, read_sp1_file
from truestep.proofs.receipts import IMAGE_SIZE_BYTES, ForeignReceipt
from truestep.proofs.risc_zero import system_state
from truestep.proofs.versions import SELECTOR_SIZE_BYTES, System

FOREIGN_LIMIT_BYTES = 16 << 20
"""Of a file: journals are small, and each byte takes up to five characters."""
_WORD_LIMIT = 1 << 32
_HEX = re.compile("[0-9a-fA-F]*")
_IMAGE_NAMES = {System.RISC_ZERO: ("imageid", "image"), System.SP1: ("vkey", "programvkey", "vk")}
_JOURNAL_NAMES = {System.RISC_ZERO: ("journal",), System.SP1: ("publicvalues",)}
_PROOF_NAMES = {System.RISC_ZERO: ("seal",), System.SP1: ("proof", "proofbytes")}
"""Of plain files, without underscores and capitals: `image_id`, `imageId` and `IMAGE_ID` are one name."""
_HOW = {
    "Composite": "ask the prover for a Groth16 receipt (`ProverOpts::groth16()`)",
    "Succinct": "ask the prover for a Groth16 receipt (`ProverOpts::groth16()`)",
    "Fake": "it is of development mode and proves nothing; prove without RISC0_DEV_MODE",
    "Core": "ask the prover for `.groth16()`",
    "Compressed": "ask the prover for `.groth16()`",
}

Document = Mapping[str, Any]
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def read_foreign(text: bytes, image: bytes | None = None) -> ForeignReceipt | None:
    """The proof in a file of RISC Zero or SP1; None if the file is not laid out as one.

    `image` is the program that is asked for. It must be the file's, if the file names one. Raises Rejected.
    """
    document = _document(text)
    if is_sp1_file(text):
        found = _sp1_saved(read_sp1_file(text))
    elif document is None:
        return None
    else:
        found = _laid_out(document, image)
    if found is None:
        return None
    if image is not None and image != found.image:
        raise Rejected(
            Reject.PROOF_IMAGE,
            f"expected a proof of the program {image.hex()}, got one of {found.image.hex()}; it says nothing"
            " about the program that you asked for",
        )
    return found


def _laid_out(document: Document, image: bytes | None) -> ForeignReceipt | None:
    """The proof in one of the four layouts (R7.1)."""
    if "inner" in document and "journal" in document:
        return _risc_zero(document, image)
    if _mapping(document.get("proof")) is not None and "public_values" in document:
        return _sp1(document)
    names = {name.lower().replace("_", ""): name for name in document}
    if "seal" in names:
        return _plain(System.RISC_ZERO, document, names, image)
    if "publicvalues" in names and ("proof" in names or "proofbytes" in names):
        return _plain(System.SP1, document, names, image)
    return None


def parse_image(text: str) -> bytes:
    """An image id or hash of a verifying key, in hexadecimal. Raises Rejected."""
    return _digest("the image", text)


def _document(text: bytes) -> Document | None:
    if len(text) > FOREIGN_LIMIT_BYTES:
        return None
    try:
        return _OBJECT.validate_json(text)  # which bounds how deep a file is nested
    except ValidationError:
        return None


def _plain(
    system: System, document: Document, names: Mapping[str, str], image: bytes | None
) -> ForeignReceipt:
    """Three fields in hexadecimal, as contracts and fixtures have them."""
    kinds = (_IMAGE_NAMES[system], _JOURNAL_NAMES[system], _PROOF_NAMES[system])
    named, journal, proof = (next((names[each] for each in kind if each in names), None) for kind in kinds)
    if journal is None or proof is None:
        raise _missing("`journal`, what the program wrote")
    if named is None and image is None:
        wanted = "vkey" if system is System.SP1 else "image_id"
        raise _missing(f"`{wanted}`, which program was proven; or say it with --image")
    return ForeignReceipt(
        system=system,
        image=_digest(named, document[named]) if named else image or b"",
        journal=_bytes(journal, _inside(document[journal])),
        proof=_bytes(proof, document[proof]),
    )


def _risc_zero(document: Document, image: bytes | None) -> ForeignReceipt:
    """`Receipt` of the crate risc0-zkvm, as serde writes it in JSON."""
    groth16 = _variant("inner", document["inner"])
    parameters = _digest("inner.Groth16.verifier_parameters", groth16.get("verifier_parameters"))
    seal = _bytes("inner.Groth16.seal", groth16.get("seal"))
    return ForeignReceipt(
        system=System.RISC_ZERO,
        image=_image_of_claim(groth16.get("claim"), image),
        journal=_bytes("journal", _inside(document["journal"])),
        proof=parameters[:SELECTOR_SIZE_BYTES] + seal,
    )


def _image_of_claim(claim: object, image: bytes | None) -> bytes:
    """The digest of the state before the first cycle."""
    value = (_mapping(claim) or {}).get("Value")
    pre = _mapping((_mapping(value) or {}).get("pre"))
    if pre is None:
        if image is not None:
            return image
        raise _missing("the image id: the receipt's claim is pruned; say it with --image")
    if "Pruned" in pre:
        return _digest("inner.Groth16.claim.Value.pre", pre["Pruned"])
    state = _mapping(pre.get("Value")) or {}
    pc = _numbers([state.get("pc")], _WORD_LIMIT)
    if pc is None:
        raise _missing("the state before the run (inner.Groth16.claim.Value.pre)")
    return system_state(pc[0], _digest("pre.merkle_root", state.get("merkle_root")))


def _sp1(document: Document) -> ForeignReceipt:
    """`SP1ProofWithPublicValues` of the crate sp1-sdk, as serde writes it in JSON."""
    proof = _mapping(document["proof"]) or {}
    plonk = _mapping(proof.get("Plonk"))
    body, name = (plonk, "plonk_vkey_hash") if plonk else (_variant("proof", proof), "groth16_vkey_hash")
    encoded = _bytes("proof.encoded_proof", body.get("encoded_proof"))
    if not encoded:
        raise Rejected(
            Reject.PROOF_VERSION, "this is of SP1's mock prover, and proves nothing; prove it with another"
        )
    return ForeignReceipt(
        system=System.SP1,
        image=_first_input(body.get("public_inputs")),
        journal=_bytes("public_values", _inside(document["public_values"])),
        proof=_digest(f"proof.{name}", body.get(name))[:SELECTOR_SIZE_BYTES] + encoded,
    )


def _sp1_saved(file: Sp1File) -> ForeignReceipt:
    """The same type, as `save` writes it."""
    return ForeignReceipt(
        system=System.SP1,
        image=_first_input([file.first_input]),
        journal=file.public_values,
        proof=file.verifier_hash[:SELECTOR_SIZE_BYTES] + _bytes("proof", file.encoded_proof),
    )


def _first_input(inputs: object) -> bytes:
    """The hash of the verifying key, which SP1 writes as a number."""
    given = cast(list[object], inputs) if isinstance(inputs, list) else []
    text = str(given[0])[:80] if given else ""
    if not (text.isascii() and text.isdecimal()) or int(text) >= 1 << (8 * IMAGE_SIZE_BYTES):
        raise _malformed("proof.public_inputs", "the verifying key's hash as its first number", given[:1])
    return int(text).to_bytes(IMAGE_SIZE_BYTES, "big")


def _variant(name: str, value: object) -> Document:
    """The Groth16 proof in an enum of serde's. Raises Rejected, which says how to get one."""
    fields = _mapping(value) or {}
    found = _mapping(fields.get("Groth16"))
    if found is not None:
        return found
    kind = next(iter(fields), str(value))
    advice = _HOW.get(kind, "give a file with a Groth16 proof")
    raise Rejected(
        Reject.RECEIPT_MALFORMED,
        f"{name}: expected a Groth16 proof, got {kind[:40]!r}, which is not checked here; {advice}",
    )


def _mapping(value: object) -> Document | None:
    return cast(Document, value) if isinstance(value, dict) else None


def _inside(value: object) -> object:
    """What a journal or buffer of bytes holds."""
    for name in ("buffer", "data", "bytes"):
        fields = _mapping(value)
        value = fields[name] if fields is not None and name in fields else value
    return value


def _numbers(value: object, limit: int) -> list[int] | None:
    """A list of whole numbers below the limit; None for anything else."""
    if not isinstance(value, list):
        return None
    numbers = cast(list[object], value)
    fine = [each for each in numbers if isinstance(each, int) and type(each) is int and 0 <= each < limit]
    return fine if len(fine) == len(numbers) else None


def _bytes(name: str, value: object) -> bytes:
    """Bytes in hexadecimal, or as a list of numbers. Raises Rejected for anything else."""
    numbers = _numbers(value, 256)
    if numbers is not None:
        return bytes(numbers)
    text = value.removeprefix("0x") if isinstance(value, str) else "?"
    if len(text) % 2 or not _HEX.fullmatch(text):
        raise _malformed(name, "bytes in hexadecimal or a list of numbers below 256", value)
    return bytes.fromhex(text)


def _digest(name: str, value: object) -> bytes:
    """32 bytes: in hexadecimal, as a list of bytes, or as the eight words of RISC Zero."""
    words = _numbers(value, _WORD_LIMIT)
    if words is not None and len(words) == IMAGE_SIZE_BYTES // 4:
        return b"".join(each.to_bytes(4, "little") for each in words)
    content = _bytes(name, value)
    if len(content) != IMAGE_SIZE_BYTES:
        raise _malformed(name, f"{IMAGE_SIZE_BYTES} bytes", value)
    return content


def _malformed(name: str, expected: str, value: object) -> Rejected:
    got = json.dumps(value)
    return Rejected(
        Reject.RECEIPT_MALFORMED,
        f"{name}: expected {expected}, got {got[:60]}{'…' if len(got) > 60 else ''}; take it from the prover"
        " again",
    )


def _missing(what: str) -> Rejected:
    return Rejected(Reject.RECEIPT_MALFORMED, f"the file does not hold {what}")
