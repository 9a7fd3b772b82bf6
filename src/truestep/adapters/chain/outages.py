"""The ways in which one endpoint can fail a request, and the errors of a node that are answers."""

import re
from dataclasses import dataclass, field
from typing import Any, cast

MANY_ATTEMPTS = 10
"""If 50 % of requests fail, one in a thousand is given up. The time limit usually comes first."""
FEW_ATTEMPTS = 3
"""Attempts for failures that rarely end within seconds, such as a dead port or a refused key."""
SEVERAL_ATTEMPTS = 5
"""Attempts where a faulty answer looks like a lasting trouble, of which a person should hear soon."""
SHOWN_CHARACTERS = 300
"""Characters shown of a node's text: enough for a reason, too few to flood the log."""


class Outage(Exception):
    """One endpoint failed one request. It or another one is asked again. Never leaves the adapter."""

    is_unsent = False
    """Whether the request certainly reached no node."""
    is_silent = False
    """Whether waiting for it costs time."""

    def __init__(self, said: str, *, attempts: int = MANY_ATTEMPTS, retry_after_seconds: float = 0.0) -> None:
        super().__init__(said)
        self.attempts = attempts
        self.retry_after_seconds = retry_after_seconds


class DeadEndpoint(Outage):
    """Nothing listens at the address, so the request did not reach a node."""

    is_unsent = True
    is_silent = True


class SilentEndpoint(Outage):
    """No answer came in time."""

    is_silent = True


class StaleEndpoint(Outage):
    """The endpoint does not have a block yet that others have."""


class WrongChain(Outage):
    """The endpoint is of another chain."""

    def __init__(self, said: str, chain_id: int) -> None:
        super().__init__(said, attempts=FEW_ATTEMPTS)
        self.chain_id = chain_id


class NoContract(Outage):
    """A contract's function gave nothing: there is no contract, or the node answers wrongly."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(
            f"it has no contract {name} at {address}: its chain was restarted, or it is not synchronised",
            attempts=SEVERAL_ATTEMPTS,
        )


class TooMuch(Exception):
    """The node refuses to answer this much at once: ask for less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeError:
    """An error that is an answer, such as a revert. Nodes word the same error differently."""

    code: int = field(compare=False)
    message: str = field(compare=False)
    output: str | None = None
    """What the EVM returned, in hex."""


def node_error(error: Any) -> NodeError:
    """A response's `error`, in any form."""
    fields: dict[str, Any] = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": error}
    code = fields.get("code")
    return NodeError(
        code=code if type(code) is int and abs(code) < 2**31 else 0,
        message=shown(fields.get("message", "")),
        output=_output(fields.get("data")),
    )


def shown(said: Any) -> str:
    """The text of somebody else, as one short printable line."""
    text = said if isinstance(said, str) else repr(said)[: 2 * SHOWN_CHARACTERS]
    text = text[:SHOWN_CHARACTERS]
    return "".join(character if character.isprintable() else " " for character in text)


_HEX = re.compile(r"0x[0-9a-fA-F]*")
_OUTPUT_CHARACTERS = 1 << 17


def _output(found: Any) -> str | None:
    """Nodes give a revert's output as hex, put it into a table, or write it behind the word `Reverted`."""
    if isinstance(found, dict):
        found = cast("dict[str, Any]", found).get("data")
    if not isinstance(found, str) or len(found) > _OUTPUT_CHARACTERS:
        return None
    matched = _HEX.fullmatch(found.removeprefix("Reverted "))
    return matched[0] if matched and len(matched[0]) % 2 == 0 else None


# --- which errors pass -----------------------------------------------------------------------------------

_EXECUTION = re.compile(
    r"revert|invalid opcode|stack (under|over)flow|out of gas|invalid jump", re.IGNORECASE
)
_STALE = re.compile(
    r"header not found|(unknown|no|missing) block|block\s?(not found|out of range|number out)|BlockOutOfRange"
    r"|no block found|missing trie node|header for hash not found|after last accepted block"
    r"|not yet (available|known)|beyond (current )?head|state .{0,60}not available|historical state",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"rate.?limit|too many requests|request limit|requests? per|compute units|capacity|throttl|quota|credits"
    r"|overloaded|\bbusy\b|try again|temporar|timed? ?out|unavailable|no (\w+ )?(backend|server|upstream)"
    r"|internal (server )?error|not (fully )?synced|is syncing|connection (refused|reset|closed)|bad gateway",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(
    r"more than [\d,]+ (results|logs|blocks)|too (many|large|big).{0,40}(result|log|block|range|response)"
    r"|(block|query|log).{0,20}range|range.{0,30}(large|limit|exceed|wide)|response size|limited to"
    r"|(result|response|log).{0,20}(limit|exceed|too)|exceed.{0,30}(range|result|response|log|block)",
    re.IGNORECASE,
)
BUSY_CODES = frozenset({429, -32005, -32016, -32029, -32097})
"""The codes that providers use for `too many requests`; EIP-1474 has -32005 for `limit exceeded`."""
_METHOD_NOT_FOUND = -32601
_EXECUTING = ("eth_call", "eth_estimateGas", "eth_sendRawTransaction", "eth_sendTransaction")
_OPTIONAL = ("eth_getBlockReceipts", "eth_feeHistory", "eth_maxPriorityFeePerGas", "web3_clientVersion")
"""Methods that not every node has."""


def is_revert(error: NodeError) -> bool:
    """Whether the EVM refused."""
    return error.code == 3 or _EXECUTION.search(error.message) is not None


def raise_if_passing(method: str, error: NodeError, *, is_read: bool) -> None:
    """Return if `error` is the node's answer; raise `Outage` or `TooMuch` if it is not."""
    said = f"{method}: error {error.code} {error.message}"
    if method in _EXECUTING and is_revert(error):
        return
    if method == "eth_getLogs" and _TOO_MUCH.search(error.message) and not _is_rate(error.message):
        raise TooMuch(said)
    if _STALE.search(error.message):
        raise StaleEndpoint(said)
    if error.code in BUSY_CODES or _BUSY.search(error.message):
        raise Outage(said)
    if is_read and not (method in _OPTIONAL and error.code == _METHOD_NOT_FOUND):
        raise Outage(said, attempts=FEW_ATTEMPTS)


def _is_rate(message: str) -> bool:
    return re.search(r"rate|requests|per second", message, re.IGNORECASE) is not None
