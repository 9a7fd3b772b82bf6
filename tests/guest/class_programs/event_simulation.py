"""A queue at a counter: events in a heap, in the order of their times."""

import heapq
import random


class Event:
    """Something that happens at a time."""

    def __init__(self, time, kind, customer):
        self.time = time
        self.kind = kind
        self.customer = customer

    def __lt__(self, other):
        return self.time < other.time


class Counter:
    """A clerk who serves one customer after the other."""

    def __init__(self, seed):
        self.events = []
        self.waiting = []
        self.is_busy = False
        self.now = 0
        self.served = 0
        self.waited = 0
        self.rng = random.Random(seed)

    def schedule(self, delay, kind, customer):
        """Let something happen later."""
        heapq.heappush(self.events, Event(self.now + delay, kind, customer))

    def start(self, customer, arrived):
        """Serve a customer."""
        self.is_busy = True
        self.waited += self.now - arrived
        self.schedule(self.rng.expovariate(1 / 3), "done", customer)

    def run(self, customers):
        """Let so many customers come."""
        for customer in range(customers):
            self.schedule(self.rng.uniform(0, 60), "arrive", customer)
        while self.events:
            event = heapq.heappop(self.events)
            self.now = event.time
            if event.kind == "arrive":
                if self.is_busy:
                    self.waiting.append((event.customer, self.now))
                else:
                    self.start(event.customer, self.now)
            else:
                self.served += 1
                self.is_busy = False
                if self.waiting:
                    customer, arrived = self.waiting.pop(0)
                    self.start(customer, arrived)


def program():
    """Run an hour."""
    counter = Counter(7)
    print(counter.now, counter.waited)
    counter.run(20)
    print(counter.served, round(counter.now, 6), round(counter.waited / counter.served, 6))
