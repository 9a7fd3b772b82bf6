"""Classes whose instances refer to others of their class, for one-liners."""

# pyright: basic

from typing import Any


class Link:
    """A link of a chain, of a heap of texts or of a tree: its fields get their values later."""

    count = 0

    def __init__(self, value, after=None):
        self.value = value
        self.after = after
        self.below = []
        self.table = False

    def put(self, value):
        """Make the next link."""
        self.after = Link(value, self.after)
        self.count += 1
        return self.after

    def grow(self, value):
        """Make a link below."""
        child: Any = Link(value)
        child.above = self
        self.below.append(child)
        return child

    def prepare(self, size):
        """Make the table, which is not read before."""
        self.table = [number * number for number in range(size)]
        return self

    def total(self):
        """Of all links below."""
        return self.value + sum(child.total() for child in self.below)

    def __iter__(self):
        link = self
        while link is not None:
            yield link.value
            link = link.after

    def __radd__(self, other):
        return other + self.value


class Words:
    """A tree of texts."""

    def __init__(self):
        self.below = {}
        self.is_word = False

    def put(self, word):
        """Add a word."""
        tree = self
        for letter in word:
            if letter not in tree.below:
                tree.below[letter] = Words()
            tree = tree.below[letter]
        tree.is_word = True

    def has(self, word):
        """Whether a word was added."""
        tree = self
        for letter in word:
            if letter not in tree.below:
                return False
            tree = tree.below[letter]
        return tree.is_word


class Branch:
    """A tree of sums."""

    def __init__(self, low, high):
        self.low, self.high = low, high
        self.left: Any = None
        self.right: Any = None
        self.total = 0


def branches(values, low, high):
    """The tree of a part of a list."""
    branch = Branch(low, high)
    if high - low == 1:
        branch.total = values[low]
        return branch
    middle = (low + high) // 2
    branch.left = branches(values, low, middle)
    branch.right = branches(values, middle, high)
    branch.total = branch.left.total + branch.right.total
    return branch


def sum_within(branch, low, high):
    """The sum of a part of a list."""
    if branch is None or high <= branch.low or low >= branch.high:
        return 0
    if low <= branch.low and branch.high <= high:
        return branch.total
    return sum_within(branch.left, low, high) + sum_within(branch.right, low, high)


def doubled(value):
    """A function that asks for the class of its argument."""
    if isinstance(value, Link):
        return value.value * 2
    return -1 if isinstance(value, (Words, Branch)) else value * 2
