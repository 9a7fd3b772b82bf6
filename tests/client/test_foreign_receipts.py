"""The files of RISC Zero's and SP1's provers, as they are laid out, and what is said of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.proofs.fixtures import names, receipt
from truestep.base.errors import Reject, Rejected
from truestep.client.foreign_receipts import parse_image, read_foreign
from truestep.proofs.receipts import ForeignReceipt
from truestep.proofs.risc_zero import system_state
from truestep.proofs.versions import System, live_version

GROTH16 = ["RISC Zero 2.2", "RISC Zero 3.0"]


def plain(original: ForeignReceipt, prefix: str = "0x") -> dict[str, Any]:
    hexed = [prefix + each.hex() for each in (original.proof, original.journal, original.image)]
    keys = (
        ("proof", "publicValues", "vkey")
        if original.system is System.SP1
        else ("seal", "journal", "image_id")
    )
    return dict(zip(keys, hexed, strict=True))


def words(digest: bytes) -> list[int]:
    """As RISC Zero's `Digest` is serialised."""
    return [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 32, 4)]


def risc_zero_file(original: ForeignReceipt, pre: Any) -> dict[str, Any]:
    parameters = words(live_version(original.proof[:4]).digest)
    halted = {"Value": {"pc": 0, "merkle_root": [0] * 8}}
    output = {"Value": {"journal": {"Value": list(original.journal)}, "assumptions": {"Pruned": [0] * 8}}}
    claim = {"pre": pre, "post": halted, "exit_code": {"Halted": 0}, "input": {"Pruned": [0] * 8}}
    groth16 = {
        "seal": list(original.proof[4:]),
        "claim": {"Value": {**claim, "output": output}},
        "verifier_parameters": parameters,
    }
    return {
        "inner": {"Groth16": groth16},
        "journal": {"bytes": list(original.journal)},
        "metadata": {"verifier_parameters": parameters},
    }


def sp1_file(original: ForeignReceipt) -> dict[str, Any]:
    inputs = [str(int.from_bytes(original.image, "big")), "1", "0", "2", "0"]
    groth16 = {
        "public_inputs": inputs,
        "encoded_proof": original.proof[4:].hex(),
        "raw_proof": original.proof[100:].hex(),
        "groth16_vkey_hash": list(live_version(original.proof[:4]).digest),
    }
    return {
        "proof": {"Groth16": groth16},
        "public_values": {"buffer": {"data": list(original.journal)}},
        "sp1_version": "v6.1.0",
        "tee_proof": None,
    }


def read(document: Any, image: bytes | None = None) -> ForeignReceipt | None:
    return read_foreign(json.dumps(document).encode(), image)


@pytest.mark.parametrize("name", names("live"))
@pytest.mark.parametrize("prefix", ["", "0x"])
def test_plain_files_are_read(name: str, prefix: str) -> None:
    assert read(plain(receipt(name), prefix)) == receipt(name)


def test_names_of_plain_files_may_be_written_otherwise() -> None:
    for name in names("live"):
        original = receipt(name)
        fields = plain(original)
        shouted = {key.upper(): value for key, value in fields.items()}
        assert read(shouted) == original
    sp1 = plain(receipt("SP1 6.1.0"))
    other = {"PROOF_BYTES": sp1["proof"], "public_values": sp1["publicValues"], "programVKey": sp1["vkey"]}
    assert read(other) == receipt("SP1 6.1.0")


@pytest.mark.parametrize("name", GROTH16)
def test_receipts_of_risc_zero_are_read(name: str) -> None:
    original = receipt(name)
    assert read(risc_zero_file(original, {"Pruned": words(original.image)})) == original


def test_an_image_may_be_said_by_the_state_before_the_run() -> None:
    original = receipt("RISC Zero 3.0")
    root = bytes(range(32))
    found = read(risc_zero_file(original, {"Value": {"pc": 0x20_0800, "merkle_root": words(root)}}))
    assert found is not None
    assert found.image == system_state(0x20_0800, root)


def test_an_image_may_be_left_out_if_it_is_asked_for() -> None:
    original = receipt("RISC Zero 3.0")
    pruned = risc_zero_file(original, {})
    pruned["inner"]["Groth16"]["claim"] = {"Pruned": [1] * 8}
    bare = {key: value for key, value in plain(original).items() if key != "image_id"}
    for document in (pruned, bare):
        assert read(document, original.image) == original
        with pytest.raises(Rejected, match="--image"):
            read(document)


def test_proofs_of_sp1_are_read() -> None:
    original = receipt("SP1 6.1.0")
    assert read(sp1_file(original)) == original


def sp1_saved(original: ForeignReceipt, tag: int = 3) -> bytes:
    """As `save` of the crate sp1-sdk writes it, with bincode."""

    def text(content: str) -> bytes:
        return len(content).to_bytes(8, "little") + content.encode()

    inputs = [str(int.from_bytes(original.image, "big")), "1", "0", "2", "0"]
    strings = b"".join(map(text, [*inputs, original.proof[4:].hex(), original.proof[100:].hex()]))
    digest = live_version(original.proof[:4]).digest
    journal = len(original.journal).to_bytes(8, "little") + original.journal
    return tag.to_bytes(4, "little") + strings + digest + journal + text("v6.1.0") + b"\0"


def test_files_that_sp1_saves_are_read() -> None:
    original = receipt("SP1 6.1.0")
    assert read_foreign(sp1_saved(original)) == original


@pytest.mark.parametrize("cut", [5, 12, 90, 900, 1_200, 1_500])
def test_a_saved_file_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(Rejected, match="copy the file again"):
        read_foreign(sp1_saved(receipt("SP1 6.1.0"))[:cut])


def test_a_saved_file_of_junk_is_refused() -> None:
    for junk in (b"\xff" * 400, bytes(400), bytes(range(256))):
        for head in (b"\2\0\0\0", b"\3\0\0\0"):
            with pytest.raises(Rejected):
                read_foreign(head + junk)


@pytest.mark.parametrize("name", names("live"))
def test_a_proof_of_another_program_than_asked_for_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(plain(receipt(name)), bytes(32))
    assert caught.value.reason is Reject.PROOF_IMAGE


@pytest.mark.parametrize(
    "document", [{}, [], 7, "text", {"format": "truestep receipt"}, {"proof": {"x": 1}}, {"journal": "00"}]
)
def test_other_files_are_left_to_others(document: Any) -> None:
    assert read(document) is None


def test_what_is_no_json_is_left_to_others() -> None:
    for text in (b"", b"\xff\xfe", b"{", b"[" * 100_000):
        assert read_foreign(text) is None


@pytest.mark.parametrize(
    ("inner", "advice"),
    [
        ({"Succinct": {}}, "ProverOpts::groth16"),
        ({"Composite": {}}, "ProverOpts::groth16"),
        ({"Fake": {}}, "RISC0_DEV_MODE"),
        ({"Stark": {}}, "give a file with a Groth16 proof"),
        ("Groth16", "give a file with a Groth16 proof"),
        (None, "give a file with a Groth16 proof"),
    ],
)
def test_other_kinds_of_receipts_say_what_to_ask_for(inner: Any, advice: str) -> None:
    with pytest.raises(Rejected, match=advice):
        read({"inner": inner, "journal": {"bytes": []}})


@pytest.mark.parametrize("kind", ["Core", "Compressed"])
def test_other_kinds_of_sp1_say_what_to_ask_for(kind: str) -> None:
    with pytest.raises(Rejected, match="groth16"):
        read({"proof": {kind: []}, "public_values": {"buffer": {"data": []}}})


def test_a_proof_of_the_mock_prover_is_refused() -> None:
    document = sp1_file(receipt("SP1 6.1.0"))
    document["proof"]["Groth16"]["encoded_proof"] = ""
    with pytest.raises(Rejected, match="mock prover"):
        read(document)


def test_plonk_is_named_when_it_is_checked() -> None:
    original = receipt("SP1 6.1.0")
    document = sp1_file(original)
    body = document["proof"].pop("Groth16")
    digest = "5a093a2f" + "00" * 28
    document["proof"]["Plonk"] = body | {"plonk_vkey_hash": list(bytes.fromhex(digest))}
    found = read(document)
    assert found is not None
    with pytest.raises(Rejected, match=r"SP1 6.1.0 \(PLONK\) are refused"):
        live_version(found.proof[:4])


BAD = [
    ("seal", "zz"),
    ("seal", [1, 256]),
    ("seal", [1, True]),
    ("seal", "0x123"),
    ("seal", "12 34"),
    ("seal", None),
    ("journal", 7),
    ("journal", {"bytes": [-1]}),
    ("image_id", "00"),
    ("image_id", [1, 2, 3]),
    ("image_id", [1 << 32] * 8),
    ("image_id", {}),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(Rejected, match=f"{field}: expected .* take it from the prover again") as caught:
        read(plain(receipt("RISC Zero 3.0")) | {field: value})
    assert caught.value.reason is Reject.RECEIPT_MALFORMED


@pytest.mark.parametrize("inputs", [None, [], [""], ["-1"], [str(1 << 256)], ["9" * 5000], ["²"], [[]]])
def test_wrong_inputs_of_sp1_are_named(inputs: Any) -> None:
    document = sp1_file(receipt("SP1 6.1.0"))
    document["proof"]["Groth16"]["public_inputs"] = inputs
    with pytest.raises(Rejected, match="public_inputs"):
        read(document)


def test_images_are_32_bytes_in_hexadecimal() -> None:
    assert parse_image("0x" + "ab" * 32) == b"\xab" * 32
    for text in ("", "0x", "ab", "g" * 64, "ab" * 33):
        with pytest.raises(Rejected):
            parse_image(text)
