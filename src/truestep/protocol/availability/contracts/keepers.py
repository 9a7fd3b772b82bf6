"""Calls, events and rules of Keepers (docs/availability.md A2). Amounts in wei, times in seconds."""

from dataclasses import dataclass

from truestep.base.ids import Address
from truestep.protocol.availability.ids import ItemId, KeeperId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The parameters of availability, fixed at deployment (A2.4)."""

    share_wei: int
    registrant_bond_wei: int
    element_bond_wei: int
    blob_bond_wei: int
    tree_bond_wei: int
    gas_price_cap_wei: int
    blob_gas_price_cap_wei: int
    answer_seconds: int
    acknowledge_seconds: int
    winner_share_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A keeper and its shares (A2.1)."""

    account: Address
    signer: Address
    """Whose receipts it takes."""
    shares: int
    """That it has paid for."""
    locked: int
    """Of them: one for each seat that it has acknowledged."""
    listed: int
    """Its entries in the list of draws; more than its shares if it was slashed."""

    @property
    def has_free_share(self) -> bool:
        """Whether it can take another seat."""
        return self.shares > self.locked


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """Become a keeper or add shares, and enter all in the draws (A2.1)."""

    shares: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSigner:
    """Name the key that signs the sender's receipts (A2.1)."""

    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """Take entries of a keeper out of the draws (A2.1)."""

    keeper: KeeperId
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawShares:
    """Send the coins of shares that are retired and not locked (A2.1)."""

    shares: int
    receiver: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawTo:
    """Send all that Keepers owes the sender."""

    receiver: Address


# --- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A keeper has bought shares and serves at this URL."""

    keeper: KeeperId
    account: Address
    shares: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerSet:
    """A keeper's receipts are signed by this key now."""

    keeper: KeeperId
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """Entries of a keeper left the list of draws."""

    keeper: KeeperId
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesWithdrawn:
    """A keeper took coins of shares."""

    keeper: KeeperId
    receiver: Address
    shares: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slashed:
    """A keeper lost the share of a seat."""

    keeper: KeeperId
    item_id: ItemId
    winner: Address
    winner_wei: int
    burned_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """An account took what Keepers owed it."""

    account: Address
    receiver: Address
    amount_wei: int


Call = Enrol | SetSigner | Retire | WithdrawShares | WithdrawTo
Event = Enrolled | SignerSet | Retired | SharesWithdrawn | Slashed | Withdrawn
