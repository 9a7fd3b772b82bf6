"""Shapes with an abstract base, areas of different kinds, and setters."""

# pyright: basic, reportIncompatibleMethodOverride=false

import math
from abc import ABC, abstractmethod


class Shape(ABC):
    """Anything with an area."""

    def __init__(self, name):
        self.name = name

    @abstractmethod
    def area(self):
        """How large it is."""

    @abstractmethod
    def perimeter(self):
        """How far it is round it."""

    def describe(self):
        """A line of text."""
        return f"{self.name}: {self.area():.2f}, {self.perimeter():.2f}"


class Rectangle(Shape):
    """Four right angles."""

    def __init__(self, width, height):
        super().__init__("rectangle")
        self.width = width
        self.height = height

    def area(self):
        """Width times height."""
        return self.width * self.height

    def perimeter(self):
        """All four sides."""
        return 2 * (self.width + self.height)


class Square(Rectangle):
    """Equal sides."""

    def __init__(self, side):
        super().__init__(side, side)
        self.name = "square"


class Circle(Shape):
    """All points at one distance."""

    def __init__(self, radius):
        super().__init__("circle")
        self._radius = radius

    @property
    def radius(self):
        """The distance."""
        return self._radius

    @radius.setter
    def radius(self, value):
        if value < 0:
            raise ValueError("negative radius")
        self._radius = value

    def area(self):
        """Pi times the square of the radius."""
        return math.pi * self._radius**2

    def perimeter(self):
        """Two pi times the radius."""
        return 2 * math.pi * self._radius


def program():
    """Measure some."""
    shapes = [Rectangle(3, 4), Square(2), Circle(1)]
    for shape in shapes:
        print(shape.describe())
    print(Rectangle(3, 4).area(), Square(2).perimeter(), Rectangle(1.5, 2).area())
    circle = Circle(2)
    circle.radius = 0.5
    print(circle.radius, round(circle.area(), 6))
    try:
        circle.radius = -1
    except ValueError as error:
        print(error)
    print(round(sum(shape.area() for shape in shapes), 6))
