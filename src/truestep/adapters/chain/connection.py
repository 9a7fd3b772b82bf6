"""Connects to nodes. Their failures become `Unavailable`, refusals of a contract become `Rejected`."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from web3 import Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception
from web3.providers.base import BaseProvider

from truestep.adapters.chain.endpoint import HttpEndpoint, LocalEndpoint
from truestep.adapters.chain.endpoints import Endpoints, Patience
from truestep.adapters.chain.outages import NodeError, is_revert, shown
from truestep.adapters.chain.provider import EndpointsProvider
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.ports.reporter import Reporter

Node = str | BaseProvider | Sequence[str | BaseProvider]
"""One or several URLs (or one string of them, separated by spaces), or providers such as the devnet's."""

_URL_PATH = re.compile(r"(\burl: |\bhttps?://)\S+")
ERROR_SELECTOR = bytes.fromhex("08c379a0")
"""The selector of Error(string), which a revert with a reason returns."""
REASON_LIMIT_BYTES = 300
"""The contracts' revert strings are shorter; those of others may contain anything."""


def connect(node: Node, reporter: Reporter | None = None, patience: Patience | None = None) -> Web3:
    """A connection to a node, or to several that stand in for each other; `reporter` hears how they do.

    Nothing is asked yet. Raises `Rejected` for what is no URL.
    """
    if isinstance(node, EndpointsProvider):
        return Web3(node)
    endpoints = [
        LocalEndpoint(one) if isinstance(one, BaseProvider) else HttpEndpoint(one) for one in _each(node)
    ]
    if not endpoints:
        raise Rejected(Reject.NODE_URL, "expected the URL of at least one node, got none")
    if patience is None and all(isinstance(one, LocalEndpoint) for one in endpoints):
        patience = Patience(backwards_seconds=0.0)
    return Web3(EndpointsProvider(Endpoints(endpoints, reporter, patience)))


def endpoints_of(web3: Web3) -> Endpoints:
    """The endpoints behind a connection; behind one that `connect` did not make, its provider alone."""
    if isinstance(web3.provider, EndpointsProvider):
        return web3.provider.endpoints
    return endpoints_of(connect(web3.provider))


def check_chain(web3: Web3, chain_id: int) -> None:
    """Refuse nodes of other chains, now and later."""
    endpoints_of(web3).expect_chain(chain_id)


@contextmanager
def asking_node() -> Generator[None]:
    """Turn the errors of a node into our three kinds of failure. Use it around calls of web3 only."""
    try:
        yield
    except (TransactionNotFound, Rejected, Unavailable, Bug):
        raise
    except ContractLogicError as error:
        raise reverted(revert_reason(error)) from error
    except Web3Exception as error:
        raise Unavailable(f"the node refused a request: {_shown(error)}; try another node") from error
    except OSError as error:
        raise Unavailable(
            f"the node does not answer: {_shown(error)}; check that it runs and that its URL is right"
        ) from error
    except Exception as error:  # web3's formatters may raise anything for an invalid answer
        raise Unavailable(
            f"the node's answer is invalid ({type(error).__name__}: {_shown(error)}); try another node"
        ) from error


def _each(node: Node) -> list[str | BaseProvider]:
    if isinstance(node, BaseProvider):
        return [node]
    several = [node] if isinstance(node, str) else node
    found: list[str | BaseProvider] = []
    for one in several:
        found += one.split() if isinstance(one, str) else [one]
    return list(dict.fromkeys(found))


def _shown(error: Exception) -> str:
    """The text of an error for logs, without paths and queries of URLs, which often contain a key."""
    return _URL_PATH.sub(r"\1…", shown(str(error)))


def refused(answer: NodeError) -> Rejected | Unavailable:
    """The failure for an error in place of a value."""
    if is_revert(answer):
        return reverted(_reason(_output_bytes(answer.output), answer.message))
    return Unavailable(f"the node refused a request: {answer.message}; try another node")


def revert_reason(error: ContractLogicError) -> str:
    """The contract's revert string; empty if it gave none."""
    return _reason(_output_bytes(error.data), error.message or "")


def reverted(reason: str, context: str = "") -> Rejected:
    """The failure for a revert string."""
    try:
        known = Reject(reason)
    except ValueError:
        said = f"the contract says {reason!r}" if reason else "the contract gave no reason"
        return Rejected(
            Reject.CALL_REVERTED, f"{said}{context}; check that the deployment file is up to date"
        )
    return Rejected(known, f"the contract refuses this call{context}")


def _reason(output: bytes, message: str) -> str:
    if output[:4] == ERROR_SELECTOR and len(output) >= 68:
        size_bytes = min(int.from_bytes(output[36:68], "big"), REASON_LIMIT_BYTES)
        return output[68 : 68 + size_bytes].decode("utf-8", "replace")
    return "" if output else message.removeprefix("execution reverted").lstrip(": ")


def _output_bytes(returned: Any) -> bytes:
    """Nodes return the revert output as hex, inside an object, or not at all."""
    if isinstance(returned, dict):
        returned = cast(dict[str, Any], returned).get("data", "")
    try:
        return bytes.fromhex(str(returned or "").removeprefix("0x"))
    except ValueError:
        return b""
