"""Saves an in-process chain to a file, so that the demo's result can be checked after the demo has ended."""

import gzip
import json
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.files import write_file
from truestep.base.errors import Reject, Rejected

FILE_LIMIT_BYTES = 64 << 20
"""The chain of a demo has less than 1 MiB."""
_FORMAT = "truestep chain 1"


def write_chain_file(devnet: EmbeddedDevnet, path: Path) -> None:
    """Write the chain's database: blocks, receipts and state, by hash."""
    entries = {key.hex(): value.hex() for key, value in _database(_backend(devnet)).kv_store.items()}
    text = json.dumps({"format": _FORMAT, "entries": entries})
    write_file(path, gzip.compress(text.encode(), mtime=0))


def open_chain_file(path: Path) -> EmbeddedDevnet:
    """The chain in a file. Raises Rejected if it is not a chain file."""
    try:
        with gzip.open(path) as file:
            text = file.read(FILE_LIMIT_BYTES + 1)
        kept: dict[str, str] = from_json(text if len(text) <= FILE_LIMIT_BYTES else b"")["entries"]
        entries = {bytes.fromhex(key): bytes.fromhex(value) for key, value in kept.items()}
    except (gzip.BadGzipFile, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Rejected(
            Reject.CHAIN_FILE, f"expected a chain saved by `truestep demo` in {path}; or give --rpc a URL"
        ) from error
    devnet = EmbeddedDevnet()
    backend = _backend(devnet)
    backend.chain = type(backend.chain)(type(_database(backend))(entries))
    return devnet


def _backend(devnet: EmbeddedDevnet) -> Any:
    provider: Any = devnet.node
    return provider.ethereum_tester.backend


def _database(backend: Any) -> Any:
    """The key-value store in memory, below py-evm's layers."""
    return backend.chain.chaindb.db.wrapped_db
