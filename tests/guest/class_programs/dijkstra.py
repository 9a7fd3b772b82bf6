"""Shortest paths in a graph of named places."""

import heapq


class Graph:
    """Edges with lengths."""

    def __init__(self):
        self.edges = {}

    def add_edge(self, a, b, length):
        """Add a way in both directions."""
        self.edges.setdefault(a, []).append((b, length))
        self.edges.setdefault(b, []).append((a, length))

    def shortest(self, start):
        """Distances and previous places."""
        distances = {node: float("inf") for node in self.edges}
        previous = {}
        distances[start] = 0
        heap = [(0, start)]
        while heap:
            distance, node = heapq.heappop(heap)
            if distance > distances[node]:
                continue
            for other, length in self.edges[node]:
                through = distance + length
                if through < distances[other]:
                    distances[other] = through
                    previous[other] = node
                    heapq.heappush(heap, (through, other))
        return distances, previous

    def path(self, start, end):
        """The places on the way."""
        _, previous = self.shortest(start)
        path = [end]
        while path[-1] != start:
            path.append(previous[path[-1]])
        return path[::-1]


def program():
    """Find ways."""
    graph = Graph()
    for a, b, length in [("A", "B", 4.5), ("A", "C", 2), ("C", "B", 1), ("B", "D", 5), ("C", "D", 8.25)]:
        graph.add_edge(a, b, length)
    distances, _ = graph.shortest("A")
    print(distances)
    print(" -> ".join(graph.path("A", "D")))
