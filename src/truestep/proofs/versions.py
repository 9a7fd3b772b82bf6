"""Versions of other proof systems that are known, from `known_versions.json`; only live ones are checked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from truestep.base.errors import Bug, Reject, Rejected
from truestep.proofs import risc_zero, sp1
from truestep.proofs.groth16 import Key, first_point, second_point

SELECTOR_SIZE_BYTES = 4
_FILE = resources.files("truestep.proofs") / "known_versions.json"


class System(StrEnum):
    """Whose proofs are understood."""

    RISC_ZERO = "RISC Zero"
    SP1 = "SP1"


class Kind(StrEnum):
    """What a proof consists of."""

    GROTH16 = "Groth16"
    SET = "set inclusion"
    PLONK = "PLONK"
    DEVELOPMENT = "development"


class State(StrEnum):
    """What is done with a version's proofs."""

    LIVE = "live"
    BROKEN = "broken"
    UNSUPPORTED = "unsupported"
    DEVELOPMENT = "development"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One published version. Fields that its kind does not have are empty."""

    system: System
    kind: Kind
    version: str
    selector: bytes
    state: State
    advisory: str
    reason: str
    """Why it is not live."""
    caution: str
    """What a proof of it does not say."""
    digest: bytes
    """Of key and circuits; the selector is its beginning."""
    control_root: bytes
    vk_root: bytes
    builder_id: bytes
    root_selector: bytes
    """Of a set: the version that proves roots."""

    @property
    def name(self) -> str:
        """As people say it."""
        kind = "set inclusion " if self.kind is Kind.SET else ""
        return f"{self.system.value} {kind}{self.version}" + (" (PLONK)" if self.kind is Kind.PLONK else "")


@cache
def known_versions() -> tuple[Version, ...]:
    """All of them."""
    return tuple(_version(entry) for entry in _document()["versions"])


def live_versions() -> tuple[Version, ...]:
    """Those whose proofs are checked."""
    return tuple(each for each in known_versions() if each.state is State.LIVE)


def live_version(selector: bytes) -> Version:
    """The live version with this selector. Raises Rejected, which names a refused one and says why."""
    for version in known_versions():
        if version.selector == selector:
            if version.state is not State.LIVE:
                raise Rejected(Reject.PROOF_VERSION, _refusal(version))
            return version
    raise Rejected(
        Reject.PROOF_SELECTOR,
        f"expected a selector of {_names(live_versions())}, got 0x{selector.hex()}, which no known version"
        " has; prove again with one of these",
    )


@cache
def risc_zero_key() -> tuple[Key, bytes]:
    """The verifying key of RISC Zero, the same for all live versions, and the id of its last circuit."""
    key = _document()["keys"]["RISC Zero"]
    points = {name: [int(word, 16) for word in key[name]] for name in ("alpha", "beta", "gamma", "delta")}
    return Key(
        alpha=first_point(points["alpha"]),
        beta=second_point(points["beta"]),
        gamma=second_point(points["gamma"]),
        delta=second_point(points["delta"]),
        inputs=tuple(first_point([int(word, 16) for word in point]) for point in key["inputs"]),
    ), bytes.fromhex(key["control_id"])


@cache
def sp1_key() -> sp1.KeyFile:
    """The verifying key of the live version of SP1."""
    return sp1.parse_key_file(bytes.fromhex(_document()["keys"]["SP1"]["file"]))


@cache
def require_published(version: Version) -> None:
    """Derive the digest of a live version from its constants again. Raises Bug if the file is not whole."""
    match version.kind:
        case Kind.SET:
            found = risc_zero.set_parameters(version.builder_id)
        case Kind.GROTH16 if version.system is System.RISC_ZERO:
            key, control_id = risc_zero_key()
            found = risc_zero.groth16_parameters(key, version.control_root, control_id)
        case _:
            found = sp1.verifier_hash(bytes.fromhex(_document()["keys"]["SP1"]["file"]))
    if found != version.digest or found[:SELECTOR_SIZE_BYTES] != version.selector:
        raise Bug(f"{version.name}: its constants make {found.hex()}, not {version.digest.hex()}")


def _refusal(version: Version) -> str:
    advisory = f" ({version.advisory})" if version.advisory else ""
    live = _names(each for each in live_versions() if each.system is version.system)
    advice = "" if version.state is State.UNSUPPORTED else f"; prove again with {live}"
    return f"proofs of {version.name} are refused{advisory}: {version.reason}{advice}"


def _names(versions: Iterable[Version]) -> str:
    return " or ".join(each.name for each in versions)


def _version(entry: dict[str, str]) -> Version:
    names = ("selector", "digest", "control_root", "vk_root", "builder_id", "root_selector")
    return Version(
        system=System(entry["system"]),
        kind=Kind(entry["kind"]),
        version=entry["version"],
        state=State(entry["state"]),
        advisory=entry["advisory"],
        reason=entry["reason"],
        caution=entry["caution"],
        **{name: bytes.fromhex(entry.get(name, "")) for name in names},
    )


@cache
def _document() -> dict[str, Any]:
    return json.loads(_FILE.read_text(encoding="utf-8"))
