"""Ranks of pages by power iteration on dictionaries."""


class Graph:
    """Pages and their links."""

    def __init__(self):
        self.links = {}

    def add_link(self, source, target):
        """Add a link, and the pages."""
        self.links.setdefault(source, []).append(target)
        self.links.setdefault(target, [])

    def page_rank(self, damping=0.85, rounds=20):
        """The rank of each page."""
        n = len(self.links)
        ranks = dict.fromkeys(self.links, 1 / n)
        for _ in range(rounds):
            new = dict.fromkeys(self.links, (1 - damping) / n)
            for page, targets in self.links.items():
                if targets:
                    for target in targets:
                        new[target] += damping * ranks[page] / len(targets)
                else:
                    for other in new:
                        new[other] += damping * ranks[page] / n
            ranks = new
        return ranks


def program():
    """Rank five pages."""
    graph = Graph()
    for source, target in [("a", "b"), ("a", "c"), ("b", "c"), ("c", "a"), ("d", "c"), ("d", "e")]:
        graph.add_link(source, target)
    ranks = graph.page_rank()
    for page, rank in sorted(ranks.items(), key=lambda pair: -pair[1]):
        print(f"{page} {rank:.6f}")
    print(round(sum(ranks.values()), 9))
