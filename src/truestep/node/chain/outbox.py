"""Doing what a role decided to send: at most once, and again with bounds if it was reverted."""

from truestep.base.errors import Reject, Rejected
from truestep.ports.chain import Chain, Outcome, Transaction
from truestep.ports.reporter import Reporter
from truestep.roles.actions import Send

TRIES = 4
"""So often is one deed sent that is always reverted: each time costs gas."""


class Outbox:
    """Sends, and reports every outcome once. Try number n of an intent is journaled as `intent#n`."""

    def __init__(self, chain: Chain, reporter: Reporter) -> None:
        self._chain = chain
        self._reporter = reporter
        self._tries: dict[str, int] = {}
        self._refusals: dict[str, Reject] = {}
        self._pending: frozenset[str] = frozenset()

    def refresh(self) -> frozenset[str]:
        """Look after what was sent; the intents that have no outcome yet."""
        transactions = self._chain.refresh()
        for transaction in transactions:
            self._report_outcome(transaction)
        pending = (transaction for transaction in transactions if transaction.outcome is Outcome.PENDING)
        self._pending = frozenset(_intent(transaction) for transaction in pending)
        return self._pending

    def do(self, send: Send) -> None:
        """Send, unless it is under way. After a refusal the role may ask again."""
        if send.intent in self._pending:
            return
        number = self._next_try(send.intent)
        if number is None:
            return
        is_new = self._chain.transaction(f"{send.intent}#{number}") is None
        try:
            transaction = self._chain.submit(send.call, intent=f"{send.intent}#{number}")
        except Rejected as error:
            self._report_refusal(send, error)
            return
        self._refusals.pop(send.intent, None)
        if is_new:
            self._report(f"{_kind(send.intent)}_sent", send.message, transaction)
            self._report_outcome(transaction)

    def _next_try(self, intent: str) -> int | None:
        """The number of the try to make or to look after; None if there were enough."""
        number = self._tries.get(intent, 0)
        while (known := self._chain.transaction(f"{intent}#{number}")) and known.outcome is Outcome.REVERTED:
            number += 1
        self._tries[intent] = number
        return number if number < TRIES else None

    def _report_outcome(self, transaction: Transaction) -> None:
        intent = _intent(transaction)
        if transaction.outcome is Outcome.CONFIRMED:
            self._report(f"{_kind(intent)}_landed", "is in a block", transaction)
        elif transaction.outcome is Outcome.REVERTED:
            self._report(f"{_kind(intent)}_reverted", f"was reverted: {transaction.reason}", transaction)

    def _report_refusal(self, send: Send, error: Rejected) -> None:
        if self._refusals.get(send.intent) is not error.reason:
            self._refusals[send.intent] = error.reason
            self._reporter.report(
                f"{_kind(send.intent)}_refused",
                f"{send.message}: {error}",
                intent=send.intent,
                reason=error.reason.value,
            )

    def _report(self, kind: str, message: str, transaction: Transaction) -> None:
        self._reporter.report(
            kind,
            message,
            intent=_intent(transaction),
            transaction_hash=f"0x{transaction.transaction_hash.hex()}",
            gas_used=transaction.gas_used,
            fee_wei=transaction.fee_wei,
        )


def _kind(intent: str) -> str:
    return intent.split("/", maxsplit=1)[0]


def _intent(transaction: Transaction) -> str:
    return transaction.intent.rpartition("#")[0]
