"""A little of what classes can do beside fields and methods."""

from contextlib import contextmanager


class ShortageError(Exception):
    def __init__(self, wanted, available):
        super().__init__(f"wanted {wanted}, have {available}")
        self.wanted = wanted
        self.available = available


class Store:
    def __init__(self, items):
        self.items = items
        self.is_open = False

    def __enter__(self):
        self.is_open = True
        return self

    def __exit__(self, kind, error, trace):
        self.is_open = False
        if kind is not None:
            print("closed after", kind.__name__, error)
        return kind is KeyError

    def __iter__(self):
        return StoreIterator(self.items)

    def __radd__(self, number):
        return number + len(self.items)

    def __gt__(self, other):
        return len(self.items) > len(other.items)

    def take(self, count):
        if count > len(self.items):
            raise ShortageError(count, len(self.items))
        return [self.items.pop() for _ in range(count)]


class StoreIterator:
    def __init__(self, items):
        self.items = items
        self.place = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.place == len(self.items):
            raise StopIteration
        self.place += 1
        return self.items[self.place - 1]


@contextmanager
def noted(name, notes):
    notes.append("begin " + name)
    try:
        yield len(notes)
    finally:
        notes.append("end " + name)


def first_odd(numbers, notes):
    for number in numbers:
        try:
            if number % 2 == 0:
                continue
            return number
        finally:
            notes.append(str(number))
    return -1


def program():
    store = Store([3, 1, 2])
    for item in store:
        print(item)
    print(sum(store), 10 + store, max(store, Store([])) is store)
    with store as opened:
        print(opened.is_open, store.take(2))
    print(store.is_open)
    try:
        with store:
            store.take(5)
    except ShortageError as error:
        print(error, error.wanted - error.available, type(error).__name__)
    with store:
        raise KeyError("key")
    notes = []
    with noted("work", notes) as count:
        notes.append(str(count))
    print(first_odd([2, 4, 7, 8], notes), notes)
