"""A set of small integers in the bits of one integer."""


class BitSet:
    """Integers below 60."""

    def __init__(self, items=()):
        self.bits = 0
        for item in items:
            self.add(item)

    def add(self, item):
        """Put an integer in."""
        self.bits |= 1 << item

    def discard(self, item):
        """Take an integer out."""
        self.bits &= ~(1 << item)

    def __contains__(self, item):
        return bool(self.bits >> item & 1)

    def __or__(self, other):
        result = BitSet()
        result.bits = self.bits | other.bits
        return result

    def __and__(self, other):
        result = BitSet()
        result.bits = self.bits & other.bits
        return result

    def __len__(self):
        return bin(self.bits).count("1")

    def __iter__(self):
        bits = self.bits
        place = 0
        while bits:
            if bits & 1:
                yield place
            bits >>= 1
            place += 1

    def __repr__(self):
        return "BitSet([" + ", ".join(str(item) for item in self) + "])"


def program():
    """Use it."""
    a = BitSet([1, 5, 9])
    b = BitSet((5, 7))
    print(a, b, a | b, a & b, len(a), 5 in a, 6 in a)
    a.discard(5)
    print(list(a), sum(a), 5 in a, len(BitSet()))
