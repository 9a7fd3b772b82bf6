"""Fetches sources by the registries' own clients, checks their digests, and unpacks them."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

from tests.c_programs.manifest import Source

_APT_SOURCES = Path("/etc/apt/sources.list.d")
_BUILD_BACKENDS = ("setuptools", "wheel", "scikit-build-core")
"""pip asks the build backend of a source distribution for its metadata before it hands the file over."""
_FETCH_SECONDS = 600
_ONE_AT_A_TIME = threading.Lock()
"""The clients share folders."""


class FetchError(Exception):
    """A source could not be had, or is another one than the manifest says."""


def fetched(source: Source, folder: Path) -> Path:
    """The archive in `folder`, fetched if it is not there yet."""
    archive = folder / source.file
    with _ONE_AT_A_TIME:
        if not archive.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            _FETCHERS[source.registry](source, folder)
        if not archive.is_file():
            raise FetchError(
                f"expected {source.file} of {source.package}, which {source.registry} does not have"
            )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != source.sha256:
        raise FetchError(f"expected {source.file} with SHA-256 {source.sha256}, got {digest}")
    return archive


def unpack(source: Source, archive: Path, target: Path) -> Path:
    """Unpack into an empty `target`; the folder that `root` names, without a folder around everything."""
    shutil.rmtree(target, ignore_errors=True)
    _extract(archive, target)
    place = _only_folder(target) / source.root
    if not place.is_file():
        return place
    inner = target / "inner"
    _extract(place, inner)
    return _only_folder(inner)


def _extract(archive: Path, target: Path) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as members:
            members.extractall(target)
    else:
        with tarfile.open(archive) as members:
            members.extractall(target, filter="tar")


def _only_folder(place: Path) -> Path:
    entries = list(place.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else place


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
    )
    if done.returncode:
        raise FetchError(f"{' '.join(command[:4])} … failed:\n{(done.stderr or done.stdout)[-2000:]}")


def _from_npm(source: Source, folder: Path) -> None:
    _run("npm", "pack", "--silent", f"{source.package}@{source.version}", folder=folder)


def _from_pypi(source: Source, folder: Path, *, kind: str = "--no-binary") -> None:
    environment = folder / "pip"
    python = environment / "bin" / "python"
    if not python.is_file():
        _run(sys.executable, "-m", "venv", str(environment), folder=folder)
        _run(str(python), "-m", "pip", "install", "--quiet", *_BUILD_BACKENDS, folder=folder)
    options = ("--quiet", "--no-deps", "--no-build-isolation", kind, ":all:")
    _run(
        str(python), "-m", "pip", "download", *options, f"{source.package}=={source.version}", folder=folder
    )  # fmt: skip


def _wheel_from_pypi(source: Source, folder: Path) -> None:
    _from_pypi(source, folder, kind="--only-binary")


def _from_debian(source: Source, folder: Path) -> None:
    """The upstream archive of the source package, by apt with its files in `folder`."""
    apt = folder / "apt"
    configuration = apt / "apt.conf"
    options = ("-qq", "-c", str(configuration))
    if not configuration.is_file():
        for part in ("parts", "lists/partial", "cache/archives/partial"):
            (apt / part).mkdir(parents=True, exist_ok=True)
        for entry in _APT_SOURCES.glob("debian*.sources"):
            text = re.sub(r"(?m)^Types:.*$", "Types: deb-src", entry.read_text(encoding="utf-8"))
            (apt / "parts" / entry.name).write_text(text, encoding="utf-8")
        configuration.write_text(
            f'Dir::Etc::sourceparts "{apt}/parts";\nDir::Etc::sourcelist "/dev/null";\n'
            f'Dir::State::lists "{apt}/lists";\nDir::Cache "{apt}/cache";\n',
            encoding="utf-8",
        )
        _run("apt-get", *options, "update", folder=folder)
    try:
        _run(
            "apt-get", *options, "source", "--download-only", "--only-source", source.package, folder=folder
        )  # fmt: skip
    except FetchError:
        # Debian's own patches may be gone from the mirror, and they are not wanted.
        if not (folder / source.file).is_file():
            raise


_FETCHERS = {"npm": _from_npm, "pypi": _from_pypi, "pypi-wheel": _wheel_from_pypi, "debian": _from_debian}
