"""A traffic light and a turnstile as state machines, with an enum and a table."""

from enum import Enum


class Light(Enum):
    """The colours."""

    RED = 1
    GREEN = 2
    YELLOW = 3


NEXT = {Light.RED: Light.GREEN, Light.GREEN: Light.YELLOW, Light.YELLOW: Light.RED}
SECONDS = {Light.RED: 30, Light.GREEN: 25, Light.YELLOW: 4.5}


class TrafficLight:
    """Goes from colour to colour."""

    def __init__(self):
        self.state = Light.RED
        self.elapsed = 0

    def step(self):
        """Wait, and go on."""
        self.elapsed += SECONDS[self.state]
        self.state = NEXT[self.state]


class Turnstile:
    """Opens for a coin."""

    def __init__(self):
        self.state = "locked"
        self.coins = 0
        self.passed = 0

    def handle(self, event):
        """What an event changes."""
        transitions = {
            ("locked", "coin"): "unlocked",
            ("locked", "push"): "locked",
            ("unlocked", "coin"): "unlocked",
            ("unlocked", "push"): "locked",
        }
        if event == "coin":
            self.coins += 1
        if self.state == "unlocked" and event == "push":
            self.passed += 1
        self.state = transitions[(self.state, event)]


def program():
    """Run both."""
    light = TrafficLight()
    for _ in range(4):
        print(light.state.name, light.elapsed)
        light.step()
    turnstile = Turnstile()
    for event in ["push", "coin", "push", "push", "coin", "coin", "push"]:
        turnstile.handle(event)
        print(event, turnstile.state)
    print(turnstile.coins, turnstile.passed)
