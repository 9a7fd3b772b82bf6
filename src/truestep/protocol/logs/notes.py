"""Signed notes and checkpoints (docs/logs.md L2): the forms of C2SP signed-note and tlog-checkpoint."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.protocol.logs.tree import SIZE_LIMIT

NOTE_LIMIT_BYTES = 64 * 1024
"""A checkpoint has some hundred bytes; signatures after the quantum computer have 5,000."""
SIGNATURES_LIMIT = 64
"""Of a note. Verifiers must take 16 (C2SP signed-note)."""
NAME_LIMIT_BYTES = 255
"""Of an origin, which is also the name of the log's key."""
KEY_ID_SIZE_BYTES = 4
ED25519 = b"\x01"
"""The type of an Ed25519 signature."""
_MARK = "\u2014 "
_NUMBER = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One line below a note: who signs, with which key, and the signature."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line with its end."""
        return f"{_MARK}{self.name} {b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and the signatures below it."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def content(self) -> bytes:
        """The note as its file."""
        return "".join([self.text, "\n", *(each.line for each in self.signatures)]).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log was: its name, its size and its root."""

    origin: str
    size: int
    root: Bytes32

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """The name and the Ed25519 key of a log, which its checkpoints are verified with."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that a signature names the key by."""
        return key_id(self.name, ED25519, self.public_key)

    @property
    def text(self) -> str:
        """The key as one word: name, key id and key, as Go's notes write it."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(ED25519 + self.public_key).decode()}"

    def verifies(self, note: Note) -> bool:
        """Whether the key has signed the note. A signature in its name that is false refuses the note."""
        found = [each for each in note.signatures if (each.name, each.key_id) == (self.name, self.key_id)]
        key = Ed25519PublicKey.from_public_bytes(self.public_key)
        for each in found:
            try:
                key.verify(each.signature, note.text.encode())
            except InvalidSignature:
                return False
        return bool(found)


def key_id(name: str, kind: bytes, public_key: bytes) -> bytes:
    """What a signature names a key by."""
    return sha256(name.encode() + b"\n" + kind + public_key).digest()[:KEY_ID_SIZE_BYTES]


def parse_verifier_key(text: str) -> VerifierKey:
    """The inverse of `VerifierKey.text`. Raises `Rejected`."""
    name, _, rest = text.strip().partition("+")
    hexadecimal, _, encoded = rest.partition("+")
    material = _base64(encoded, "a key")
    if len(material) != 33 or material[:1] != ED25519:
        raise _malformed("expected a key such as `NAME+1a2b3c4d+AY…`, of Ed25519")
    key = VerifierKey(name=checked_name(name), public_key=material[1:])
    if key.key_id.hex() != hexadecimal:
        raise _malformed(f"the key is of id {key.key_id.hex()}, and says {hexadecimal[:8]!r}")
    return key


def signed(text: str, name: str, private_key: bytes) -> Signature:
    """The Ed25519 signature of a text under the name of a key. `private_key` is its seed of 32 bytes."""
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    public_key = key.public_key().public_bytes_raw()
    own_id = VerifierKey(name=name, public_key=public_key).key_id
    return Signature(name=name, key_id=own_id, signature=key.sign(text.encode()))


def parse_note(content: bytes) -> Note:
    """Read a note. Raises `Rejected`; nothing of it may be believed before a key has verified it."""
    if len(content) > NOTE_LIMIT_BYTES:
        raise _malformed(f"expected at most {NOTE_LIMIT_BYTES:,} bytes, got {len(content):,}")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8 text") from None
    if any(character < " " and character != "\n" for character in text):
        raise _malformed("it has control characters")
    body, gap, below = text.rpartition("\n\n")
    if not gap or not below.endswith("\n"):
        raise _malformed("expected a text, an empty line and signatures below it")
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_LIMIT:
        raise _malformed(f"expected at most {SIGNATURES_LIMIT} signatures, got {len(lines)}")
    return Note(text=body + "\n", signatures=tuple(map(_parse_signature, lines)))


def parse_checkpoint(note: Note) -> Checkpoint:
    """What a note says of a log. Raises `Rejected`. Lines of extensions are signed, and nothing here."""
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise _malformed("expected an origin, a size and a root, a line each")
    origin, size, encoded = lines[:3]
    if not _NUMBER.fullmatch(size) or int(size) >= SIZE_LIMIT:
        raise _malformed(f"expected a size below 2^63, got {size[:30]!r}")
    root = _base64(encoded, "a root")
    if len(root) != 32:
        raise _malformed(f"expected a root of 32 bytes, got {len(root)}")
    return Checkpoint(origin=checked_name(origin), size=int(size), root=Bytes32(root))


def verified_checkpoint(content: bytes, key: VerifierKey, *, more: Sequence[str] = ()) -> Checkpoint:
    """The checkpoint of a log with this key. Raises `Rejected` unless it is signed, under this name.

    `more` are lines that are added to the message of a refusal.
    """
    note = parse_note(content)
    checkpoint = parse_checkpoint(note)
    advice = " ".join(more)
    if checkpoint.origin != key.name:
        raise Rejected(
            Reject.LOG_OTHER,
            f"expected a checkpoint of {key.name!r}, got one of {checkpoint.origin!r}. {advice}".rstrip(),
        )
    if not key.verifies(note):
        raise Rejected(
            Reject.LOG_SIGNATURE, f"the key {key.text} has not signed this checkpoint. {advice}".rstrip()
        )
    return checkpoint


def checked_name(name: str) -> str:
    """A name of a key or a log. Raises `Rejected`."""
    if not name or len(name.encode()) > NAME_LIMIT_BYTES or "+" in name or any(map(str.isspace, name)):
        raise _malformed(
            f"expected a name of 1 to {NAME_LIMIT_BYTES} bytes without spaces and plus signs, got"
            f" {name[:40]!r}"
        )
    return name


def _parse_signature(line: str) -> Signature:
    words = line.removeprefix(_MARK).split(" ")
    if not line.startswith(_MARK) or len(words) != 2:
        raise _malformed(f"expected a signature `\u2014 NAME BASE64`, got {line[:40]!r}")
    content = _base64(words[1], "a signature")
    if len(content) <= KEY_ID_SIZE_BYTES:
        raise _malformed(f"expected a signature of more than {KEY_ID_SIZE_BYTES} bytes")
    name = checked_name(words[0])
    return Signature(name=name, key_id=content[:KEY_ID_SIZE_BYTES], signature=content[KEY_ID_SIZE_BYTES:])


def _base64(text: str, what: str) -> bytes:
    try:
        content = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise _malformed(f"expected {what} in base64, got {text[:40]!r}") from None
    if b64encode(content).decode() != text:  # there is one way to write it
        raise _malformed(f"expected {what} in base64, got {text[:40]!r}")
    return content


def _malformed(why: str) -> Rejected:
    return Rejected(Reject.LOG_NOTE, why)
