"""Opens a network from addresses and files: its contracts, the account that sends, its blob stores."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.several import SeveralBlobs
from truestep.adapters.blobs.transfer import origin
from truestep.adapters.chain.availability import AvailabilityReader, availability_of
from truestep.adapters.chain.beacon import BeaconBlobs
from truestep.adapters.chain.beacon_watch import watched_beacons
from truestep.adapters.chain.connection import Node, check_chain, connect
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.inspection import refuse_wrong
from truestep.adapters.chain.known_deployments import is_known, remember
from truestep.adapters.chain.payloads import Payloads
from truestep.adapters.chain.pinned import PinnedReader
from truestep.adapters.chain.published import PublishedBlobs
from truestep.adapters.chain.record_codec import View
from truestep.adapters.chain.sender import Signer
from truestep.adapters.chain.web3_chain import EVERYTHING, Memory, Web3Chain
from truestep.adapters.keepers.blobs import KeeperBlobs
from truestep.adapters.store.scoped import UNKNOWN, Scope, ScopedStore, open_scope, scopes_in
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.base.errors import Bug, Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.machine.witness import FloatStep
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, ChainReader
from truestep.ports.reporter import Reporter
from truestep.ports.store import Store

DEVNET_CHAINS = (31_337, 1_337, 0x7765_6233_7079)
"""Chains on one's own computer, where keepers may serve at private addresses: anvil, geth, eth-tester."""
ZERO_ADDRESS = "0x" + "00" * 20
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""RFC 3986, section 3.1: a text that begins like this is a URL, not a directory."""


def open_blobs(
    places: str | Sequence[str], reporter: Reporter | None = None, *, keepers: Blobs | None = None
) -> Blobs:
    """The blobs at a URL, in a directory, or in several such places; `reporter` hears which one lied.

    `keepers` are read from too.

    Raises `Rejected` for anything else, such as a URL that is not http or https.
    """
    named = [places] if isinstance(places, str) else list(places)
    stores = [_open_store(place) for place in named]
    if not stores and keepers is not None:
        return keepers
    if not stores:
        raise Rejected(Reject.BLOB_STORE, "expected at least one URL or directory; give --blobs")
    if len(stores) == 1 and keepers is None:
        return stores[0]
    return SeveralBlobs(stores, [_shown(place) for place in named], reporter, keepers=keepers)


def consensus_urls(deployment: Deployment, node: Node, beacon: Sequence[str]) -> Sequence[str]:
    """Consensus nodes for blobs of transactions. On a devnet its node is one, if no other is named."""
    if beacon or deployment.chain_id not in DEVNET_CHAINS:
        return beacon
    named = [node] if isinstance(node, str) else node
    return [each for each in named if isinstance(each, str)] if isinstance(named, Sequence) else ()


def watched_consensus(
    chain_id: int, rpc: Sequence[str], beacon: Sequence[str], reporter: Reporter
) -> AbstractContextManager[None]:
    """Watches consensus nodes that nothing else would notice to be down: all but a devnet's own node."""
    watched = [url for url in beacon if chain_id not in DEVNET_CHAINS or url not in rpc]
    return watched_beacons(watched, reporter, has_others=len(watched) < len(beacon))


def open_kept_blobs(
    places: Sequence[str],
    chain: ChainReader,
    deployment: Deployment,
    node: Node,
    beacon: Sequence[str] = (),
) -> Blobs:
    """The blobs in these places and, in a network that has them, what items hold.

    `beacon`: consensus nodes, for items in blobs of transactions. Raises `Rejected` if there is neither.
    """
    if deployment.availability is None:
        return open_blobs(places)
    contracts = availability_of(deployment)
    consensus = BeaconBlobs(consensus_urls(deployment, node, beacon), open_kzg())
    payloads = Payloads(node, contracts)
    keepers = KeeperBlobs(
        lambda: chain.facts().data,
        open_kzg(),
        payload=payloads.payload,
        written=payloads.holding,
        may_be_private=deployment.chain_id in DEVNET_CHAINS,
        published=PublishedBlobs(AvailabilityReader(node, contracts), consensus),
    )
    return open_blobs(places, keepers=keepers)


def _shown(place: str) -> str:
    """A place for messages: the path of a URL may be secret."""
    return origin(place) if place.startswith(("http://", "https://")) else place


def deployment_store(whole: Store, deployment: Deployment, reporter: Reporter | None = None) -> ScopedStore:
    """The rows of one deployment in a state file. Reports which one that is, and what else the file holds."""
    scope = Scope(chain_id=deployment.chain_id, jobs=deployment.address("Jobs"))
    contracts = [deployment.address(name) for name in ("Operators", "Programs", "Jobs", "Disputes")]
    store = open_scope(whole, scope, contracts)
    message = f"works for the deployment of Jobs at {scope.jobs} on chain {scope.chain_id}"
    others = other_networks(whole, scope)
    if reporter is not None:
        reporter.report(
            "deployment",
            message + (f". {others_in_words(others)}" if others else ""),
            chain_id=scope.chain_id,
            jobs=scope.jobs,
            others=len(others),
        )
    return store


def other_networks(whole: Store, scope: Scope) -> list[str]:
    """Of which other networks a state file has rows: chain and contract, or `unknown`."""
    return [name for name in scopes_in(whole) if name != str(scope)]


def others_in_words(others: Sequence[str]) -> str:
    """What it means that a state file was used with other networks."""
    named = [name.split(":") for name in others if name != UNKNOWN]
    words = [f"the network on chain {chain_id} with the contract {contract}" for chain_id, contract in named]
    if UNKNOWN in others:
        words.append("a network that was not opened since an older release wrote the file")
    return (
        f"The state is also of another network: {'; '.join(words)}. Nothing of that is used here, and nobody"
        " looks after it now. If bonds or transactions are open there, start a daemon with its deployment"
        " file too; if it is gone, such as a devnet that was stopped, a new state file or --state-dir is"
        " tidier"
    )


def _open_store(place: str) -> Blobs:
    if place.startswith(("http://", "https://")):
        try:
            return HttpBlobs(place)
        except ValueError as error:
            raise Rejected(Reject.BLOB_STORE, f"{error}; give another --blobs") from error
    if not place.strip() or _SCHEME.match(place):
        raise Rejected(
            Reject.BLOB_STORE,
            f"expected a URL that begins with http:// or https://, or a directory, got {place!r};"
            " write ./ in front of a directory with a colon in its name",
        )
    return DirectoryBlobs(Path(place))


OnUnknownCode = Callable[[str], None]
"""Told about contracts whose code is unknown, by those who trust it; without it, they are refused."""


def open_reader(
    node: Node, deployment: Deployment, on_unknown_code: OnUnknownCode | None = None
) -> ChainReader:
    """A chain that can only be read. Raises Rejected for another chain or unknown contracts, Unavailable for
    a dead node.
    """
    chain = Web3Chain(node, deployment, _NobodysKey(), SqliteStore())
    check_contracts(chain, deployment, on_unknown_code)
    return chain


def open_chain(
    node: Node,
    deployment: Deployment,
    signer: Signer,
    store: Store | None = None,
    policy: TransactionPolicy | None = None,
    *,
    reporter: Reporter | None = None,
    on_unknown_code: OnUnknownCode | None = None,
    memory: Memory = EVERYTHING,
) -> Chain:
    """A chain that `signer` sends to; without a `store` its journal ends with the process.

    `node` is one URL or several; `reporter` is told about their failures. Raises as `open_reader` does.
    """
    chain = Web3Chain(
        node, deployment, signer, store or SqliteStore(), policy, reporter=reporter, memory=memory
    )
    check_contracts(chain, deployment, on_unknown_code)
    return chain


def check_contracts(
    chain: Web3Chain, deployment: Deployment, on_unknown_code: OnUnknownCode | None = None
) -> None:
    """Refuse contracts that this version does not know, or that do not belong together: once a deployment."""
    if is_known(deployment):
        return
    unknown = refuse_wrong(chain.inspect(), trusts_unknown_code=on_unknown_code is not None)
    if on_unknown_code is not None:
        for sentence in unknown:
            on_unknown_code(sentence)
    if not unknown:
        remember(deployment)


def execute_step(
    node: Node, deployment: Deployment, witness: bytes, on_unknown_code: OnUnknownCode | None = None
) -> tuple[Bytes32, Bytes32]:
    """The state hashes before and after the step that the chain's own verifier computes.

    Raises Rejected for a witness that it refuses or another chain, Unavailable for a dead node.
    """
    before, after = _ask_step(node, deployment, "step", witness, on_unknown_code)
    return Bytes32(before), Bytes32(after)


def open_float_step(
    node: Node, deployment: Deployment, witness: bytes, on_unknown_code: OnUnknownCode | None = None
) -> FloatStep:
    """What the chain's own verifier reads from the witness of a float instruction with a result (S11.9).

    Raises Rejected for a witness that it refuses or another chain, Unavailable for a dead node.
    """
    before, micro_start, template, rd = _ask_step(node, deployment, "open_float", witness, on_unknown_code)
    return FloatStep(Bytes32(before), Bytes32(micro_start), Bytes32(template), rd)


def _ask_step(
    node: Node,
    deployment: Deployment,
    function: str,
    witness: bytes,
    on_unknown_code: OnUnknownCode | None,
) -> Any:
    open_reader(node, deployment, on_unknown_code)
    web3 = connect(node)
    check_chain(web3, deployment.chain_id)
    view = View(contract="Step", function=function, arguments=[witness], build=tuple)
    return PinnedReader(web3, deployment).one(view)


class _NobodysKey:
    """The signer of a chain that is only read."""

    @property
    def address(self) -> str:
        """The zero address, for calls that need a sender."""
        return ZERO_ADDRESS

    def sign_transaction(self, transaction_dict: Any) -> Any:
        """Never called."""
        raise Bug(f"a reader of the chain was asked to sign {transaction_dict!r}")
