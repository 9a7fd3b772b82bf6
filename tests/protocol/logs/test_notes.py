"""Signed notes and checkpoints, with the notes of the specifications (C2SP, Go's sumdb)."""

from __future__ import annotations

import pytest

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.protocol.logs.notes import (
    Checkpoint,
    Note,
    Signature,
    VerifierKey,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    signed,
    verified_checkpoint,
)

C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = bytes(range(32))
CHECKPOINT = Checkpoint(origin="log.example/one", size=7, root=Bytes32(b"r" * 32))


def key() -> VerifierKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    return VerifierKey(name=CHECKPOINT.origin, public_key=public)


def note(*more: Signature) -> Note:
    own = signed(CHECKPOINT.text, CHECKPOINT.origin, SEED)
    return Note(text=CHECKPOINT.text, signatures=(*more, own))


def test_the_note_of_go() -> None:
    verifier = parse_verifier_key(GO_KEY)
    assert (verifier.name, verifier.text) == ("PeterNeumann", GO_KEY)
    found = parse_note(GO_NOTE.encode())
    assert verifier.verifies(found)
    assert found.content == GO_NOTE.encode()
    assert not verifier.verifies(Note(text=found.text.replace("you", "I"), signatures=found.signatures))


def test_the_checkpoint_of_the_specification() -> None:
    found = parse_note(C2SP_CHECKPOINT.encode())
    checkpoint = parse_checkpoint(found)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert Note(text=checkpoint.text, signatures=found.signatures).content == C2SP_CHECKPOINT.encode()


def test_signing_and_verifying_are_inverse() -> None:
    assert verified_checkpoint(note().content, key()) == CHECKPOINT
    assert parse_verifier_key(key().text) == key()


def test_signatures_of_strangers_are_ignored() -> None:
    strange = Signature(name="witness.example/w1", key_id=b"abcd", signature=b"\0" * 900)
    same_name = Signature(name=CHECKPOINT.origin, key_id=b"abcd", signature=b"\0" * 64)
    assert verified_checkpoint(note(strange, same_name).content, key()) == CHECKPOINT


def test_a_false_signature_of_the_log_refuses_the_note() -> None:
    false = Signature(name=CHECKPOINT.origin, key_id=key().key_id, signature=b"\0" * 64)
    for content in (note(false), Note(text=CHECKPOINT.text, signatures=(false,))):
        with pytest.raises(Rejected) as caught:
            verified_checkpoint(content.content, key())
        assert caught.value.reason is Reject.LOG_SIGNATURE


def test_a_checkpoint_of_another_log_is_refused_though_the_key_has_signed_it() -> None:
    other = Checkpoint(origin="log.example/two", size=7, root=CHECKPOINT.root)
    content = Note(text=other.text, signatures=(signed(other.text, CHECKPOINT.origin, SEED),)).content
    with pytest.raises(Rejected) as caught:
        verified_checkpoint(content, key())
    assert caught.value.reason is Reject.LOG_OTHER


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"text\n\n",
        b"text\n",
        "text\n\n\u2014 name\n".encode(),
        "text\n\n\u2014 name AAAA\n".encode(),
        "text\n\n\u2014 na+me AAAAAAA=\n".encode(),
        "text\n\n\u2014 name AAAAAAA\n".encode(),
        "text\n\n\u2014 name AAAAAAB=\n".encode(),
        "text\n\n\u2014 name AAAAAAA=".encode(),
        b"text\n\n- name AAAAAAA=\n",
        "te\rxt\n\n\u2014 name AAAAAAA=\n".encode(),
        b"\xff\n\n",
        b"a" * 70_000,
        ("text\n\n" + "\u2014 name AAAAAAA=\n" * 65).encode(),
    ],
)
def test_what_is_no_note_is_refused(content: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        parse_note(content)
    assert caught.value.reason is Reject.LOG_NOTE


@pytest.mark.parametrize(
    "text",
    [
        "origin\n7\n",
        "\n7\nAAAA\n",
        "origin\n07\nAAAA\n",
        "origin\n-7\nAAAA\n",
        "origin\n\u0667\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "origin\n7\nAAAA\n",
        "origin\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
        "two words\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_checkpoint(Note(text=text, signatures=()))
    assert caught.value.reason is Reject.LOG_NOTE


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", GO_KEY[:-4], GO_KEY.replace("c74f", "c74e"), "a+00000000+AAAA"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        parse_verifier_key(text)
