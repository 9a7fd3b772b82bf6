"""Sealed content: opened by its recipients alone, and every change of it found."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.availability.items import HashingKzg
from truestep.availability import sealing
from truestep.availability.encoding import Encoder, range_tree
from truestep.availability.sealing import (
    CHUNK_SIZE_BYTES,
    EncryptionKey,
    SealingSecrets,
    account_secret,
    opened,
    parse_key,
    public_key,
    sealed,
)
from truestep.base.errors import Reject, Rejected
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs

ALICE, BOB, EVE = (bytes([number]) * 32 for number in (1, 2, 3))
SECRETS = SealingSecrets(ephemeral=b"e" * 32, content_key=b"k" * 32)
FULL = CHUNK_SIZE_BYTES + 16
CONTENTS = st.builds(
    lambda size, seed: random.Random(seed).randbytes(size),
    st.one_of(
        st.integers(0, 200),
        st.sampled_from([CHUNK_SIZE_BYTES * n + d for n in (1, 2, 3) for d in (-1, 0, 1)]),
    ),
    st.integers(),
)


def seal(content: bytes, *secrets: bytes, by: SealingSecrets = SECRETS) -> bytes:
    return b"".join(sealed([content], [public_key(secret) for secret in secrets or (ALICE,)], by))


def unseal(content: bytes, secret: bytes = ALICE) -> bytes:
    return b"".join(opened([content], secret))


def cut(content: bytes, seed: int) -> list[bytes]:
    places = sorted(random.Random(seed).choices(range(len(content) + 1), k=6))
    return [content[start:end] for start, end in pairwise([0, *places, len(content)])]


def chunks_of(content: bytes, recipient_count: int = 1) -> tuple[bytes, list[bytes]]:
    start = 82 + 48 * recipient_count
    return content[:start], [content[i : i + FULL] for i in range(start, len(content), FULL)]


@given(CONTENTS, st.integers(1, 4), st.integers())
@settings(max_examples=40)
def test_each_recipient_opens_it_and_nobody_else(content: bytes, count: int, seed: int) -> None:
    secrets = [bytes([9, number]) * 16 for number in range(count)]
    text = b"".join(sealed(cut(content, seed), [public_key(each) for each in secrets], SECRETS))
    assert text == seal(content, *secrets)
    assert len(text) == 82 + 48 * count + len(content) + 16 * max(1, -(-len(content) // CHUNK_SIZE_BYTES))
    for secret in secrets:
        assert b"".join(opened(cut(text, seed), secret)) == content
    with pytest.raises(Rejected) as caught:
        unseal(text, EVE)
    assert caught.value.reason == Reject.SEALED_FOR_OTHERS


@given(st.integers(0, 2**32), st.sampled_from([0, 10, CHUNK_SIZE_BYTES, CHUNK_SIZE_BYTES + 5]))
@settings(max_examples=60)
def test_no_changed_bit_passes(seed: int, size: int) -> None:
    rng = random.Random(seed)
    text = bytearray(seal(rng.randbytes(size)))
    text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    with pytest.raises(Rejected):
        unseal(bytes(text))


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_no_cut_and_no_addition_passes(seed: int) -> None:
    rng = random.Random(seed)
    text = seal(rng.randbytes(rng.choice([5, CHUNK_SIZE_BYTES, 2 * CHUNK_SIZE_BYTES])))
    for changed in (text[: rng.randrange(len(text))], text[:-FULL], text + b"\0", text + text[-FULL:]):
        with pytest.raises(Rejected):
            unseal(changed)


def test_chunks_cannot_be_moved_left_out_or_mixed() -> None:
    header, chunks = chunks_of(seal(bytes(4 * CHUNK_SIZE_BYTES)))
    other = SealingSecrets(ephemeral=b"f" * 32, content_key=b"k" * 32)
    header_of_other, others = chunks_of(seal(bytes(4 * CHUNK_SIZE_BYTES), by=other))
    assert unseal(header + b"".join(chunks)) == bytes(4 * CHUNK_SIZE_BYTES)
    for wrong, at in (
        ([chunks[1], chunks[0], *chunks[2:]], 0),
        ([chunks[0], *chunks[2:]], 1),
        ([*chunks[:3], chunks[2], chunks[3]], 3),
        (chunks[:3], 2),
        ([*chunks, chunks[3]], 3),
        ([chunks[0], others[1], *chunks[2:]], 1),
        (others, 0),
    ):
        with pytest.raises(Rejected, match=f"chunk {at} was changed") as caught:
            unseal(header + b"".join(wrong))
        assert caught.value.reason == Reject.SEALED_CHANGED
    with pytest.raises(Rejected, match="chunk 0"):
        unseal(header_of_other + b"".join(chunks))


def test_what_comes_before_a_wrong_chunk_is_authentic() -> None:
    header, chunks = chunks_of(seal(b"a" * CHUNK_SIZE_BYTES * 2))
    pieces = opened([header, chunks[0], bytes(len(chunks[1]))], ALICE)
    assert next(pieces) == b"a" * CHUNK_SIZE_BYTES
    with pytest.raises(Rejected, match="chunk 1"):
        next(pieces)


def test_two_recipients_cannot_be_given_different_content() -> None:
    """Of two content keys in a header, the one that it does not promise is refused."""
    text = seal(b"true", ALICE)
    other = SealingSecrets(ephemeral=SECRETS.ephemeral, content_key=b"l" * 32)
    for_bob = seal(b"other", BOB, by=other)[82:130]
    forged = bytearray(text[:130] + for_bob + text[130:])
    forged[16:18] = (2).to_bytes(2, "big")
    with pytest.raises(Rejected, match="promises another key") as caught:
        unseal(bytes(forged), BOB)
    assert caught.value.reason == Reject.SEALED_CHANGED


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"truestep sealed",
        bytes(500),
        b"truestep sealed\2" + bytes(500),
        b"truestep sealed\1" + bytes(500),
        b"truestep sealed\1" + (257).to_bytes(2, "big") + bytes(20_000),
        seal(b"x")[:100],
    ],
)
def test_other_bytes_are_refused(text: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        unseal(text)
    assert caught.value.reason == Reject.SEALED_FORMAT


def test_keys_of_small_order_are_refused() -> None:
    for public in (bytes(32), (1).to_bytes(32, "little")):
        with pytest.raises(Rejected, match="the key of somebody") as caught:
            list(sealed([b""], [EncryptionKey(public)], SECRETS))
        assert caught.value.reason == Reject.ENCRYPTION_KEY
        text = bytearray(seal(b""))
        text[18:50] = public
        with pytest.raises(Rejected, match="the key of somebody"):
            unseal(bytes(text))


def test_keys_have_a_text() -> None:
    key = public_key(ALICE)
    assert parse_key(str(key)) == key
    for text in ("", str(key).upper(), str(key) + "0", "x25519:", f"{key}\n", "ed25519:" + "00" * 32):
        with pytest.raises(Rejected) as caught:
            parse_key(text)
        assert caught.value.reason == Reject.ENCRYPTION_KEY
    with pytest.raises(Rejected, match="expected 32 bytes"):
        EncryptionKey(b"")
    for recipients in ([], [key] * 257):
        with pytest.raises(Rejected, match="1 to 256 recipients"):
            list(sealed([b""], recipients, SECRETS))


def test_an_account_has_keys_by_number() -> None:
    secrets = {account_secret(account, number) for account in (ALICE, BOB) for number in (0, 1)}
    assert len(secrets) == 4
    assert all(len(each) == 32 for each in secrets)
    assert account_secret(ALICE) == account_secret(ALICE, 0)


def test_the_chunks_are_the_cipher_of_the_standard() -> None:
    """The second chunk, by hand."""
    header, chunks = chunks_of(seal(b"a" * CHUNK_SIZE_BYTES + b"b"))
    key = sealing._derived(SECRETS.content_key, b"", b"truestep sealed 1 content")
    nonce = (1).to_bytes(11, "big") + b"\1"
    assert ChaCha20Poly1305(key).decrypt(nonce, chunks[1], sealing.hashlib.sha256(header).digest()) == b"b"


def test_sealed_content_is_an_item_of_its_own() -> None:
    """The commitment is to the sealed bytes: keepers check and keep them without a key."""
    encoder = Encoder(HashingKzg(), hash_many_pairs, makes_cells=False)
    text = seal(bytes(200_000), ALICE, BOB)
    assert (
        len(
            [
                *encoder.blobs(
                    [range_tree(sealed([bytes(200_000)], [*map(public_key, (ALICE, BOB))], SECRETS))]
                )
            ]
        )
        == 2
    )
    assert encoder.manifest().parts[0].root == root_of_bytes(text, 24, hash_many_pairs)
