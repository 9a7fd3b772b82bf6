"""The operations of those who have a token: bring a signed order, see what became of it, see what is left."""

import asyncio

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId
from truestep.base.text import visible
from truestep.base.units import coins
from truestep.client.costs import GAS_FACTOR, POST_GAS, Costs, refuse_poor
from truestep.client.signed_orders import ORDER_LIMIT_BYTES, SignedOrder, check_order
from truestep.dashboard.reading import Reading
from truestep.gateway import documents
from truestep.gateway.journal import BudgetUsedUp, OrderJournal, OrderRow, OrderStage, QueueFull
from truestep.gateway.operations import HEAVY, MEDIUM, Operation
from truestep.gateway.parameters import Text, Values
from truestep.gateway.problems import Refused, unavailable
from truestep.gateway.service import answered
from truestep.gateway.tokens import Token, Tokens
from truestep.gateway.work import Workbench
from truestep.ports.chain import Chain

ORDER = Text(name="order_id", what="the order, 64 hex digits", pattern=r"[0-9a-f]{64}")
BODY_SECONDS = 10.0
"""For the whole body of an order; a slower client has hung up, or does not want to be served."""
_SCHEME = "bearer "
_CLOSING = {"Connection": "close"}
"""Of a refusal before the body was read."""


class Orders:
    """Takes orders in."""

    def __init__(
        self, chain: Chain, reading: Reading, journal: OrderJournal, tokens: Tokens, deployment: Deployment
    ) -> None:
        self._chain = chain
        self._reading = reading
        self._journal = journal
        self._tokens = tokens
        self._deployment = deployment
        self._bench = Workbench()

    def operations(self) -> tuple[Operation, ...]:
        """All of them."""
        return (
            Operation(
                name="order",
                method="POST",
                path="/v1/orders",
                summary="What became of this order, which was brought before",
                handler=self._take,
                body=SignedOrder,
                answer=documents.OrderState,
                statuses=(200, 202),
                refusals=(402, 403, 408, 409, 413, 415, 422),
                needs_token=True,
                cost=HEAVY,
            ),
            Operation(
                name="order_state",
                path="/v1/orders/{order_id}",
                summary="How far an order is",
                handler=self._state,
                parameters=(ORDER,),
                answer=documents.OrderState,
                needs_token=True,
                cost=MEDIUM,
            ),
            Operation(
                name="budget",
                path="/v1/budget",
                summary="What the token may spend, and has spent",
                handler=self._budget,
                answer=documents.Budget,
                needs_token=True,
                cost=MEDIUM,
            ),
        )

    async def _take(self, request: Request, values: Values) -> Response:
        """1. Whose token is it? 2. Is it an order, for here? 3. May the token bring it? 4. Keep it."""
        del values
        token = self._token_of(request)  # 1.
        body = await _body_of(request)
        row, is_new = await self._bench.ask(lambda: self._taken(token, body))
        return answered(_state_of(row), "", 202 if is_new else 200)

    def _taken(self, token: Token, body: bytes) -> tuple[OrderRow, bool]:
        order = _order_in(body)  # 2.
        self._check(order)
        if order.requester.lower() not in token.signers:  # 3.
            raise Refused(
                403, f"expected an order of one of this token's signers, got one of {order.requester}"
            )
        known = self._journal.row(order.order_id)
        if known is None:
            known, is_new = self._kept(token, order)  # 4.
        else:
            is_new = False
        if known.token != token.name:
            raise Refused(409, "another token has brought this order; ask with that one")
        return known, is_new

    def _check(self, order: SignedOrder) -> None:
        with self._reading.lock:
            head, is_current = self._reading.head, not self._reading.trouble
        if head is None or not is_current:
            raise unavailable()
        if self._journal.row(order.order_id) is not None:
            return  # it was checked when it came first; by now it may be too late for a new one
        try:
            check_order(order, self._deployment, self._chain.account, head.time_seconds)
        except Rejected as error:
            status = 409 if error.reason is Reject.DEADLINE_BOUNDS else 403
            raise Refused(status, str(error), reason=error.reason.value) from error

    def _kept(self, token: Token, order: SignedOrder) -> tuple[OrderRow, bool]:
        try:
            refuse_poor(self._chain, Costs(sent_wei=(("of rewards", order.total_wei),), gas=POST_GAS), "post")
        except Rejected as error:
            if error.reason is not Reject.FUNDS_TOO_LOW:
                raise
            raise Refused(
                503, "the gateway's account has too few coins for it; its operator must send it some"
            ) from error
        gas_wei = GAS_FACTOR * POST_GAS * self._chain.gas_price_wei()
        row = OrderRow(
            order_id=order.order_id,
            token=token.name,
            text=order.model_dump_json(),
            counted_wei=order.total_wei + gas_wei,
        )
        try:
            return self._journal.take_in(row, token)
        except BudgetUsedUp as error:
            raise Refused(
                402,
                f"expected an order of at most {coins(error.left_wei)}, which is left of this token's budget,"
                f" got one of up to {coins(row.counted_wei)} with gas",
            ) from error
        except QueueFull as error:
            raise unavailable(60) from error

    async def _state(self, request: Request, values: Values) -> Response:
        token, order_id = self._token_of(request), values.text(ORDER)
        row = await self._bench.ask(lambda: self._journal.row(order_id))
        if row is None or row.token != token.name:
            raise Refused(404, "this token has brought no such order")
        return answered(_state_of(row, await self._bench.ask(lambda: self._place_of(row))), "")

    def _place_of(self, row: OrderRow) -> tuple[JobId, str] | None:
        """Where its job is now: a reorganisation gives it another number."""
        if row.stage is not OrderStage.POSTED:
            return None
        try:
            return find_in(self._reading, self._chain.account, SignedOrder.model_validate_json(row.text))
        except Unavailable:
            return None

    async def _budget(self, request: Request, values: Values) -> Response:
        del values
        token = self._token_of(request)
        spent_wei = await self._bench.ask(lambda: self._journal.spent_wei(token.name))
        found = documents.Budget(
            token=token.name,
            budget_wei=str(token.budget_wei),
            spent_wei=str(spent_wei),
            signers=sorted(token.signers),
        )
        return answered(found, "")

    def _token_of(self, request: Request) -> Token:
        header = request.headers.get("Authorization", "")
        is_bearer = header[: len(_SCHEME)].lower() == _SCHEME
        token = self._tokens.of(header[len(_SCHEME) :].strip()) if is_bearer else None
        if token is None:
            raise Refused(
                401,
                "expected a token of this gateway: Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer", **_CLOSING},
            )
        return token


def find_in(reading: Reading, account: str, order: SignedOrder) -> tuple[JobId, str] | None:
    """The job of an order that the account has posted already. Raises Unavailable if that cannot be known."""
    call = order.call()
    wanted = (
        account.lower(),
        *(call.program_id, call.seed, call.input_root, call.input_size, call.input_uri),
        *(call.shard_count, call.reward, call.lease_seconds, call.deadline),
    )
    with reading.lock:
        if reading.head is None or reading.trouble:
            raise Unavailable("the chain is not read to its head, so it is not known what was posted before")
        for job in reading.history.jobs.values():
            posted = job.posted
            said = (
                posted.requester.lower(),
                *(posted.program_id, posted.seed, posted.input_root, posted.input_size, posted.input_uri),
                *(posted.shard_count, posted.reward, posted.lease_seconds, posted.deadline),
            )
            if said == wanted:
                return posted.job_id, posted.at.transaction_hash.hex()
    return None


def _order_in(body: bytes) -> SignedOrder:
    try:
        return SignedOrder.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = visible(".".join(str(part) for part in first["loc"]) or "the body", limit=80)
        raise Refused(
            422, f"{where}: {visible(first['msg'], limit=200)}; /openapi.json has the form"
        ) from error


async def _body_of(request: Request) -> bytes:
    """The whole body. Raises Refused for another type, for more than an order, and for a slow client."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "expected Content-Type: application/json", headers=_CLOSING)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > ORDER_LIMIT_BYTES:
                    raise Refused(
                        413,
                        f"expected at most {ORDER_LIMIT_BYTES} bytes, which no order has",
                        headers=_CLOSING,
                    )
    except TimeoutError as error:
        raise Refused(408, "the order comes too slowly", headers=_CLOSING) from error
    except ClientDisconnect as error:
        raise Refused(400, "the client has hung up", headers=_CLOSING) from error
    return bytes(body)


def _state_of(row: OrderRow, place: tuple[JobId, str] | None = None) -> documents.OrderState:
    job_id, transaction_hash = place or (row.job_id, row.transaction_hash)
    return documents.OrderState(
        order_id=row.order_id,
        stage=row.stage.value,
        job_id=job_id,
        transaction_hash=transaction_hash,
        why=row.why,
        counted_wei=str(row.counted_wei),
    )
