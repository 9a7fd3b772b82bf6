"""The documentation as a site: every link in it leads somewhere, and nothing is loaded from elsewhere.

`python -m tests.site FOLDER` checks a site that `make site` has built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and the places in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        """What a browser fetches by itself."""
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        linked = [values[name] for name in ("href", "src") if name in values]
        (self.links if tag == "a" else self.loaded).extend(linked)


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with the links of the site in a folder."""
    root = folder.resolve()
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(root.rglob("*.html"))}
    if not pages:
        yield f"{folder} has no page"
    for path, page in pages.items():
        name = path.relative_to(root)
        yield from (f"{name} loads {link}" for link in page.loaded if _is_outside(link))
        for link in (*page.links, *page.loaded):
            if not _is_outside(link) and not _is_there(root, path, link, pages):
                yield f"{name} links to {link}, which is not in the site"


def _is_outside(link: str) -> bool:
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "file")


def _is_there(root: Path, page: Path, link: str, pages: Mapping[Path, Page]) -> bool:
    parts = urlsplit(link)
    path = unquote(parts.path)
    start = root if path.startswith("/") else page.parent
    target = (start / path.lstrip("/")).resolve() if path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(root) or not target.exists():
        return False
    return not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].places


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1])))
    sys.stdout.writelines(f"{fault}\n" for fault in found)
    sys.exit(bool(found))
