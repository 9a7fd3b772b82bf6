"""Tries the plan of a deployment without sending anything: its transactions, their gas, what they would cost.

1. Most nodes execute a call on a state with changes: each step is tried on one that has the code of the
   contracts that come before it. Their storage is empty there, which hardly any step of a plan minds.
2. Where a node cannot do that, or a step minds, a step that needs earlier ones is estimated from the sizes of
   its message and contract.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from web3 import Web3

from truestep.adapters.chain.account_node import AccountNode, given
from truestep.adapters.chain.answers import octets, quantity
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import endpoints_of
from truestep.adapters.chain.deploy import encode_step
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.fees import Offer, TransactionPolicy
from truestep.adapters.chain.journal import Entry
from truestep.adapters.chain.market import Market, least_gas
from truestep.adapters.chain.outages import NodeError
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.units import coins, coins_or_more
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.deployment.plan import Create, Invoke, Plan

DEPOSIT_GAS = 200
"""For each byte of deployed code (EIP-150)."""
WORD_GAS = 2
"""For each word of creation code (EIP-3860)."""
RUN_GAS = 150_000
"""More than any constructor or connection takes besides."""
PLENTY_WEI = 10**30
"""The balance in a simulation, which is about gas and not about coins."""
PROBE = Address("0x00000000000000000000000000000000DeaDBeef")
"""Has no code on any chain."""
_ANSWER_42 = bytes.fromhex("602a60005260206000f3")
"""PUSH1 42, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedStep:
    """One step of a plan."""

    title: str
    address: Address
    """Of the contract that is created or called."""
    size_bytes: int | None
    """Of the contract that is created, if truestep ships it."""
    gas: int
    is_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a deployment takes. `is_simulated`: the node has executed each step."""

    steps: tuple[TriedStep, ...]
    is_simulated: bool
    balance_wei: int
    price_wei: int
    """Of a unit of gas now."""
    offer: Offer

    @property
    def gas(self) -> int:
        """Of the steps that are not done."""
        return sum(step.gas for step in self.steps if not step.is_done)

    @property
    def cost_wei(self) -> int:
        """At the price now."""
        return self.gas * self.price_wei

    @property
    def needed_wei(self) -> int:
        """What the account must have, because the price may rise to the offered one."""
        return self.gas * self.offer.fee_cap_wei

    @property
    def missing_wei(self) -> int:
        """Coins that the account is short of."""
        return max(self.needed_wei - self.balance_wei, 0)


def try_plan(
    web3: Web3, account: Address, plan: Plan, policy: TransactionPolicy, done: Sequence[Entry | None] = ()
) -> Trial:
    """Try what is not done yet. Raises `Rejected` if a contract would refuse, `Unavailable`."""
    node = AccountNode(web3, account)
    offer, block = Market(node, account, policy).first_offer(is_urgent=False)
    balance, count = (
        given(each) for each in node.ask_all([node.balance_question(), node.count_question("pending")])
    )
    done = [*done, *[None] * (len(plan.steps) - len(done))]
    tries = _Tries(web3, account)
    addresses: dict[str, Address] = {}
    steps: list[TriedStep] = []
    for step, entry in zip(plan.steps, done, strict=True):
        nonce = count + sum(not each.is_done for each in steps)
        if isinstance(step, Create):
            created = created_address(account, nonce)
            addresses[step.contract] = Address(str(entry.contract)) if entry else created
        message = encode_step(web3, step, addresses.__getitem__)
        created = addresses[step.contract] if isinstance(step, Create) else None
        needs_storage = isinstance(step, Invoke) and step.needs_storage
        gas = entry.gas_used if entry else tries.gas(message, nonce, created, needs_storage=needs_storage)
        steps.append(
            TriedStep(
                title=step.title,
                address=addresses[step.contract],
                size_bytes=_size(step) if isinstance(step, Create) else None,
                gas=gas,
                is_done=entry is not None,
            )
        )
    return Trial(
        steps=tuple(steps),
        is_simulated=tries.is_simulating,
        balance_wei=balance,
        price_wei=block.base_fee_wei + offer.tip_wei,
        offer=offer,
    )


def refuse_poor(trial: Trial, account: Address) -> None:
    """Raise `Rejected` if the account cannot pay for what is left to do."""
    if trial.missing_wei:
        raise Rejected(
            Reject.FUNDS_TOO_LOW,
            f"{account} has {coins(trial.balance_wei)} and needs {coins(trial.needed_wei)} for"
            f" {trial.gas:,} gas at up to twice today's price; send it at least"
            f" {coins_or_more(trial.missing_wei)} more",
        )


def created_address(account: Address, nonce: int) -> Address:
    """The address of the contract that an account's transaction creates: keccak(rlp([account, nonce]))."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    short = number if nonce and nonce < 0x80 else bytes([0x80 + len(number)]) + number
    body = bytes([0x80 + 20]) + bytes.fromhex(account.removeprefix("0x")) + short
    digest = Web3.keccak(bytes([0xC0 + len(body)]) + body)
    return Address(Web3.to_checksum_address(digest[12:]))


class _Tries:
    """Tries messages one after another, each on a state with what the ones before have created."""

    def __init__(self, web3: Web3, account: Address) -> None:
        self._endpoints = endpoints_of(web3)
        self._account = account
        self._changes: dict[str, dict[str, str]] = {account: {"balance": hex(PLENTY_WEI)}}
        self.is_simulating = self._knows_changes()

    def gas(
        self, message: Message, nonce: int, created: Address | None, *, needs_storage: bool = False
    ) -> int:
        """What a message needs; `created` is the address of the contract that it creates."""
        if not self.is_simulating or needs_storage:
            return self._estimated(message)
        self._changes[self._account]["nonce"] = hex(nonce)
        request = self._request(message)
        gas = int(given(self._ask("eth_estimateGas", request, quantity)))
        if created is not None:
            code = bytes(given(self._ask("eth_call", request, octets)))
            self._changes[created] = {"code": f"0x{code.hex()}"}
        return gas

    def _knows_changes(self) -> bool:
        self._changes[PROBE] = {"code": f"0x{_ANSWER_42.hex()}"}
        try:
            answer = self._ask("eth_call", {"to": PROBE}, octets)
        except Unavailable:
            return False
        finally:
            del self._changes[PROBE]
        return not isinstance(answer, NodeError) and int.from_bytes(answer, "big") == 42

    def _estimated(self, message: Message) -> int:
        """What the node estimates, or what the sizes say where it lacks the contracts that come before."""
        at_most = least_gas(message) + RUN_GAS
        if message.to is not None:
            return at_most  # calls of addresses without code succeed, so an estimate means nothing
        question = Question(method="eth_estimateGas", parameters=[self._request(message)], parse=quantity)
        answer = self._endpoints.ask(question)
        if not isinstance(answer, NodeError):
            return int(answer)
        size_bytes = len(message.payload)
        return at_most + size_bytes // 32 * WORD_GAS + size_bytes * DEPOSIT_GAS

    def _ask(self, method: str, request: dict[str, str], parse: Callable[[Any], Any]) -> Any:
        question = Question(
            method=method, parameters=[request, "latest", self._changes], parse=parse, is_read=False
        )
        return self._endpoints.ask(question)

    def _request(self, message: Message) -> dict[str, str]:
        request = {"from": str(self._account), "data": f"0x{message.payload.hex()}"}
        return request if message.to is None else {**request, "to": str(message.to)}


def _size(step: Create) -> int | None:
    """Nobody has said of foreign code how much of it stays."""
    return load_artifact(step.contract).deployed_size_bytes if step.code is None else None
