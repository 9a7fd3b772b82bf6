"""Inspects the contracts of a deployment: their code, their links, their rules.

1. The code at each address is the code that this version ships. Immutables stand behind the code; the hash
   leaves them out.
2. Each immutable and each answer is what the deployment file implies. With 1, that fixes all behaviour.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from web3 import Web3

from truestep.adapters.chain.answers import fields, octets, quantity, raw_log
from truestep.adapters.chain.codec import decode_output, encode_function
from truestep.adapters.chain.connection import endpoints_of
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.endpoints import Question
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.pinned import AtBlock, PinnedReader
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.deployment.plan import Answer, Fact, Fixed, OnlyNamed, resolved

ADDRESS_OFFSET = 12
"""An address is the end of its word."""
SHOWN_DIGITS = 12


class Subject(StrEnum):
    """What a finding is about."""

    CODE = "code"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: Subject
    contract: str
    title: str
    is_right: bool
    expected: str = ""
    found: str = ""


def inspect(web3: Web3, deployment: Deployment, facts: Sequence[Fact] | None = None) -> list[Finding]:
    """Everything that can be said about a deployment's contracts. Raises `Unavailable` if the node fails.

    `facts` are those that the file implies, unless the plan that was just carried out knows more.
    """
    facts = deployment.facts if facts is None else facts
    reader = PinnedReader(web3, deployment)
    names = deployment.contracts
    answers = [fact for fact in facts if isinstance(fact, Answer)]
    questions = [
        *(_code(deployment, name) for name in names),
        *(_answer(web3, deployment, a) for a in answers),
    ]
    found = reader.ask(questions)
    codes = dict(zip(names, (_octets(each) for each in found), strict=False))
    findings = [_code_finding(deployment, name, codes[name]) for name in names]
    findings += [
        _fixed_finding(deployment, fact, codes[fact.contract]) for fact in facts if isinstance(fact, Fixed)
    ]
    for fact, output in zip(answers, found[len(names) :], strict=True):
        findings.append(_answer_finding(web3, deployment, fact, output))
    findings += [_named_finding(web3, deployment, fact) for fact in facts if isinstance(fact, OnlyNamed)]
    return findings


def refuse_wrong(findings: Sequence[Finding], *, trusts_unknown_code: bool = False) -> list[str]:
    """Raise `Rejected` for the first thing that is wrong.

    Those who trust unknown code get a sentence for each contract whose code is unknown instead.
    """
    unknown = [each for each in findings if each.subject is Subject.CODE and not each.is_right]
    if unknown and not trusts_unknown_code:
        first = unknown[0]
        raise Rejected(
            Reject.UNKNOWN_CODE,
            f"{first.title}: expected {first.expected}, got {first.found}. Get the network's deployment file"
            " again, or install the version of truestep that it was deployed with; developers who changed the"
            " contracts pass --trust-unknown-code",
        )
    names = {each.contract for each in unknown}
    for each in findings:
        # Immutables cannot be found behind code that is unknown.
        if not each.is_right and each.contract not in names:
            raise Rejected(
                Reject.WIRING,
                f"{each.title}: expected {each.expected}, got {each.found}; the deployment file mixes"
                " contracts of several networks, or states other rules: get the network's file again",
            )
    return [f"the code of {each.title} is unknown, and trusted all the same" for each in unknown]


# --- questions ------------------------------------------------------------------------------------------


def _code(deployment: Deployment, contract: str) -> AtBlock:
    address = deployment.address(contract)
    return lambda block: Question(method="eth_getCode", parameters=[address, block], parse=octets)


def _answer(web3: Web3, deployment: Deployment, fact: Answer) -> AtBlock:
    arguments = [resolved(each, deployment.address) for each in fact.arguments]
    payload = encode_function(web3, fact.contract, fact.function, arguments)
    message = {"to": deployment.address(fact.contract), "data": f"0x{payload.hex()}"}
    return lambda block: Question(method="eth_call", parameters=[message, block], parse=octets)


def _octets(answer: Any) -> bytes:
    """The bytes of an answer; none if it is an error."""
    return b"" if isinstance(answer, NodeError) else bytes(answer)


# --- findings -------------------------------------------------------------------------------------------


def _code_finding(deployment: Deployment, contract: str, code: bytes) -> Finding:
    artifact = load_artifact(contract)
    digest = hashlib.sha256(code[: artifact.code_size_bytes]).hexdigest()
    is_right = len(code) == artifact.deployed_size_bytes and digest == artifact.code_sha256
    return Finding(
        subject=Subject.CODE,
        contract=contract,
        title=f"{contract} at {deployment.address(contract)}",
        is_right=is_right,
        expected=_code_words(artifact.deployed_size_bytes, artifact.code_sha256),
        found=_code_words(len(code), digest) if code else "no contract",
    )


def _code_words(size_bytes: int, digest: str) -> str:
    return f"{size_bytes:,} bytes of code with SHA-256 {digest[:SHOWN_DIGITS]}"


def _fixed_finding(deployment: Deployment, fact: Fixed, code: bytes) -> Finding:
    artifact = load_artifact(fact.contract)
    offset, length = artifact.immutables[fact.name]
    start = artifact.code_size_bytes + offset
    expected = resolved(fact.expected, deployment.address)
    is_address = isinstance(expected, str)
    word = code[start : start + length]
    return Finding(
        subject=Subject.LINK,
        contract=fact.contract,
        title=fact.title,
        is_right=word == _word(expected),
        expected=_shown(expected),
        found=_shown(_address(word) if is_address else _value(word, expected)),
    )


def _word(value: int | str | bytes) -> bytes:
    """A value as an immutable is stored."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return bytes(ADDRESS_OFFSET) + bytes.fromhex(value.removeprefix("0x"))
    return int(value).to_bytes(32, "big")


def _address(word: bytes) -> Address:
    return Address(Web3.to_checksum_address(word[ADDRESS_OFFSET:])) if len(word) == 32 else Address("nothing")


def _value(word: bytes, expected: int | bytes) -> int | bytes:
    return word if isinstance(expected, bytes) else int.from_bytes(word, "big")


def _answer_finding(web3: Web3, deployment: Deployment, fact: Answer, output: Any) -> Finding:
    expected: Any = resolved(fact.expected, deployment.address)
    try:
        found: Any = decode_output(web3, fact.contract, fact.function, _octets(output))
    except Exception:  # the decoder may raise anything for the bytes of another contract
        found = "no such answer"
    if isinstance(found, str) and Web3.is_address(found):
        found = Web3.to_checksum_address(found)
    return Finding(
        subject=Subject.LINK,
        contract=fact.contract,
        title=fact.title,
        is_right=found == expected,
        expected=_shown(expected),
        found=_shown(found),
    )


def _named_finding(web3: Web3, deployment: Deployment, fact: OnlyNamed) -> Finding:
    """Look at every event of the contract's kind since the block in which the contract was created."""
    address = deployment.address(fact.contract)
    expected = {deployment.address(each.contract).lower() for each in fact.expected}
    created = _creation_block(web3, deployment.operators_transaction, address)
    if created is None or created < deployment.block_number:
        found, why = set[str](), "a creation by another transaction, or before the file's first block"
    else:
        found = _named_by(web3, address, fact.event, deployment.block_number)
        why = ", ".join(sorted(found)) or "none"
    return Finding(
        subject=Subject.LINK,
        contract=fact.contract,
        title=fact.title,
        is_right=found == expected,
        expected=", ".join(sorted(expected)),
        found=why,
    )


def _creation_block(web3: Web3, transaction: str, address: Address) -> int | None:
    def parse(value: Any) -> int | None:
        receipt = fields(value or {})
        is_it = str(receipt.get("contractAddress")).lower() == address.lower()
        return quantity(receipt["blockNumber"]) if is_it else None

    question = Question(method="eth_getTransactionReceipt", parameters=[f"0x{transaction}"], parse=parse)
    answer = endpoints_of(web3).ask(question)
    return None if isinstance(answer, NodeError) else answer


def _named_by(web3: Web3, address: Address, event: str, first_block: int) -> set[str]:
    topic = f"0x{bytes(Web3.keccak(text=f'{event}(address)')).hex()}"
    filters = {"address": address, "topics": [topic], "fromBlock": hex(first_block), "toBlock": "latest"}

    def parse(value: Any) -> set[str]:
        logs = [raw_log(each) for each in value]
        return {_address((*log.topics, log.payload)[1]).lower() for log in logs}

    answer = endpoints_of(web3).ask(Question(method="eth_getLogs", parameters=[filters], parse=parse))
    return set() if isinstance(answer, NodeError) else answer


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes with SHA-256 {hashlib.sha256(value).hexdigest()[:SHOWN_DIGITS]}"
    return f"{value:,}" if type(value) is int else f"{value}"
