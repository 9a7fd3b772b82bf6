"""Sets of pages, with one byte per page."""

import numpy as np

from truestep.engine.layout import PAGE_COUNT
from truestep.engine.runtime.keccak import Rows

Marks = np.ndarray[tuple[int], np.dtype[np.bool_]]

GROUP = 4096
"""Groups of this many pages are searched only if a page of them may be marked: most runs mark in a few."""
_GROUP_SHIFT = GROUP.bit_length() - 1
GROUP_COUNT = PAGE_COUNT // GROUP


def group_of(page: int) -> int:
    """The group of a page."""
    return page >> _GROUP_SHIFT


def groups_with_any(marks: Marks) -> Marks:
    """Which groups have a marked page; reads all marks."""
    return np.logical_or.reduce(marks.reshape(GROUP_COUNT, GROUP), axis=1)


def marked_pages(marks: Marks, groups: Marks) -> Rows:
    """The numbers of the pages that are marked, rising; only those `groups` are searched."""
    searched = np.flatnonzero(groups)
    found = np.flatnonzero(marks.reshape(GROUP_COUNT, GROUP)[searched])
    return searched[found >> _GROUP_SHIFT] << _GROUP_SHIFT | found & GROUP - 1


class PageSet:
    """A set of page numbers."""

    def __init__(self) -> None:
        self._marks = np.zeros(PAGE_COUNT, np.bool_)
        self._groups = np.zeros(GROUP_COUNT, np.bool_)

    def add(self, pages: Rows) -> None:
        """Add pages."""
        self._marks[pages] = True
        self._groups[pages >> _GROUP_SHIFT] = True

    def rows(self) -> Rows:
        """All pages, in rising order."""
        return marked_pages(self._marks, self._groups)

    def take(self) -> Rows:
        """Remove and return all pages, in rising order."""
        pages = self.rows()
        self._marks[pages] = False
        self._groups[:] = False
        return pages

    def take_those_of(self, pages: Rows) -> Marks:
        """Remove `pages`, each named once, and return which of them were in the set."""
        found = self._marks[pages]
        self._marks[pages] = False
        return found

    def copy(self) -> "PageSet":
        """An independent copy."""
        twin = PageSet()
        twin.add(self.rows())
        return twin
