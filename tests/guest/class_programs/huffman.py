"""Codes of variable length, from a heap of trees."""

import heapq
from collections import Counter


class Node:
    """A letter, or two trees."""

    def __init__(self, weight, order, letter=None, left=None, right=None):
        self.weight = weight
        self.order = order
        self.letter = letter
        self.left = left
        self.right = right

    def __lt__(self, other):
        return (self.weight, self.order) < (other.weight, other.order)


def build(text):
    """The tree of a text."""
    heap = []
    for order, (letter, weight) in enumerate(sorted(Counter(text).items())):
        heapq.heappush(heap, Node(weight, order, letter))
    order = len(heap)
    while len(heap) > 1:
        one = heapq.heappop(heap)
        other = heapq.heappop(heap)
        heapq.heappush(heap, Node(one.weight + other.weight, order, None, one, other))
        order += 1
    return heap[0]


def assign(node, prefix, codes):
    """Put the code of each letter into a dictionary."""
    if node.letter is not None:
        codes[node.letter] = prefix or "0"
        return
    assign(node.left, prefix + "0", codes)
    assign(node.right, prefix + "1", codes)


def decode(node, bits):
    """The text of a code."""
    text = []
    current = node
    for bit in bits:
        current = current.left if bit == "0" else current.right
        if current.letter is not None:
            text.append(current.letter)
            current = node
    return "".join(text)


def program():
    """Code and decode."""
    text = "abracadabra alakazam"
    tree = build(text)
    codes = {}
    assign(tree, "", codes)
    bits = "".join(codes[letter] for letter in text)
    print(sorted(codes.items()), len(bits))
    print(decode(tree, bits))
