"""Asks about the state of one block, so that a node without it fails instead of answering with old data."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from web3 import Web3

from truestep.adapters.chain.answers import quantity
from truestep.adapters.chain.codec import encode_function
from truestep.adapters.chain.connection import endpoints_of, refused
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.endpoints import HEAD_QUESTION, Question, StaleNode
from truestep.adapters.chain.outages import NoContract, NodeError
from truestep.adapters.chain.record_codec import View, view_parser
from truestep.base.ids import Address
from truestep.ports.chain import Head

FRESH_SECONDS = 4.0
"""The greatest age of a block that counts as the newest when the request for its state is sent."""

NOTHING = "0x"
"""What a call of an address without code gives. All functions of the contracts give more."""

AtBlock = Callable[[str], Question]
"""Makes a question about a block from its number in hex."""


class PinnedReader:
    """Asks several questions about the newest block at once; safe for several threads."""

    def __init__(self, web3: Web3, deployment: Deployment) -> None:
        self._web3 = web3
        self._endpoints = endpoints_of(web3)
        self._deployment = deployment

    def one(self, view: View, *, is_confirmed: bool = False) -> Any:
        """The value of one view. Raises `Rejected` if the contract refuses, `Unavailable`."""
        return given(self.views([view], is_confirmed=is_confirmed)[0])

    def views(self, views: Sequence[View], *, is_confirmed: bool = False) -> list[Any]:
        """The values of several views, or the `NodeError` of each that is refused."""
        return self.ask([self.view(view) for view in views], is_confirmed=is_confirmed)

    def ask(self, questions: Sequence[AtBlock], *, is_confirmed: bool = False) -> list[Any]:
        """Answers as of one block, the newest one; from two endpoints if `is_confirmed`.

        The block is guessed to be the newest one known, and the head is asked for along with the rest: most
        often that is one request. A newer block may come while a slow node answers. The answers are as fresh
        as any then, if the guess was not older when the request was sent than the time that it took.
        """
        ask = self._endpoints.confirm if is_confirmed else self._endpoints.ask_all
        board = self._endpoints.board
        head, age_seconds = board.best_head(), board.best_head_age_seconds()
        began_seconds = time.monotonic()
        if head is not None:
            try:
                now, *answers = ask([HEAD_QUESTION, *(make(hex(head.number)) for make in questions)])
            except StaleNode:
                now = None
            else:
                if isinstance(now, Head) and now.number == head.number and now.hash == head.hash:
                    return answers
                is_fresh = age_seconds <= min(time.monotonic() - began_seconds, FRESH_SECONDS)
                if isinstance(now, Head) and now.number > head.number >= board.own_block and is_fresh:
                    return answers
            head = now if isinstance(now, Head) and now.number > head.number else None
        number = (head or self._endpoints.head()).number
        return ask([make(hex(number)) for make in questions])

    def ask_at(self, number: int, questions: Sequence[AtBlock]) -> list[Any]:
        """Answers as of block `number`, or of the newest one with a transaction of our own if that is newer.

        They come from two endpoints. Whoever knows the block needs no question for the head.
        """
        block = hex(max(number, self._endpoints.board.own_block))
        return self._endpoints.confirm([make(block) for make in questions])

    def balance(self, account: Address) -> AtBlock:
        """Asks what is in a wallet."""
        return lambda block: Question(method="eth_getBalance", parameters=[account, block], parse=quantity)

    def view(self, view: View) -> AtBlock:
        """Asks a contract's function."""
        payload = encode_function(self._web3, view.contract, view.function, view.arguments)
        address = self._deployment.address(view.contract)
        message = {"to": address, "data": f"0x{payload.hex()}"}
        read = view_parser(self._web3, view)

        def parse(result: Any) -> Any:
            if result == NOTHING:
                raise NoContract(view.contract, address)
            return read(result)

        return lambda block: Question(method="eth_call", parameters=[message, block], parse=parse)


def given(answer: Any) -> Any:
    """The value that was asked for. Raises `Rejected` if the contract refuses it."""
    if isinstance(answer, NodeError):
        raise refused(answer)
    return answer
