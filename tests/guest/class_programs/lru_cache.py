"""A cache that forgets what was used least recently."""

from collections import OrderedDict


class LRUCache:
    """Keys and values, the oldest first."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.items = OrderedDict()
        self.hits = 0
        self.misses = 0

    def get(self, key):
        """The value, or None."""
        if key not in self.items:
            self.misses += 1
            return None
        self.hits += 1
        self.items.move_to_end(key)
        return self.items[key]

    def put(self, key, value):
        """Keep a value."""
        if key in self.items:
            self.items.move_to_end(key)
        self.items[key] = value
        if len(self.items) > self.capacity:
            self.items.popitem(last=False)

    @property
    def hit_rate(self):
        """The share of hits."""
        total = self.hits + self.misses
        return self.hits / total if total else 0


def program():
    """Use a small one."""
    cache = LRUCache(2)
    print(cache.hit_rate)
    cache.put("a", 1)
    cache.put("b", 2)
    print(cache.get("a"))
    cache.put("c", 3)
    print(cache.get("b"), cache.get("c"), cache.hit_rate)
    print(list(cache.items.keys()), list(cache.items.values()))
