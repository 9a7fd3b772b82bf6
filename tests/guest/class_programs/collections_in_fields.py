"""Counter, defaultdict, deque and OrderedDict as fields."""

from collections import Counter, OrderedDict, defaultdict, deque


class LRU:
    def __init__(self, cap):
        self.cap = cap
        self.d = OrderedDict()

    def get(self, k):
        if k not in self.d:
            return -1
        self.d.move_to_end(k)
        return self.d[k]

    def put(self, k, v):
        if k in self.d:
            self.d.move_to_end(k)
        self.d[k] = v
        if len(self.d) > self.cap:
            self.d.popitem(last=False)


def od_field():
    c = LRU(2)
    c.put(1, 10)
    c.put(2, 20)
    print(c.get(1))
    c.put(3, 30)
    print(c.get(2), c.get(3), list(c.d.keys()), list(c.d.items()))


class Stats:
    def __init__(self, text):
        self.words = Counter(text.split())
        self.groups = defaultdict(list)
        self.seen = defaultdict(int)
        for w in text.split():
            self.groups[len(w)].append(w)
            self.seen[w[0]] += 1
        self.recent = deque(maxlen=3)

    def push(self, w):
        self.recent.append(w)
        self.words[w] += 1

    def top(self, n):
        return self.words.most_common(n)


def counter_field():
    s = Stats("a bb a ccc bb a")
    print(s.top(2), s.words["a"], s.words["zzz"])
    print(s.groups[1], sorted(s.groups.keys()), s.seen["b"])
    for w in ["p", "q", "r", "s"]:
        s.push(w)
    print(list(s.recent), len(s.words))
    print(sum(s.words.values()))


class Graph:
    def __init__(self):
        self.adj = defaultdict(set)

    def add_edge(self, a, b):
        self.adj[a].add(b)
        self.adj[b].add(a)

    def bfs(self, start):
        seen = {start}
        order = []
        queue = deque([start])
        while queue:
            node = queue.popleft()
            order.append(node)
            for n in sorted(self.adj[node]):
                if n not in seen:
                    seen.add(n)
                    queue.append(n)
        return order


def graph_dd():
    g = Graph()
    for a, b in [("a", "b"), ("a", "c"), ("b", "d")]:
        g.add_edge(a, b)
    print(g.bfs("a"))


def program():
    od_field()
    counter_field()
    graph_dd()
