"""What this node has committed to when it opened games, which it alone can show (S6.1, S7.5)."""

from collections.abc import Callable
from dataclasses import dataclass

from truestep.base.ids import Bytes32, ClaimId
from truestep.ports.rows import RowCodec, by_name
from truestep.ports.store import Change, Store, each_row
from truestep.roles.views import Disputed

COMMITMENTS, SECRETS = "commitments", "secrets"
SALT = "salt"
SECRET_SIZE_BYTES = 32
KEPT_SECONDS = 120 * 86_400
"""A game is opened within 45 days of its claim, lasts for 22 and is shown 30 days later at most (S2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """The final state that was found of a claim's run, and when a game was to be opened, in chain time."""

    state_hash: Bytes32
    time_seconds: int


_ROWS = RowCodec[Commitment](by_name(Commitment))
_SECRET_ROWS = RowCodec[bytes]({"secret": bytes})


def kept_secret(store: Store, draw: Callable[[int], bytes]) -> bytes:
    """The node's secret, drawn at its first start: commitments can be shown only with what is made of it."""
    row = store.read(SECRETS, SALT)
    if row is not None:
        return _SECRET_ROWS.from_row(row)
    secret = draw(SECRET_SIZE_BYTES)
    store.write([Change(table=SECRETS, key=SALT, value=_SECRET_ROWS.to_row(secret))])
    return secret


class Commitments:
    """By claim and what it claims; in the store before the call that makes one is sent, for as long as it may
    be shown.

    After a reorganisation the id of a claim can be that of another one, which has another end.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = {_disputed(key): _ROWS.from_row(row) for key, row in each_row(store, COMMITMENTS)}

    def state_hashes(self) -> dict[Disputed, Bytes32]:
        """All of them."""
        return {disputed: each.state_hash for disputed, each in self._known.items()}

    def keep(self, disputed: Disputed, state_hash: Bytes32, now: int) -> Bytes32:
        """What to commit to: the first that was kept, since an earlier attempt may be on chain already."""
        known = self._known.get(disputed)
        if known is not None:
            return known.state_hash
        commitment = Commitment(state_hash=state_hash, time_seconds=now)
        self._store.write([Change(table=COMMITMENTS, key=_key(disputed), value=_ROWS.to_row(commitment))])
        self._known[disputed] = commitment
        return state_hash

    def forget_old(self, now: int) -> None:
        """Drop those that nobody can ask for any more."""
        old = [disputed for disputed, each in self._known.items() if now > each.time_seconds + KEPT_SECONDS]
        if old:
            self._store.write([Change(table=COMMITMENTS, key=_key(each), value=None) for each in old])
        for disputed in old:
            del self._known[disputed]


def _key(disputed: Disputed) -> str:
    claim_id, claimed_hash = disputed
    return f"{claim_id}/{claimed_hash.hex()}"


def _disputed(key: str) -> Disputed:
    claim_id, _, claimed_hash = key.partition("/")
    return ClaimId(int(claim_id)), Bytes32(bytes.fromhex(claimed_hash))
