"""The three kinds of failure: bad input, a failure of the outside world, an error of ours."""

from enum import StrEnum


class Reject(StrEnum):
    """Reasons for refusing an input. For a contract, the value is its revert string."""

    ELF_NOT_ELF = "not an ELF file"
    ELF_TRUNCATED = "ELF file is truncated"
    ELF_ARCHITECTURE = "ELF file is not for 64-bit little-endian RISC-V"
    ELF_TYPE = "ELF file is not a static executable"
    ELF_SEGMENT = "ELF segment lies outside the machine's ranges"
    ELF_OVERLAP = "ELF segments overlap"
    ELF_ENTRY = "ELF entry point is not a code address"
    ELF_TOO_LARGE = "ELF file is too large"
    INPUT_TOO_LARGE = "input is too large"
    SHARD_RANGE = "shard index is not below shard count"
    WITNESS_LENGTH = "witness length"
    WITNESS_MASK = "witness mask"
    WITNESS_PROOF = "witness proof"
    STEP_IS_FLOAT = "float instruction: descend"
    STEP_NOT_FLOAT = "not a float instruction"

    # All contracts (P6).
    NOT_DEPLOYER = "caller is not the deployer"
    ALREADY_CONNECTED = "already connected"
    WIRING = "contracts do not fit together"
    NO_CONTRACT = "no contract at this address"
    NOT_JOBS = "caller is not Jobs"
    NOT_DISPUTES = "caller is not Disputes"
    NOT_OPERATORS = "caller is not Operators"
    WRONG_VALUE = "wrong amount of coins sent"
    NOTHING_TO_WITHDRAW = "nothing to withdraw"
    PAYMENT_REFUSED = "payment refused by receiver"
    PARAMETER_BOND = "bond out of bounds"
    PARAMETER_WINDOW = "window out of bounds"
    PARAMETER_PENALTY = "lease penalty out of bounds"
    PARAMETER_CLOCK = "clock out of bounds"
    PARAMETER_ARITY = "arity out of bounds"
    PARAMETER_SHARE = "winner share out of bounds"
    PARAMETER_GAS_PRICE = "gas price cap out of bounds"
    PARAMETER_RESCUE = "rescue time out of bounds"
    PARAMETER_REVEAL = "reveal time out of bounds"
    PARAMETER_SPEED = "speed out of bounds"
    PARAMETER_RELEASE = "release penalty out of bounds"
    PARAMETERS_UNKNOWN = "unknown parameters"
    PARAMETERS_LIMIT = "too many parameters"
    NO_ADDRESS = "no address given"

    # Timelock (S2.4).
    NOT_OWNER = "caller is not the owner"
    NOT_PROPOSER = "caller is not the proposer"
    NOT_CANCELLER = "caller may not cancel"
    DELAY_BOUNDS = "delay out of bounds"
    GUARDIAN_TIME = "guardian's time out of bounds"
    ACTION_ANNOUNCED = "action was announced before"
    ACTION_UNKNOWN = "action was not announced"
    ACTION_EARLY = "action is not due"
    ACTION_STALE = "action is stale"
    ACTION_OWN = "no such action"

    # Operators (P1.6, S1.8).
    NOT_MODULE = "caller is not a module"
    MODULES_SEALED = "modules are sealed"
    MODULES_UNSEALED = "modules are not sealed"
    NOT_DELEGATE = "not a delegate's address"
    ROLE_UNKNOWN = "no such role"
    STAKE_TOO_LOW = "not enough free stake"
    LOCKED_TOO_LOW = "not enough locked stake"

    # Programs (P1.1).
    PROGRAM_ENTRY = "entry is not a code address"
    PROGRAM_CYCLES = "maximum cycles out of bounds"
    PROGRAM_UNKNOWN = "unknown program"

    # Jobs and tasks (P1.2, P2).
    JOB_UNKNOWN = "unknown job"
    SHARD_COUNT = "shard count out of bounds"
    REWARD_TOO_LARGE = "reward is too large"
    LEASE_BOUNDS = "lease out of bounds"
    DEADLINE_BOUNDS = "deadline out of bounds"
    DEADLINE_OVER = "deadline is over"
    DEADLINE_AHEAD = "deadline is not over"
    TASK_NOT_OPEN = "task is not open"
    TASK_NOT_TAKEN = "task is not taken"
    TASK_NOT_CLAIMED = "task is not claimed"
    NOT_TAKER = "caller did not take the task"
    LEASE_OVER = "lease is over"
    LEASE_RUNNING = "lease is not over"
    NOTHING_TO_RECLAIM = "nothing to reclaim"

    # Claims (P3).
    CLAIM_STATUS = "claim: status"
    CLAIM_CYCLE = "claim: cycle"
    CLAIM_OTHER_JOB = "claim: header or input of another"
    CLAIM_RUNNING_STATE = "claim: running state"
    CLAIM_RUNNING_FIELDS = "claim: fields of a running claim"
    CLAIM_MISMATCH = "claim differs from the one made"
    CLAIM_NOT_STANDING = "claim does not stand"
    WINDOW_OVER = "challenge window is over"
    WINDOW_RUNNING = "challenge window is not over"
    GAMES_OPEN = "games on the claim are open"

    # Batches and their leaves (S3 to S5).
    BATCH_TERMS_OTHER = "terms of another batch"
    JOB_OTHER = "work or terms of another job"
    ITEM_PROOF = "item: proof"
    ITEM_OTHER_LEAF = "item: of another leaf"
    LEAF_UNKNOWN = "no such leaf"
    LEAF_PROOF = "leaf: proof"

    # Disputes (P4, P5).
    OWN_CLAIM = "claim is the caller's own"
    ALREADY_CHALLENGED = "caller challenged this claim"
    GAMES_LIMIT = "too many games on the claim"
    GAME_UNKNOWN = "unknown game"
    GAME_STAGE = "not the stage for this move"
    GAME_CLAIM_STRUCK = "claim is struck: settle instead"
    GAME_UNDECIDED = "game is not decided"
    NOT_ASSERTER = "caller is not the operator"
    NOT_CHALLENGER = "caller is not the challenger"
    CLOCK_OVER = "clock has run out"
    SPLIT_INTERVAL = "split: of another interval"
    SPLIT_COUNT = "split: number of hashes"
    PICK_PART = "pick: no such part"
    PICK_PROOF = "pick: proof"
    STEP_OTHER_STATE = "witness is of another state"
    GAME_DESCENDED = "game has descended"
    REVEAL_MICRO_RUN = "reveal: of another micro-run"
    REVEAL_CYCLES = "reveal: number of steps"
    REVEAL_STATE = "reveal: of another state"
    REVEAL_TEMPLATE = "reveal: state does not follow"

    # Refused before anything reaches a contract: wallet, chain, files, blobs.
    CALL_REVERTED = "call was reverted"
    FUNDS_TOO_LOW = "not enough coins in the wallet"
    WRONG_CHAIN = "wrong chain"
    OTHER_ROM = "contracts have another ROM"
    FEE_ABOVE_CAP = "gas price is above the cap"
    NONCE_TAKEN = "another transaction took the nonce"
    DEPLOYMENT_FILE = "not a deployment file"
    STORE_IN_USE = "store is in use by another process"
    STORE_FILE = "not a store of this version"
    BLOB_URI = "not a blob URI"
    BLOB_STORE = "not a blob store"
    BLOB_TOO_LARGE = "blob is too large"
    BLOB_MISMATCH = "blob is not what its hash says"
    PROGRAM_MISMATCH = "program is not the registered one"
    INPUT_MISMATCH = "input is not the posted one"
    START_MISMATCH = "run does not start in the chain's state"
    CLAIM_UNKNOWN = "unknown claim"
    KEYSTORE_FILE = "not a keystore"
    KEYSTORE_EXISTS = "keystore exists already"
    PASSWORD_WRONG = "wrong password"
    RECEIPT_MALFORMED = "not a receipt"
    CHAIN_FILE = "not a chain file"
    NODE_URL = "not the URL of a node"
    JOB_UNFINISHED = "job is not finished"


class Rejected(Exception):
    """An input is bad. `reason` is for programs, the message for people."""

    def __init__(self, reason: Reject, message: str) -> None:
        super().__init__(f"{reason.value}: {message}")
        self.reason = reason


class Unavailable(Exception):
    """Something outside failed (node down, disk full, time out): retry, within bounds."""


class Bug(Exception):
    """An error of ours: crash loudly and keep the evidence."""
