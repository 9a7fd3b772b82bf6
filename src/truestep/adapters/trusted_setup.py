"""The trusted setup of Ethereum's KZG ceremony, which the package eth-account carries as a file."""

import hashlib
import os
import threading
from importlib.util import find_spec
from pathlib import Path

import ckzg

from truestep.base.errors import Unavailable
from truestep.commitments.kzg import Kzg

SETUP_SHA256 = "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"
"""Of the text file with both sets of G1 points, which c-kzg-4844 publishes too."""
PRECOMPUTE_LEVEL = 7
"""Halves the time of cell proofs, for 20 MiB and no longer start. Higher levels take memory and give little:
`python -m benchmarks.availability --levels`."""

_FILE = ("typed_transactions", "blob_transactions", "kzg_trusted_setup.txt")
_loading = threading.Lock()
_loaded: list[object] = []


def open_kzg() -> Kzg:
    """KZG under this process's setup, loaded (some three seconds) when it is first needed."""
    return Kzg(trusted_setup)


def trusted_setup() -> object:
    """The setup as the library holds it, one for all threads. Raises `Unavailable` if it cannot be read."""
    if not _loaded:
        with _loading:
            if not _loaded:
                _loaded.append(_load(setup_path()))
    return _loaded[0]


def setup_path() -> Path:
    """Where the setup's file is. The package is found, not imported: it takes a second to load."""
    found = find_spec("eth_account")
    if found is None or not found.submodule_search_locations:
        raise Unavailable("expected the package eth-account, which carries the KZG setup; install it again")
    return Path(found.submodule_search_locations[0]).joinpath(*_FILE)


def _load(path: Path) -> object:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != SETUP_SHA256:
            raise Unavailable(
                f"expected the KZG setup with SHA-256 {SETUP_SHA256} in {path}, got {digest};"
                " install eth-account again, at the version of the lock file"
            )
        return ckzg.load_trusted_setup(str(path), PRECOMPUTE_LEVEL)
    except (OSError, RuntimeError) as error:
        raise Unavailable(
            f"could not load the KZG setup from {path} ({error}); install eth-account again"
        ) from error


# Held across a fork: a child never starts with a lock that a thread of its parent was holding.
os.register_at_fork(
    before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
)
