"""The provider through which web3 uses the endpoints. Every answer is checked before web3 sees it."""

from collections.abc import Sequence
from typing import Any, cast

from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from truestep.adapters.chain.answers import check_answer
from truestep.adapters.chain.endpoints import UNANSWERED, Endpoints, Question, View
from truestep.adapters.chain.outages import NodeError, TooMuch
from truestep.base.errors import Unavailable

_SEND = "eth_sendRawTransaction"
_UNREPEATABLE = ("eth_sendTransaction", "evm_", "anvil_", "hardhat_", "personal_", "miner_", "debug_")
"""Requests that must not be repeated."""
_NOT_READS = (_SEND, "eth_sendTransaction", "eth_estimateGas", "eth_call")
"""Requests for which an unknown error is more likely the chain's answer than a fault of the node."""
_UNSURE_WHEN_NULL = ("eth_getTransactionReceipt", "eth_getTransactionByHash")
"""Requests to which one node may not have the answer yet that another has."""


class EndpointsProvider(BaseProvider):
    """Satisfies web3's provider: raises `Unavailable`, and returns errors only where they are answers."""

    def __init__(self, endpoints: Endpoints) -> None:
        super().__init__(cache_allowed_requests=False)
        self.endpoints = endpoints

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One JSON-RPC request."""
        name, parameters = str(method), cast("Sequence[Any]", params or ())
        try:
            answer = self._answer(_question(name, parameters))
        except TooMuch as error:
            raise Unavailable(
                f"the node refuses to answer this much at once: {error}; ask for less"
            ) from None
        if isinstance(answer, NodeError):
            error = {"code": answer.code, "message": answer.message}
            return cast(
                "RPCResponse",
                {
                    "jsonrpc": "2.0",
                    "id": 1,
                    "error": error | ({} if answer.output is None else {"data": answer.output}),
                },
            )
        return {"jsonrpc": "2.0", "id": 1, "result": answer}

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Whether an endpoint answers now, at the first try."""
        for one in self.endpoints.board.ranked():
            if isinstance(self.endpoints.opinion([_question("web3_clientVersion", [])], one), View):
                return True
        if show_traceback:
            raise Unavailable("no endpoint answers; check that the node runs and that its URL is right")
        return False

    def _answer(self, question: Question) -> Any:
        endpoints = self.endpoints
        others = endpoints.board.healthy()[1:2]
        if question.method == _SEND and others:
            # A node may take a transaction and not pass it on.
            endpoints.beside(others[0], [question])
        answer = endpoints.ask(question)
        if answer is None and question.method in _UNSURE_WHEN_NULL and others:
            view = endpoints.opinion([question], others[0])
            known: Any = view.answers[0] if view else None
            return None if isinstance(known, NodeError) or known is UNANSWERED else known
        return answer


def _question(method: str, parameters: Sequence[Any]) -> Question:
    def checked(result: Any) -> Any:
        check_answer(method, parameters, result)
        return result

    return Question(
        method=method,
        parameters=parameters,
        parse=checked,
        is_read=method not in _NOT_READS,
        is_repeatable=not method.startswith(_UNREPEATABLE),
    )
