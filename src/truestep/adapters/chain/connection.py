"""Talking to a node: every failure of it becomes `Unavailable`, every refusal of a contract `Rejected`."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from web3 import Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception
from web3.providers.base import BaseProvider

from truestep.base.errors import Reject, Rejected, Unavailable

REQUEST_TIMEOUT_SECONDS = 20.0
"""A node that takes longer is as good as dead; the next tick tries again."""
_URL_PATH = re.compile(r"(\burl: |\bhttps?://)\S+")
ERROR_SELECTOR = bytes.fromhex("08c379a0")
"""Error(string), what a revert with a reason returns."""


def connect(node: str | BaseProvider) -> Web3:
    """A connection to a node by its HTTP URL, or through a provider such as the embedded devnet's."""
    if isinstance(node, BaseProvider):
        return Web3(node)
    return Web3(
        Web3.HTTPProvider(
            node,
            request_kwargs={"timeout": REQUEST_TIMEOUT_SECONDS},
            cache_allowed_requests=True,
            exception_retry_configuration=None,
        )
    )


def check_chain(web3: Web3, chain_id: int) -> None:
    """Refuse a node of another chain than the one expected."""
    with asking_node():
        actual = web3.eth.chain_id
    if actual != chain_id:
        raise Rejected(
            Reject.WRONG_CHAIN,
            f"expected chain id {chain_id}, as the deployment file says, but the node is of chain id"
            f" {actual}; give the URL of a node of that chain, or the deployment file of this one",
        )


@contextmanager
def asking_node() -> Generator[None]:
    """Turn what a node can do wrong into our three kinds of failure."""
    try:
        yield
    except ContractLogicError as error:
        raise reverted(revert_reason(error)) from error
    except TransactionNotFound:
        raise
    except Web3Exception as error:
        raise Unavailable(f"the node refused a request: {_shown(error)}; try another node") from error
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"the node does not answer: {_shown(error)}; check that it runs and that its URL is right"
        ) from error


def _shown(error: Exception) -> str:
    """What an error says, for logs: paths and queries of nodes' URLs often hold somebody's key."""
    return _URL_PATH.sub(r"\1…", str(error))


def revert_reason(error: ContractLogicError) -> str:
    """The contract's revert string; empty if it gave none."""
    output = _output_bytes(error.data)
    if output[:4] == ERROR_SELECTOR and len(output) >= 68:
        size_bytes = int.from_bytes(output[36:68], "big")
        return output[68 : 68 + size_bytes].decode("utf-8", "replace")
    return "" if output else (error.message or "").removeprefix("execution reverted").lstrip(": ")


def reverted(reason: str, context: str = "") -> Rejected:
    """The failure that a revert string stands for."""
    try:
        known = Reject(reason)
    except ValueError:
        said = f"the contract says {reason!r}" if reason else "the contract gave no reason"
        return Rejected(
            Reject.CALL_REVERTED, f"{said}{context}; check that the deployment file is up to date"
        )
    return Rejected(known, f"the contract refuses this call{context}")


def _output_bytes(returned: Any) -> bytes:
    """Nodes give the revert output as hex, or put it into a table, or leave it out."""
    if isinstance(returned, dict):
        returned = cast(dict[str, Any], returned).get("data", "")
    try:
        return bytes.fromhex(str(returned or "").removeprefix("0x"))
    except ValueError:
        return b""
