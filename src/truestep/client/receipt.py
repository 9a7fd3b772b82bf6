"""The receipt of a settled job: everything that anybody needs to check its result again."""

import base64
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.documents import AddressText, Hex32, parsed
from truestep.adapters.files import write_file
from truestep.availability.manifest import item_name
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.base.integers import U64_MAX
from truestep.machine.layout import INPUT_LIMIT_BYTES
from truestep.machine.state import MACHINE_VERSION, Status
from truestep.protocol.availability.contracts.items import Registered
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import Parameters
from truestep.protocol.settlement.facts.evidence import Evidence
from truestep.protocol.settlement.facts.kept_items import JobItems
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.ids import BATCH_LIMIT, PackedItem, claim_of, unpack_item
from truestep.protocol.settlement.jobs import job_digest
from truestep.protocol.settlement.records import BatchTerms, JobTerms, LeafProof, Work

RECEIPT_VERSION, KEPT_VERSION, PROVEN_VERSION = 2, 3, 4
"""The second has items of data, the third proofs of claims: older releases cannot read them."""
RECEIPT_LIMIT_BYTES = 256 << 20
"""A hostile file must not fill the checker's memory; a receipt of 65,535 shards has 100 MiB."""
INLINE_LIMIT_BYTES = 256 << 10
"""Programs, inputs and outputs up to this size are in the receipt, which is then enough to repeat the run."""
OUTPUTS_LIMIT_BYTES = 32 << 20
"""Of all outputs in a receipt together, so that it stays below the limit of those who read it."""


def _unpadded(text: str) -> str:
    if len(text) % 2:
        raise ValueError("expected an even number of hex digits")
    return text


HexBytes = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]*$"), AfterValidator(_unpadded)]
U64 = Annotated[int, Field(ge=0, le=U64_MAX)]
U32 = Annotated[int, Field(ge=0, lt=2**32)]
Amount = Annotated[int, Field(ge=0, lt=2**256)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProgramPart(_Part):
    """The program, and its ELF file if it is small: zlib, then base64."""

    program_id: Amount
    image_root: Hex32
    entry: U64
    max_cycles: U64
    elf_sha256: Hex32
    uri: str
    elf: str | None = None


class InputPart(_Part):
    """The input, and its bytes if they are few: zlib, then base64."""

    root: Hex32
    size: U64
    uri: str
    content: str | None = None


class TermsPart(_Part):
    """The terms of the job (docs/protocol.md S1.3)."""

    requester: AddressText
    consumer: AddressText
    callback_gas: U64
    asset: AddressText
    policy: U32
    parameters_id: U32
    bond_multiple: U32
    window_seconds: U64
    lease_seconds: U64
    reducer_of: Amount

    def as_terms(self) -> JobTerms:
        """The same as contracts take them."""
        return JobTerms(**_with_addresses(self.model_dump()))


class RulesPart(_Part):
    """The rules of the job: what an operator stood to lose, and how long anybody could challenge."""

    operator_bond_wei: Amount
    challenger_bond_wei: Amount
    window_seconds: U64
    clock_seconds: U64
    rescue_seconds: U64
    lease_penalty_bps: U32
    release_penalty_bps: U32
    winner_share_bps: U32
    gas_price_cap_wei: Amount
    arity: U32

    @classmethod
    def of(cls, rules: Parameters) -> "RulesPart":
        """The same rules in the receipt's form; the terms have the number of their set."""
        return cls(**{name: getattr(rules, name) for name in cls.model_fields})


class ItemPart(_Part):
    """A range of the job's shards in a batch: packed, and its place and path in the tree of the batch."""

    packed: Amount
    index: U32
    path: tuple[Hex32, ...] = Field(strict=False)


class BatchPart(_Part):
    """A batch that made shards of the job final: its terms, and its items of this job (S4.1, S4.2)."""

    batch_id: U32
    operator: AddressText
    tasks_root: Hex32
    claims_root: Hex32
    reward: Amount
    bond_wei: Amount
    asset: AddressText
    window_seconds: U64
    lease_seconds: U64
    items: tuple[ItemPart, ...] = Field(strict=False)

    def as_terms(self) -> BatchTerms:
        """The terms as contracts take them."""
        return BatchTerms(
            tasks_root=_bytes32(self.tasks_root),
            claims_root=_bytes32(self.claims_root),
            reward=self.reward,
            bond_wei=self.bond_wei,
            asset=Address(self.asset),
            window_seconds=self.window_seconds,
            lease_seconds=self.lease_seconds,
        )


class DataItemPart(_Part):
    """An item that keepers keep, or have kept: its number on the chain, and its name at keepers."""

    item_id: Amount
    name: Hex32
    until: U64
    """The last second in which keepers answer for it."""

    @classmethod
    def of(cls, item: Registered) -> "DataItemPart":
        """The same of the item's registration."""
        name = item_name(item.record.parts_hash, item.record.hashes_root)
        return cls(item_id=item.item_id, name=name.hex(), until=item.record.until)


class OutputsPart(_Part):
    """The item of a batch's outputs; None if no leaf of it has one."""

    batch_id: U32
    item: DataItemPart | None


class KeptPart(_Part):
    """The items that hold the job's data under the policy *kept* (docs/availability.md A5)."""

    program: DataItemPart
    input: DataItemPart
    outputs: tuple[OutputsPart, ...] = Field(strict=False)

    @classmethod
    def of(cls, items: JobItems) -> "KeptPart":
        """The same as the chain's events tell them."""
        return cls(
            program=DataItemPart.of(items.program),
            input=DataItemPart.of(items.input),
            outputs=tuple(
                OutputsPart(batch_id=batch_id, item=None if item is None else DataItemPart.of(item))
                for batch_id, item in items.outputs
            ),
        )


class ShardPart(_Part):
    """One task's final claim, its place in its batch, when it became final, and its output if it is small."""

    shard_index: U32
    batch_id: U32
    leaf_index: Annotated[int, Field(ge=0, lt=BATCH_LIMIT)]
    leaf_path: tuple[Hex32, ...] = Field(strict=False)
    status: Annotated[int, Field(ge=0, le=2)]
    code: U64
    cycle: U64
    output_size: U64
    output_root: Hex32
    left_root: Hex32
    inner_root: Hex32
    running_state: Hex32
    accepted: bool
    final_block: U64
    final_transaction: Hex32
    output: HexBytes | None = None

    def claimed(self) -> ClaimedState:
        """The claim's fields as a value."""
        return ClaimedState(
            status=Status(self.status),
            code=self.code,
            cycle=self.cycle,
            output_size=self.output_size,
            output_root=_bytes32(self.output_root),
            left_root=_bytes32(self.left_root),
            inner_root=_bytes32(self.inner_root),
            running_state=_bytes32(self.running_state),
        )

    def output_bytes(self) -> bytes | None:
        """The output, if the receipt holds it."""
        return None if self.output is None else bytes.fromhex(self.output)


class ProofPart(_Part):
    """How the claim on a shard was proven: by which entry of Verifiers, by which proof (V9)."""

    shard_index: U32
    entry: U32
    system: str
    version: str | None
    """Of the system, as far as the proof tells; None if this release does not know the system."""
    verifier: AddressText
    selector: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    key_digest: Hex32
    program_hash: Hex32
    bits: U32
    """Of security, as governance has stated them."""
    statement: Hex32
    seal: HexBytes | None
    """None if it is not in the transaction: another contract has made the call."""
    verification_key: HexBytes | None = None
    """Of a circuit: what its proofs are checked with. key_digest is its hash."""
    key: Literal["production", "development"] | None = None
    """Of a circuit: the set-up that its verifier believes."""
    proven_block: U64
    proven_transaction: Hex32


class Receipt(_Part):
    """A settled job. `to_json` and `parse_receipt` are inverses."""

    format: Literal["truestep receipt"] = "truestep receipt"
    version: Literal[2, 3, 4] = RECEIPT_VERSION
    machine_version: Literal[1] = MACHINE_VERSION
    deployment: Deployment = Field(strict=False)
    """The contracts that settled the job."""
    job_id: Amount
    reward: Amount
    """For each shard, in units of the asset."""
    terms: TermsPart
    rules: RulesPart
    seed: Hex32
    shard_count: U32
    program: ProgramPart
    input: InputPart
    batches: tuple[BatchPart, ...] = Field(strict=False)
    shards: tuple[ShardPart, ...] = Field(strict=False)
    kept: KeptPart | None = None
    """None under a policy that asks nobody to keep data."""
    proofs: tuple[ProofPart, ...] | None = Field(default=None, strict=False)
    """Of the shards that were proven; None in a receipt of another version."""

    @model_validator(mode="after")
    def _has_what_its_version_has(self) -> Self:
        if (self.proofs is not None) != (self.version == PROVEN_VERSION):
            raise ValueError(f"a receipt has proofs if its version is {PROVEN_VERSION}, and else none")
        return self

    def work(self) -> Work:
        """What the job computes (S1.2)."""
        return Work(
            image_root=_bytes32(self.program.image_root),
            entry=self.program.entry,
            max_cycles=self.program.max_cycles,
            input_root=_bytes32(self.input.root),
            input_size=self.input.size,
            seed=_bytes32(self.seed),
            shard_count=self.shard_count,
        )

    def job_digest(self) -> Bytes32:
        """The digest by which consumers mean this job (S1.3)."""
        jobs, chain_id = self.deployment.address("Jobs"), self.deployment.chain_id
        return job_digest(chain_id, jobs, JobId(self.job_id), self.work(), self.terms.as_terms())

    def batch_of(self, shard: ShardPart) -> BatchPart:
        """The batch of one of its shards. Raises Rejected if the receipt does not have it."""
        for batch in self.batches:
            if batch.batch_id == shard.batch_id:
                return batch
        raise Rejected(
            Reject.RECEIPT_MALFORMED, f"expected batch {shard.batch_id} among the batches, it is missing"
        )

    def evidence(self, shard: ShardPart) -> Evidence:
        """The proof of one of its shards for contracts (S10.1). Raises Rejected if a part is missing."""
        batch = self.batch_of(shard)
        for item in batch.items:
            if unpack_item(item.packed).has_leaf(shard.leaf_index):
                return Evidence(
                    claim_id=claim_of(BatchId(batch.batch_id), shard.leaf_index),
                    terms=batch.as_terms(),
                    proof=LeafProof(
                        item=PackedItem(item.packed),
                        item_index=item.index,
                        item_path=tuple(map(_bytes32, item.path)),
                        work=self.work(),
                        job_terms=self.terms.as_terms(),
                        leaf=leaf_of_state(shard.claimed()),
                        leaf_path=tuple(map(_bytes32, shard.leaf_path)),
                    ),
                )
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"expected an item of batch {batch.batch_id} with leaf {shard.leaf_index}, it is missing",
        )

    def to_json(self) -> str:
        """The receipt as the text of its file."""
        missing = {name for name in ("kept", "proofs") if getattr(self, name) is None}
        return self.model_dump_json(indent=1, exclude=missing) + "\n"

    def write(self, path: Path) -> None:
        """Write the file."""
        write_file(path, self.to_json())


def read_receipt(path: Path) -> Receipt:
    """The receipt in a file. Raises Rejected if it is not a receipt, OSError if it cannot be read."""
    size_bytes = path.stat().st_size
    if size_bytes > RECEIPT_LIMIT_BYTES:
        raise Rejected(
            Reject.RECEIPT_MALFORMED,
            f"expected at most {RECEIPT_LIMIT_BYTES} bytes in {path}, got {size_bytes}",
        )
    return parse_receipt(path.read_bytes())


def parse_receipt(text: bytes | str) -> Receipt:
    """The receipt that `text` encodes. Raises Rejected, which names the first wrong field."""
    return parsed(
        Receipt,
        text,
        Reject.RECEIPT_MALFORMED,
        "a file from `truestep receipt`, `submit --receipt` or `demo`",
    )


def inlined(content: bytes) -> str | None:
    """A program or input as the receipt holds it; None if it is too large."""
    if len(content) > INLINE_LIMIT_BYTES:
        return None
    return base64.b64encode(zlib.compress(content, 9)).decode()


def from_inlined(text: str) -> bytes:
    """The bytes that `inlined` packed. Raises Rejected for other text and for more than an input may hold."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), INPUT_LIMIT_BYTES + 1)
    except (ValueError, zlib.error) as error:
        raise Rejected(
            Reject.RECEIPT_MALFORMED, f"expected a zlib stream in base64, got other text ({error})"
        ) from error
    if not unpacker.eof or len(content) > INPUT_LIMIT_BYTES:
        raise Rejected(
            Reject.RECEIPT_MALFORMED, "the packed bytes are truncated, or larger than an input may be"
        )
    return content


def _with_addresses(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: Address(value) if isinstance(value, str) else value for name, value in fields.items()}


def _bytes32(digits: str) -> Bytes32:
    return Bytes32(bytes.fromhex(digits))
