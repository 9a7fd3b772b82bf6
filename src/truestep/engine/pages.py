"""Sets of pages: a byte for each page, looked through in groups of eight."""

import numpy as np

from truestep.engine.keccak import Rows
from truestep.engine.layout import PAGE_COUNT

PAGES_PER_GROUP = 8


class PageSet:
    """A set of page numbers. An empty one takes no memory, a look through a full one a millisecond or two."""

    def __init__(self) -> None:
        self._marks = np.zeros(PAGE_COUNT, np.bool_)

    def add(self, pages: Rows) -> None:
        """Put these in, too."""
        self._marks[pages] = True

    def rows(self) -> Rows:
        """All of them, rising."""
        groups = np.flatnonzero(self._marks.view(np.uint64))
        rows, places = np.nonzero(self._marks.reshape(-1, PAGES_PER_GROUP)[groups])
        return groups[rows] * PAGES_PER_GROUP + places

    def take(self) -> Rows:
        """All of them, rising; none is left."""
        pages = self.rows()
        self._marks[pages] = False
        return pages

    def take_those_of(self, pages: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of `pages`, each named once, are here; they are no longer."""
        found = self._marks[pages]
        self._marks[pages] = False
        return found

    def copy(self) -> "PageSet":
        """Another one with the same pages."""
        twin = PageSet()
        twin.add(self.rows())
        return twin
