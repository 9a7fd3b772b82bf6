"""The contract that checks proofs of one circuit: a template of its size, filled with its key (C7)."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from truestep.circuits.errors import CircuitError
from truestep.circuits.poseidon import FIELD_ORDER
from truestep.circuits.reference import PUBLIC_INPUTS, STATED_PUBLIC_INPUTS
from truestep.circuits.setup_key import BASE_FIELD_ORDER, SECRET_POINTS, KeyName
from truestep.commitments.keccak import keccak256

TEMPLATES_FILE = Path(__file__).parent / "artifacts" / "verifiers.json"
KEY_POINTS = 28
KEY_BYTES = (3 + 2 * KEY_POINTS) * 32
_PAIRING_WORDS = 8
"""The prover adds two points to the public inputs, as limbs."""
_FIRST_PUBLIC_ROW = 5
VERIFY_SELECTOR = keccak256(b"verify(bytes,bytes32[])")[:4]


FAMILIES = (PUBLIC_INPUTS, STATED_PUBLIC_INPUTS)
"""The numbers of public inputs that circuits have (C4)."""


def key_header(log_size: int, public_count: int = PUBLIC_INPUTS) -> tuple[int, int, int]:
    """What a verification key begins with."""
    return log_size, public_count + _PAIRING_WORDS, _FIRST_PUBLIC_ROW


def template_name(log_size: int, public_count: int) -> str:
    """Which template a circuit's verifier is made of."""
    return f"{log_size}" if public_count == PUBLIC_INPUTS else f"{log_size}-{public_count}"


def key_words(key: bytes) -> list[bytes]:
    """The coordinates of the key's points."""
    return [key[start : start + 32] for start in range(96, len(key), 32)]


def key_hash(key: bytes) -> bytes:
    """What a proof's challenges begin with: the key's Keccak, as an element of the field."""
    return (int.from_bytes(keccak256(key), "big") % FIELD_ORDER).to_bytes(32, "big")


def key_digest(key: bytes) -> bytes:
    """The name of a circuit: Keccak-256 of its verification key."""
    return keccak256(key)


def verifier_code(key: bytes, name: KeyName) -> bytes:
    """The code that deploys the verifier of a circuit. Raises `CircuitError` if the key is malformed."""
    template = _template(key)
    code = bytearray.fromhex(template["bytecode"])
    words = [*key_words(key), key_hash(key), *(word.to_bytes(32, "big") for word in SECRET_POINTS[name])]
    places = [*template["key_places"], template["hash_place"], *template["secret_places"]]
    for place, word in zip(places, words, strict=True):
        code[place : place + 32] = word
    return bytes(code)


def deployed_code(key: bytes, name: KeyName) -> bytes:
    """The code that a deployed verifier has."""
    return verifier_code(key, name)[_template(key)["deployed_from"] :]


def key_of(deployed: bytes, key: bytes) -> KeyName | None:
    """Which key a deployed verifier of this circuit takes proofs of; None if it is another contract."""
    return next((name for name in KeyName if deployed_code(key, name) == deployed), None)


def key_in(deployed: bytes) -> tuple[bytes, KeyName] | None:
    """The verification key that a deployed verifier's code holds, and the set-up that it believes.

    None if it is no code of our templates.
    """
    for name, template in _templates().items():
        log_size, _, count = name.partition("-")
        start = template["deployed_from"]
        places = [place - start for place in template["key_places"]]
        if len(deployed) < max(places) + 32:
            continue
        header = key_header(int(log_size), int(count or PUBLIC_INPUTS))
        words = b"".join(deployed[place : place + 32] for place in places)
        key = b"".join(word.to_bytes(32, "big") for word in header) + words
        found = _believed_in(deployed, key)
        if found is not None:
            return key, found
    return None


def _believed_in(deployed: bytes, key: bytes) -> KeyName | None:
    try:
        return key_of(deployed, key)
    except CircuitError:  # what lies at the places of another template is no key
        return None


def check_key(key: bytes) -> int:
    """The logarithm of the circuit's size. Raises `CircuitError` if this is no key of our circuits."""
    if len(key) != KEY_BYTES:
        raise CircuitError(f"expected a verification key of {KEY_BYTES} bytes; got {len(key)}")
    header = tuple(int.from_bytes(key[start : start + 32], "big") for start in (0, 32, 64))
    public_count = header[1] - _PAIRING_WORDS
    is_known = public_count in FAMILIES and template_name(header[0], public_count) in _templates()
    if not is_known or header != key_header(header[0], public_count):
        sizes = sorted(int(name) for name in _templates() if name.isdecimal())
        raise CircuitError(
            f"expected a verification key of a circuit of 2^{sizes[0]} to 2^{sizes[-1]} gates with"
            f" {PUBLIC_INPUTS} public inputs, or of a smaller one with {STATED_PUBLIC_INPUTS}; got {header}"
        )
    for x, y in zip(key_words(key)[::2], key_words(key)[1::2], strict=True):
        _check_point(int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    return header[0]


def _check_point(x: int, y: int) -> None:
    """(0, 0) is the point at infinity, as in the precompiles."""
    is_on_curve = max(x, y) < BASE_FIELD_ORDER and (y * y - x * x * x - 3) % BASE_FIELD_ORDER == 0
    if not is_on_curve and (x, y) != (0, 0):
        raise CircuitError("the verification key has a point that is not on the curve")


def verify_call(proof: bytes, public: tuple[int, ...]) -> bytes:
    """The call data of `verify(bytes,bytes32[])`."""
    padded = proof + bytes(-len(proof) % 32)
    words = [0x40, 0x60 + len(padded), len(proof)]
    head = b"".join(word.to_bytes(32, "big") for word in words)
    tail = b"".join(word.to_bytes(32, "big") for word in (len(public), *public))
    return VERIFY_SELECTOR + head + padded + tail


def _template(key: bytes) -> dict[str, Any]:
    log_size = check_key(key)
    public_count = int.from_bytes(key[32:64], "big") - _PAIRING_WORDS
    return _templates()[template_name(log_size, public_count)]


@cache
def _templates() -> dict[str, Any]:
    return json.loads(TEMPLATES_FILE.read_text("utf-8"))["verifiers"]
