"""The networks that this user has given names: deployment files in a folder of the user's configuration."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from truestep.adapters.chain.deployment import Deployment, parse_deployment, read_deployment
from truestep.base.errors import Reject, Rejected, Unavailable

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
SUFFIX = ".json"
FILE_LIMIT_BYTES = 1 << 16
"""A deployment file is two kilobytes."""
FETCH_SECONDS = 20.0
_LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
_URL = re.compile(r"https?://", re.IGNORECASE)


def networks_folder() -> Path:
    """Where the files are (XDG base directories)."""
    stated = Path(os.environ.get("XDG_CONFIG_HOME") or "")
    try:
        folder = stated if stated.is_absolute() else Path("~/.config").expanduser()
    except RuntimeError as error:
        raise Rejected(
            Reject.NETWORK_NAME, "this user has no home folder for networks; set XDG_CONFIG_HOME"
        ) from error
    return folder / "truestep" / "networks"


def network_names() -> list[str]:
    """The names, sorted."""
    files = networks_folder().glob(f"*{SUFFIX}")
    return sorted(file.stem for file in files if NAME.fullmatch(file.stem))


def network_file(name: str) -> Path:
    """The deployment file of a network. Raises `Rejected` if there is none of this name."""
    names = network_names()
    if name not in names:
        known = f"there are {', '.join(names)}" if names else "there is none yet"
        raise Rejected(
            Reject.NETWORK_NAME, f"no network is named {name!r}, {known}; see `truestep network add`"
        )
    return networks_folder() / f"{name}{SUFFIX}"


def add_network(name: str, deployment: Deployment, *, may_replace: bool = False) -> Path:
    """Keep a deployment under a name. Raises `Rejected` if the name is another network's already."""
    if not NAME.fullmatch(name):
        raise Rejected(
            Reject.NETWORK_NAME,
            f"expected up to 40 small letters, digits, dots and hyphens, such as sepolia-1, got {name!r}",
        )
    path = networks_folder() / f"{name}{SUFFIX}"
    if path.exists() and not may_replace and read_deployment(path) != deployment:
        raise Rejected(
            Reject.NETWORK_NAME,
            f"{name} is the name of another network already; choose another name, or pass --replace",
        )
    deployment.write(path)
    return path


def fetch_deployment(place: str) -> Deployment:
    """The deployment in a file or at a URL. Raises `Rejected`, or `Unavailable` if it cannot be fetched."""
    return parse_deployment(_fetched(place), place) if _URL.match(place) else read_deployment(Path(place))


def _fetched(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL_HOSTS:
        raise Rejected(
            Reject.DEPLOYMENT_FILE,
            f"expected a URL that begins with https://, got {url}: on the way over http anybody could put"
            " other contracts into the file",
        )
    try:
        with httpx.stream("GET", url, timeout=FETCH_SECONDS, follow_redirects=False) as response:
            if not response.is_success:
                raise Unavailable(f"{url} answers with status {response.status_code}; check the URL")
            content = b""
            for piece in response.iter_bytes():
                content += piece
                if len(content) > FILE_LIMIT_BYTES:
                    raise Rejected(Reject.DEPLOYMENT_FILE, f"{url} is too large for a deployment file")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"cannot fetch {url}: {error or type(error).__name__}; check the URL") from error
    return content.decode("utf-8", "replace")
