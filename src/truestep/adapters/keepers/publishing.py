"""Puts the blobs and the manifest of an item where its keepers fetch them."""

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from truestep.adapters.blobs.addresses import kzg_name, manifest_name
from truestep.adapters.blobs.background import run_in_background
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.keepers.client import KeeperClient
from truestep.availability.encoding import Encoder, TreeSource
from truestep.availability.manifest import Manifest
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments.kzg import Kzg, versioned_hash
from truestep.engine.hashing import hash_many_pairs
from truestep.ports.blobs import Blobs, never

URL_LIMIT = 256
"""The contract takes no longer ones (`String[256]`)."""


def publish(
    blobs: Blobs, kzg: Kzg, trees: Iterable[TreeSource], on_blob: Callable[[int], None] = lambda _: None
) -> Manifest:
    """Make the item that holds these trees and store it, blob by blob; the manifest comes last.

    `on_blob` hears how many blobs are stored. What is stored already is stored again: the store may have lost
    it. Raises Rejected for an item that is too large, Unavailable if the store fails.
    """
    encoder = Encoder(kzg, hash_many_pairs, makes_cells=False)
    for each in encoder.blobs(trees):
        blobs.put_named(kzg_name(versioned_hash(each.commitment)), each.blob)
        on_blob(each.index + 1)
    manifest = encoder.manifest()
    blobs.put_named(manifest_name(manifest.name), manifest.to_json().encode())
    return manifest


def check_served(url: str, manifest: Manifest, *, may_be_private: bool = True) -> None:
    """Refuse to register an item that keepers cannot fetch: looks where they look, as they do.

    `may_be_private`: they connect to private addresses too, as on a devnet. Raises Unavailable.
    """

    async def look() -> tuple[Manifest | None, bytes | None]:
        client = KeeperClient(url, is_stranger=not may_be_private)
        try:
            return (
                await client.stored_manifest(manifest.name),
                await client.stored_blob(manifest.versioned_hashes[-1]),
            )
        finally:
            await client.close()

    try:
        found, blob = run_in_background(look, never)
        why = "" if found == manifest and blob is not None else "it is not there"
    except (Rejected, Unavailable) as error:
        why = f"{error}"
    if why:
        raise Unavailable(
            f"keepers would fetch the data from {url}, and cannot ({why}); nothing is registered. Name the"
            " URL of the store that --blobs writes to with --items-url; keepers connect to public addresses"
            " only, but on a devnet"
        )


def public_url(places: Sequence[str]) -> str:
    """The URL among blob stores that keepers are told. Raises Rejected if none may be public."""
    for place in places:
        parts = urlsplit(place)
        if parts.scheme in ("http", "https") and not parts.username and not parts.password:
            return checked_url(place)
    raise Rejected(
        Reject.BLOB_STORE,
        "expected the URL of a blob store from which keepers can fetch the data; give --items-url URL, or a"
        " store with http(s) and without a password in --blobs",
    )


def checked_url(url: str) -> str:
    """A URL that can be written on the chain. Raises Rejected for another one."""
    try:
        HttpBlobs(url)
    except ValueError as error:
        raise Rejected(Reject.BLOB_STORE, f"{error}; give another --items-url") from error
    if urlsplit(url).username or urlsplit(url).password:
        raise Rejected(
            Reject.BLOB_STORE,
            "expected a URL without a name or password: everybody could read them on the chain; give the"
            " store's public URL with --items-url",
        )
    if len(url.encode()) > URL_LIMIT:
        raise Rejected(
            Reject.BLOB_STORE, f"expected a URL of at most {URL_LIMIT} bytes, got {len(url.encode())}"
        )
    return url.rstrip("/")
