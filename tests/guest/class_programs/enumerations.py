"""Members of an Enum in fields, keys, lists and texts."""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto


class Color(Enum):
    RED = 1
    GREEN = 2


class State(Enum):
    IDLE = auto()
    RUN = auto()

    def next(self):
        return State.RUN if self is State.IDLE else State.IDLE

    @property
    def shout(self):
        return self.name + "!"


class Level(Enum):
    LOW = "low"
    HIGH = "high"


class Pri(IntEnum):
    A = 1
    B = 2


TRANSITIONS = {(State.IDLE, "go"): State.RUN, (State.RUN, "stop"): State.IDLE}


@dataclass(frozen=True)
class Card:
    rank: int
    level: Level

    def __str__(self):
        return f"{self.rank}{self.level.value}"


class Light:
    def __init__(self, color):
        self.color = color
        self.state = State.IDLE
        self.level = Level.LOW
        self.seen = []

    def step(self):
        self.state = self.state.next()
        self.seen.append(self.state)
        return self.state.name

    def fire(self, event):
        key = (self.state, event)
        if key not in TRANSITIONS:
            raise ValueError(f"no {event} in {self.state.name}")
        self.state = TRANSITIONS[key]


def program():
    light = Light(Color.RED)
    print(light.color.name, light.color.value, light.color, light.color == Color.RED, light.state.shout)
    print(light.step(), light.step())
    light.level = Level.HIGH
    print(light.level.value, light.level.name, f"{light.level}", str(light.color))
    for c in Color:
        print(c.name, c.value)
    p = Pri.A
    print(p < Pri.B, Pri.B + 1, p.name)
    d = {Color.RED: "r", Color.GREEN: "g"}
    print(d[light.color])
    light.fire("go")
    print(light.state)
    try:
        light.fire("go")
    except ValueError as e:
        print(e)
    print(Card(3, Level.LOW), Card(3, Level.LOW) == Card(3, Level.HIGH))
    print(light.seen[0].name, light.state in (State.RUN, State.IDLE))
