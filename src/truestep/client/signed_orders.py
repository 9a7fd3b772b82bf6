"""Orders that a requester signs and a gateway posts (docs/gateway.md)."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from truestep.adapters.addresses import with_checksum
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.documents import AddressText, Hex32
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32, ProgramId
from truestep.client import typed_data
from truestep.client.orders import Order
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import INPUT_LIMIT_BYTES
from truestep.machine.program import Task
from truestep.ports.blobs import Blobs
from truestep.protocol.calls import NATIVE, NOBODY, PostJob
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.jobs import SHARD_LIMIT

if TYPE_CHECKING:
    from truestep.adapters.chain.sender import Signer

ORDER_LIMIT_BYTES = 8_192
"""Of an order as JSON, which has some 1,200."""
WAIT_SECONDS = 600
WAIT_LIMIT_SECONDS = 7 * 86_400
"""How long ahead the last second of an order may lie: until then its reward counts as spent."""
_Account = Annotated[AddressText, AfterValidator(with_checksum)]
"""In any case of its letters: the signature says which one is meant."""
_Uri = Annotated[str, StringConstraints(pattern=r"^[!-~]{0,256}$")]
_Digits = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,29})$")]
_Seconds = Annotated[int, Field(ge=0, lt=2**40)]

_TYPES = {
    "EIP712Domain": typed_data.CONTRACT_DOMAIN,
    "Order": [
        {"name": "gateway", "type": "address"},
        {"name": "requester", "type": "address"},
        {"name": "programId", "type": "uint256"},
        {"name": "programHash", "type": "bytes32"},
        {"name": "inputRoot", "type": "bytes32"},
        {"name": "inputSize", "type": "uint256"},
        {"name": "inputUri", "type": "string"},
        {"name": "seed", "type": "bytes32"},
        {"name": "shardCount", "type": "uint256"},
        {"name": "rewardWei", "type": "uint256"},
        {"name": "leaseSeconds", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
        {"name": "windowSeconds", "type": "uint256"},
        {"name": "bondMultiple", "type": "uint256"},
        {"name": "consumer", "type": "address"},
        {"name": "callbackGas", "type": "uint256"},
        {"name": "validUntil", "type": "uint256"},
    ],
}


class SignedOrder(BaseModel):
    """An order, with its requester's signature once it has one. Rewards are in native coins."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["truestep order"] = "truestep order"
    version: Literal[1] = 1
    chain_id: Annotated[int, Field(ge=0, lt=2**53)]
    jobs: _Account
    """The contract Jobs of the network."""
    gateway: _Account
    """The account that may post it: `orders_to` of the gateway's /v1/network."""
    requester: _Account
    """Who signs."""
    program_id: Annotated[int, Field(ge=1, lt=2**53)]
    program_hash: Hex32
    """What the program of this number must be (docs/protocol.md S3.1)."""
    input_root: Hex32
    input_size: Annotated[int, Field(ge=0, le=INPUT_LIMIT_BYTES)]
    input_uri: _Uri
    seed: Hex32
    """Of the job (docs/machine.md), best 32 random bytes: orders with the same terms and seed are one job."""
    shard_count: Annotated[int, Field(ge=1, le=SHARD_LIMIT)]
    reward_wei: _Digits
    """Of each shard, as text: it may exceed 2^53."""
    lease_seconds: Annotated[int, Field(ge=1, lt=2**24)]
    deadline: _Seconds
    """After it nobody can take a shard; seconds since the epoch."""
    window_seconds: Annotated[int, Field(ge=0, lt=2**24)] = 0
    bond_multiple: Annotated[int, Field(ge=1, le=255)] = 1
    consumer: _Account = NOBODY
    callback_gas: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    valid_until: _Seconds
    """The last second in which it may be posted, by the chain's clock."""
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{130}$")] | None = None

    def typed_data(self) -> dict[str, Any]:
        """What the requester signs (EIP-712)."""
        return {
            "types": _TYPES,
            "primaryType": "Order",
            "domain": {
                "name": "truestep order",
                "version": "1",
                "chainId": self.chain_id,
                "verifyingContract": self.jobs,
            },
            "message": {
                "gateway": self.gateway,
                "requester": self.requester,
                "programId": self.program_id,
                "programHash": bytes.fromhex(self.program_hash),
                "inputRoot": bytes.fromhex(self.input_root),
                "inputSize": self.input_size,
                "inputUri": self.input_uri,
                "seed": bytes.fromhex(self.seed),
                "shardCount": self.shard_count,
                "rewardWei": int(self.reward_wei),
                "leaseSeconds": self.lease_seconds,
                "deadline": self.deadline,
                "windowSeconds": self.window_seconds,
                "bondMultiple": self.bond_multiple,
                "consumer": self.consumer,
                "callbackGas": self.callback_gas,
                "validUntil": self.valid_until,
            },
        }

    def signed_by(self, signer: "Signer") -> "SignedOrder":
        """The order with its requester's signature."""
        return self.model_copy(update={"signature": typed_data.sign(signer, self.typed_data())})

    @property
    def order_id(self) -> str:
        """The digest that is signed, in hexadecimal: equal orders are one order."""
        return typed_data.digest(self.typed_data()).hex()

    @property
    def total_wei(self) -> int:
        """The rewards of all shards."""
        return int(self.reward_wei) * self.shard_count

    def call(self) -> PostJob:
        """The call that posts it."""
        return PostJob(
            program_id=ProgramId(self.program_id),
            input_root=Bytes32(bytes.fromhex(self.input_root)),
            input_size=self.input_size,
            input_uri=self.input_uri,
            seed=Bytes32(bytes.fromhex(self.seed)),
            shard_count=self.shard_count,
            reward=int(self.reward_wei),
            lease_seconds=self.lease_seconds,
            deadline=self.deadline,
            window_seconds=self.window_seconds,
            bond_multiple=self.bond_multiple,
            consumer=Address(self.consumer),
            callback_gas=self.callback_gas,
        )


def order_for(
    network: Mapping[str, Any],
    program: Mapping[str, Any],
    blobs: Blobs,
    content: bytes,
    order: Order,
    requester: Address,
    *,
    wait_seconds: int = WAIT_SECONDS,
) -> SignedOrder:
    """An order to sign, by what a gateway answers at /v1/network and /v1/programs/N. Publishes the input.

    The gateway may post it within `wait_seconds` from now. Raises Rejected for what no gateway posts.
    """
    if order.asset != NATIVE or order.policy != OPTIMISTIC or order.reducer_of is not None:
        raise Rejected(
            Reject.POLICY_UNKNOWN,
            "gateways post orders in native coins, under the policy window and with an input of their own;"
            " order others with `truestep submit`",
        )
    if network["orders_to"] is None:
        raise Rejected(Reject.SIGNATURE_OTHER, "this gateway posts no orders; ask its operator, or another")
    input_root = Task(input=content).input_root(hash_many_pairs)
    input_uri = blobs.put(content)
    blobs.put_input(input_root, content)
    now = network["time_seconds"]
    return SignedOrder(
        chain_id=network["chain_id"],
        jobs=network["contracts"]["Jobs"],
        gateway=network["orders_to"],
        requester=requester,
        program_id=program["program_id"],
        program_hash=program["program_hash"],
        input_root=input_root.hex(),
        input_size=len(content),
        input_uri=input_uri,
        seed=(order.seed or secrets.token_bytes(32)).hex(),
        shard_count=order.shard_count,
        reward_wei=str(order.reward_wei),
        lease_seconds=order.lease_seconds,
        deadline=now + order.lifetime_seconds,
        window_seconds=order.window_seconds,
        bond_multiple=order.bond_multiple,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        valid_until=now + wait_seconds,
    )


def check_order(order: SignedOrder, deployment: Deployment, gateway: Address, now: int) -> None:
    """Raises Rejected unless the requester has signed it, for this network and this gateway, in time."""
    expected = (deployment.chain_id, deployment.address("Jobs").lower(), gateway.lower())
    said = (order.chain_id, order.jobs.lower(), order.gateway.lower())
    if said != expected:
        raise Rejected(
            Reject.SIGNATURE_OTHER,
            f"expected an order for chain {expected[0]}, Jobs at {expected[1]} and the gateway {expected[2]},"
            f" got one for chain {said[0]}, {said[1]} and {said[2]}; /v1/network names them",
        )
    if not now <= order.valid_until <= now + WAIT_LIMIT_SECONDS:
        raise Rejected(
            Reject.DEADLINE_BOUNDS,
            f"expected a last second from {now}, which is now, to {now + WAIT_LIMIT_SECONDS}, got"
            f" {order.valid_until}; sign the order again",
        )
    if order.signature is None:
        raise Rejected(Reject.SIGNATURE_OTHER, "expected a signed order, got one that nobody has signed")
    typed_data.check_signature(order.typed_data(), order.signature, order.requester)
