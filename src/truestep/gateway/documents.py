"""What the API answers: one model for each document. The OpenAPI document is made from them.

Ids of claims and games and all amounts are decimal texts, since they may exceed 2^53. Hashes are 64 hex
digits.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]*)$", examples=["10000000000000000"])]
"""Wei, or the smallest unit of the job's token."""
LargeId = Annotated[str, Field(pattern=r"^[1-9][0-9]*$", examples=["79228162514264337593543950337"])]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AddressText = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=0, description="Seconds since the epoch, by the chain's clock.")]


class Document(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Document):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None
    """The word of the protocol for it (docs/protocol.md), where there is one."""


class Health(Document):
    """Whether the answers are up to date."""

    is_ready: bool
    head_block: int | None
    why_not: str | None


class Network(Document):
    """The network, and how much has happened on it."""

    name: str
    chain_id: int
    contracts: dict[str, AddressText]
    head_block: int
    time_seconds: Seconds
    is_current: bool
    """False while the node does not answer; then everything may be old."""
    jobs: Count
    operators: Count
    disputes: Count
    open_disputes: Count
    final_results: Count
    struck_claims: Count
    orders_to: AddressText | None
    """The account that posts signed orders; null if this gateway takes none."""


class StageCounts(Document):
    """How many shards of a job are at each stage."""

    open: Count
    running: Count
    claimed: Count
    disputed: Count
    final: Count
    refunded: Count


class JobSummary(Document):
    """A job in a list."""

    job_id: Annotated[int, Field(ge=1)]
    requester: AddressText
    shard_count: int
    counts: StageCounts
    is_over: bool
    """Whether no shard can change any more."""
    reward: Amount
    """Of each shard."""
    asset: AddressText
    """A token; the zero address means native coins."""
    policy: str
    deadline: Seconds
    block_number: int


class JobList(Document):
    """Jobs, the newest first."""

    jobs: list[JobSummary]
    next: int | None
    """`before` of the next page; null at the end."""


class JobDetail(JobSummary):
    """A job with its terms."""

    program_id: int
    max_cycles: int
    input_root: Hex32
    input_size: int
    input_uri: str
    seed: Hex32
    lease_seconds: int
    window_seconds: int
    operator_bond_wei: Amount
    reducer_of: int | None
    final_for_consumers: Count
    """Claims that consumers can rely on before their windows are over."""
    dispute_count: Count
    disputes: list[LargeId]
    """The newest of them."""


class Shard(Document):
    """A shard, as the newest event left it."""

    shard_index: Count
    stage: Literal["open", "running", "claimed", "disputed", "final", "refunded"]
    operator: AddressText | None
    until: Seconds | None
    """The end of its lease or of its challenge window."""
    is_accepted: bool | None
    """Of a final shard: whether the run succeeded, so that its output counts."""
    is_final_for_consumers: bool


class ShardList(Document):
    """Shards in their order."""

    shards: list[Shard]
    next: int | None


class Claim(Document):
    """What an operator claims of a shard, and what became of that."""

    claim_id: LargeId
    shard_index: Count
    operator: AddressText
    outcome: Literal["standing", "struck", "final"]
    until: Seconds
    is_malformed: bool
    status: int
    """0: still running at the limit of cycles, 1: exited, 2: trapped."""
    code: Amount
    cycles: Amount
    output_size: Amount
    output_root: Hex32
    block_number: int
    transaction_hash: Hex32


class ClaimList(Document):
    """Claims on a job, the newest first, out of the job's newest 2,000 events."""

    claims: list[Claim]
    next: int | None


class Result(Document):
    """The result of a shard as a contract reads it; all zero until it is final."""

    job_id: int
    shard_index: Count
    is_final: bool
    is_accepted: bool
    status: int
    code: Amount
    cycles: Amount
    output_size: Amount
    output_root: Hex32


class Proof(Document):
    """What a contract needs to check a result by itself, as `truestep proof --json` prints it."""

    job_id: int
    shard_index: Count
    question: dict[str, str]
    evidence: dict[str, object]
    evidence_abi: str
    chunk: dict[str, object] | None = None
    chunk_abi: str | None = None


class OperatorSummary(Document):
    """An operator, and how its work has ended."""

    address: AddressText
    stake_wei: Amount
    locked_wei: Amount
    taken: Count
    claimed: Count
    final: Count
    late: Count
    struck: Count


class OperatorList(Document):
    """Operators in the order of their addresses."""

    operators: list[OperatorSummary]
    next: AddressText | None


class ShardPlace(Document):
    """Which shard of which job."""

    job_id: int
    shard_index: Count


class OperatorDetail(OperatorSummary):
    """The same with the newest shards that it took."""

    tasks: list[ShardPlace]


class DisputeSummary(Document):
    """A dispute in a list."""

    game_id: LargeId
    number: Annotated[int, Field(ge=1)]
    """In the order of opening."""
    claim_id: LargeId
    job_id: int
    shard_index: Count
    challenger: AddressText
    operator: AddressText
    outcome: Literal["open", "defended", "fell"]
    """What became of the claim."""
    instructions: Amount
    """How many the two sides still disagree on."""


class DisputeList(Document):
    """Disputes, the newest first."""

    disputes: list[DisputeSummary]
    next: int | None


class Interval(Document):
    """Both agree on the first state and disagree on the second."""

    low: Amount
    high: Amount


class Executed(Document):
    """The instruction that the chain executed: states before and after it, and the state that was claimed."""

    before: Hex32
    after: Hex32
    expected: Hex32


class Settled(Document):
    """Who got what."""

    operator_wei: Amount
    challenger_wei: Amount
    burned_wei: Amount


class DisputeDetail(DisputeSummary):
    """A dispute with how it narrowed and how it ended."""

    intervals: list[Interval]
    executed: Executed | None
    settled: Settled | None
    rewarded_wei: Amount


class Program(Document):
    """A registered program."""

    program_id: Annotated[int, Field(ge=1)]
    program_hash: Hex32
    """What an order names besides the number (docs/protocol.md S3.1)."""
    image_root: Hex32
    entry: Amount
    max_cycles: int
    elf_sha256: Hex32
    owner: AddressText
    uri: str


class OrderState(Document):
    """How far a signed order is."""

    order_id: Hex32
    stage: Literal["queued", "posted", "refused"]
    job_id: int | None
    transaction_hash: Hex32 | None
    why: str | None
    """Of a refused order."""
    counted_wei: Amount
    """What of the token's budget it takes: at most, while it is queued; then what it has cost."""


class Budget(Document):
    """What a token may spend, and has spent."""

    token: str
    budget_wei: Amount
    spent_wei: Amount
    """With what queued orders may cost at most."""
    signers: list[AddressText]
