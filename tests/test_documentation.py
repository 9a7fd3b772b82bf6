"""What the pages for contributors name exists: paths, modules, classes, make targets."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from truestep.adapters.chain.abi import function_name
from truestep.contracts.artifacts import load_artifact
from truestep.protocol.settlement.games import MOVES

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = ("CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md")
PLACES = re.compile(
    r"`((?:src|tests|docs|benchmarks|examples|changelog\.d|\.ci)/[\w./-]*|[\w.-]+\.(?:md|toml|lock))`"
)
"""Paths from the repository's root, and files in it."""
PACKAGES = re.compile(
    r"`((?:base|contracts|commitments|machine|protocol|roles|ports|engine|guest|adapters|node|composition|conformance"
    r"|client|simulation|devnet|demo|cli)/[\w./-]*)`"
)
"""Paths below src/truestep."""
LINKS = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
CITED = re.compile(r"\b([PS]\d+\.\d+)\b")
"""A clause of the protocol; those of its first version began with P."""
SUFFIXES = (".py", ".vy", ".vyi", ".sol", ".md", ".toml")
CODE = re.compile(r"\| `([a-z_]+(?:\.\w+)*)` \|$", re.MULTILINE)
"""The last column of the glossary."""


def text_of(page: str) -> str:
    """A page's text."""
    return (REPOSITORY / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_paths_exist(page: str) -> None:
    text = text_of(page)
    named = {
        **{name: REPOSITORY / name for name in PLACES.findall(text)},
        **{name: REPOSITORY / "src" / "truestep" / name for name in PACKAGES.findall(text)},
    }
    assert named or page == "docs/glossary.md"
    assert [name for name, path in named.items() if not path.exists()] == []


@pytest.mark.parametrize(
    "page", [*PAGES, *(str(path.relative_to(REPOSITORY)) for path in sorted(REPOSITORY.glob("docs/**/*.md")))]
)
def test_links_lead_somewhere(page: str) -> None:
    folder = (REPOSITORY / page).parent
    assert [link for link in LINKS.findall(text_of(page)) if not (folder / link).exists()] == []


def test_decisions_are_numbered_once_and_listed_in_order() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    names = sorted(path.name for path in folder.glob("[0-9]*.md"))
    numbers = [name.partition("-")[0] for name in names]
    assert len(set(numbers)) == len(numbers)
    assert re.findall(r"^\| \[\d+\]\(([^)]+)\)", text_of("docs/decisions/README.md"), re.MULTILINE) == names
    for name, number in zip(names, numbers, strict=True):
        assert text_of(f"docs/decisions/{name}").startswith(f"# {number}: "), name


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", text_of(page))}
    assert named - targets == set()


def test_terms_stand_for_code() -> None:
    names = CODE.findall(text_of("docs/glossary.md"))
    assert len(names) > 70
    assert [name for name in names if not is_there(name)] == []


def test_terms_are_sorted() -> None:
    """Within each table, so that a term is found and added only once."""
    for section in text_of("docs/glossary.md").split("\n## ")[1:]:
        terms = re.findall(r"^\| ([^|`-][^|]*?) \|", section, re.MULTILINE)[1:]
        assert terms == sorted(terms, key=str.lower)


def test_stages_of_games_are_the_model_s() -> None:
    """The table of S11.11 is `games.MOVES` in words."""
    rows: list[str] = []
    for stage, calls in MOVES.items():
        ends = {function_name(call): " or ".join(to.name for to in stages) for call, stages in calls.items()}
        rows.append(f"| {stage.name} | {', '.join(f'`{call}` → {to}' for call, to in ends.items())} |")
    assert "\n".join(rows) in text_of("docs/protocol.md")


def test_the_protocol_lists_every_call() -> None:
    """S12.2: what changes something, with the parameters' names."""
    listed = " ".join(text_of("docs/protocol.md").partition("- **S12.2**")[2].split())
    for contract in (
        "Programs",
        "Operators",
        "Jobs",
        "Results",
        "Disputes",
        "Parameters",
        "Assurances",
        "Timelock",
    ):
        for entry in load_artifact(contract).abi:
            if entry.get("stateMutability") in ("payable", "nonpayable") and entry["type"] == "function":
                names = ", ".join(parameter["name"] for parameter in entry["inputs"])
                suffix = " payable" if entry["stateMutability"] == "payable" else ""
                assert f"{entry['name']}({names}){suffix}" in listed


def test_clauses_that_are_cited_exist() -> None:
    """In code, tests, contracts and pages: a clause that moved takes those that cite it along."""
    clauses = set(re.findall(r"^- \*\*([SM][\d.]+)\*\*", text_of("docs/protocol.md"), re.MULTILINE))
    unknown = {
        f"{path.relative_to(REPOSITORY)}: {clause}"
        for path in cited_in()
        for clause in CITED.findall(path.read_text("utf-8"))
        if clause not in clauses
    }
    assert sorted(unknown) == []


def cited_in() -> Iterator[Path]:
    """Every source and page, but records of decisions, which keep what they said."""
    for folder in ("src", "tests", "benchmarks", "docs", "examples", "packages/contracts/src"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in SUFFIXES and "decisions" not in path.parts:
                yield path


def is_there(name: str) -> bool:
    """Whether a dotted name below `truestep` is a module, or something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["truestep", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False
