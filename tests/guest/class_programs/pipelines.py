"""Generators that feed each other."""


def numbers(limit):
    """Integers below a limit."""
    n = 0
    while n < limit:
        yield n
        n += 1


def squares(values):
    """The square of each."""
    for value in values:
        yield value * value


def evens(values):
    """Those that two divides."""
    for value in values:
        if value % 2 == 0:
            yield value


def running_mean(values):
    """The mean of all so far."""
    total = 0
    count = 0
    for value in values:
        total += value
        count += 1
        yield total / count


def chunks(items, size):
    """Parts of a list."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def fibonacci():
    """Without end."""
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b


class Countdown:
    """An iterator as a class."""

    def __init__(self, start):
        self.current = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.current <= 0:
            raise StopIteration
        self.current -= 1
        return self.current + 1


def program():
    """Use all of them."""
    print(list(evens(squares(numbers(10)))))
    print(sum(squares(numbers(5))), list(running_mean([1, 2, 4, 8])))
    print(list(chunks([1, 2, 3, 4, 5], 2)))
    found = []
    for f in fibonacci():
        if f > 50:
            break
        found.append(f)
    print(found)
    print([n for n in Countdown(3)], max(x for x in evens(numbers(9))))
