"""Sealed content: bytes that only chosen keys can open, in chunks that are authenticated one by one.

X25519 wraps a content key for each recipient, ChaCha20-Poly1305 seals the chunks as a STREAM (Hoang,
Reyhanitabar, Rogaway, Vizár 2015): a chunk that was changed, moved, left out, added or taken from elsewhere
is found.

```
header  0   "truestep sealed"          15 bytes
       15   version, 1
       16   number of recipients n     big-endian
       18   ephemeral X25519 key       32 bytes
       50   commitment to the key      32 bytes
       82   wrapped content keys       48 bytes each, in no order that means anything
body        chunks                     65,536 bytes and a tag of 16; the last one may be shorter
```

Nothing in it says who the recipients are; their number and the size of the content are plain to see.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from truestep.base.errors import Reject, Rejected

KEY_SIZE_BYTES = 32
CHUNK_SIZE_BYTES = 1 << 16
RECIPIENT_LIMIT = 256
"""As many as tasks in a batch: nobody needs more operators for one input."""
SEALED_VERSION = 1

_MAGIC = b"truestep sealed" + bytes([SEALED_VERSION])
_PREFIX_BYTES = len(_MAGIC) + 2 + 2 * KEY_SIZE_BYTES
_TAG_BYTES = 16
_WRAPPED_BYTES = KEY_SIZE_BYTES + _TAG_BYTES
_NONCE_BYTES = 12
_WRAPPING, _CONTENT, _COMMITMENT, _ACCOUNT = (
    b"truestep sealed 1 " + word for word in (b"wrapping", b"content", b"commitment", b"account")
)
_KEY_TEXT = re.compile(r"x25519:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """The public key of somebody who can open what is sealed to it. `str` and `parse_key` are inverses."""

    public: bytes

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        if len(self.public) != KEY_SIZE_BYTES:
            raise Rejected(Reject.ENCRYPTION_KEY, f"expected 32 bytes, got {len(self.public)}")

    def __str__(self) -> str:
        return f"x25519:{self.public.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingSecrets:
    """Random bytes, 32 each, that are used for one content and never again."""

    ephemeral: bytes
    content_key: bytes


def parse_key(text: str) -> EncryptionKey:
    """The key that a text names. Raises Rejected for other text."""
    found = _KEY_TEXT.fullmatch(text)
    if not found:
        raise Rejected(
            Reject.ENCRYPTION_KEY, f"expected x25519: and 64 lower-case hex digits, got {text[:100]!r}"
        )
    return EncryptionKey(bytes.fromhex(found[1]))


def public_key(secret: bytes) -> EncryptionKey:
    """The public key of a secret key of 32 bytes."""
    return EncryptionKey(X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())


def account_secret(account_key: bytes, number: int = 0) -> bytes:
    """Secret key number `number` of an account, so that there is no other file to keep.

    It tells nothing about the account's key.
    """
    return _derived(account_key, b"", _ACCOUNT + number.to_bytes(4, "big"))


def sealed(
    pieces: Iterable[bytes], recipients: Sequence[EncryptionKey], secrets: SealingSecrets
) -> Iterator[bytes]:
    """The header, then the chunks: what only these recipients can open."""
    header = _header(recipients, secrets)
    yield header
    cipher, bound_to = _cipher(secrets.content_key, header)
    rest, number = bytearray(), 0
    for piece in pieces:
        rest += piece
        while len(rest) > CHUNK_SIZE_BYTES:  # the last chunk is full too, if the content fits
            yield cipher.encrypt(_nonce(number, is_last=False), bytes(rest[:CHUNK_SIZE_BYTES]), bound_to)
            del rest[:CHUNK_SIZE_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(rest), bound_to)


def opened(pieces: Iterable[bytes], secret: bytes) -> Iterator[bytes]:
    """The content, chunk by chunk: each is authentic, and all of it has come only when the iterator ends.

    Raises Rejected for other bytes and for content sealed to others, and names a chunk that was changed.
    """
    source, rest = iter(pieces), bytearray()
    _fill(rest, source, _PREFIX_BYTES)
    if bytes(rest[: len(_MAGIC)]) != _MAGIC or len(rest) < _PREFIX_BYTES:
        raise Rejected(
            Reject.SEALED_FORMAT, f"expected content sealed in version {SEALED_VERSION}, got other bytes"
        )
    count = int.from_bytes(rest[len(_MAGIC) : len(_MAGIC) + 2], "big")
    if not 1 <= count <= RECIPIENT_LIMIT:
        raise Rejected(Reject.SEALED_FORMAT, f"expected 1 to {RECIPIENT_LIMIT} recipients, got {count}")
    size_bytes = _PREFIX_BYTES + count * _WRAPPED_BYTES
    _fill(rest, source, size_bytes)
    if len(rest) < size_bytes:
        raise Rejected(Reject.SEALED_FORMAT, "it ends in its header; fetch it again")
    header = bytes(rest[:size_bytes])
    del rest[:size_bytes]
    cipher, bound_to = _cipher(_content_key(header, secret), header)
    number, is_last = 0, False
    while not is_last:
        _fill(rest, source, CHUNK_SIZE_BYTES + _TAG_BYTES + 1)
        is_last = len(rest) <= CHUNK_SIZE_BYTES + _TAG_BYTES
        chunk = bytes(rest[: CHUNK_SIZE_BYTES + _TAG_BYTES])
        try:
            content = cipher.decrypt(_nonce(number, is_last=is_last), chunk, bound_to)
        except InvalidTag as error:
            raise Rejected(
                Reject.SEALED_CHANGED,
                f"chunk {number} was changed, moved or cut; fetch it again, from another source",
            ) from error
        del rest[: len(chunk)]
        number += 1
        yield content


def _header(recipients: Sequence[EncryptionKey], secrets: SealingSecrets) -> bytes:
    if not 1 <= len(recipients) <= RECIPIENT_LIMIT:
        raise Rejected(
            Reject.ENCRYPTION_KEY, f"expected 1 to {RECIPIENT_LIMIT} recipients, got {len(recipients)}"
        )
    ephemeral = X25519PrivateKey.from_private_bytes(secrets.ephemeral)
    public = ephemeral.public_key().public_bytes_raw()
    wrapped = sorted(
        ChaCha20Poly1305(_wrapping_key(ephemeral, each.public, public, each.public)).encrypt(
            bytes(_NONCE_BYTES), secrets.content_key, None
        )
        for each in recipients
    )
    count = len(recipients).to_bytes(2, "big")
    return b"".join((_MAGIC, count, public, _commitment(secrets.content_key), *wrapped))


def _content_key(header: bytes, secret: bytes) -> bytes:
    """The key of the content, from whichever of the wrapped keys is for this secret."""
    start = len(_MAGIC) + 2
    ephemeral, commitment = (
        header[start : start + KEY_SIZE_BYTES],
        header[start + KEY_SIZE_BYTES : _PREFIX_BYTES],
    )
    private = X25519PrivateKey.from_private_bytes(secret)
    own = private.public_key().public_bytes_raw()
    wrapping = ChaCha20Poly1305(_wrapping_key(private, ephemeral, ephemeral, own))
    for place in range(_PREFIX_BYTES, len(header), _WRAPPED_BYTES):
        try:
            key = wrapping.decrypt(bytes(_NONCE_BYTES), header[place : place + _WRAPPED_BYTES], None)
        except InvalidTag:
            continue
        # Without this, a sender could make chunks that two recipients open to different content.
        if not hmac.compare_digest(_commitment(key), commitment):
            raise Rejected(Reject.SEALED_CHANGED, "its header promises another key than it holds")
        return key
    raise Rejected(Reject.SEALED_FOR_OTHERS, f"it cannot be opened with the key of {EncryptionKey(own)}")


def _wrapping_key(private: X25519PrivateKey, public: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:  # a point of small order: the shared secret would be known to all
        raise Rejected(Reject.ENCRYPTION_KEY, f"expected the key of somebody, got {public.hex()}") from error
    return _derived(shared, ephemeral + recipient, _WRAPPING)


def _cipher(content_key: bytes, header: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """The cipher of the chunks, and what each of them is bound to."""
    return ChaCha20Poly1305(_derived(content_key, b"", _CONTENT)), hashlib.sha256(header).digest()


def _commitment(content_key: bytes) -> bytes:
    return _derived(content_key, b"", _COMMITMENT)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_NONCE_BYTES - 1, "big") + bytes([is_last])


def _derived(key: bytes, salt: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE_BYTES, salt=salt, info=use).derive(key)


def _fill(rest: bytearray, source: Iterator[bytes], size_bytes: int) -> None:
    """Read on until `rest` has so many bytes, or the source ends."""
    while len(rest) < size_bytes:
        piece = next(source, None)
        if piece is None:
            return
        rest += piece
