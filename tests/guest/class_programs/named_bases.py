"""Methods and exceptions that call those of a base by its name."""


class Shape:
    count = 0

    def __init__(self, name):
        self.name = name

    def area(self):
        return 0.0

    def text(self):
        return f"{self.name} {self.area()}"


class Square(Shape):
    def __init__(self, side):
        Shape.__init__(self, "square")
        self.side = side

    def area(self):
        return self.side**2 + Shape.area(self)


class Cube(Square):
    def __init__(self, side, **options):
        Square.__init__(self, side, **options)
        self.name = "cube"

    def area(self):
        return 6 * Square.area(self)

    def text(self):
        return "a " + Shape.text(self)


class Refused(Exception):
    def __init__(self, what, code=0):
        Exception.__init__(self, what)
        self.code = code


class Late(Refused, ValueError):
    def __init__(self, what, **more):
        Refused.__init__(self, "late: " + what, **more)


def program():
    print(Square(2.0).text(), Cube(3.0).text())
    try:
        raise Late("today")
    except Refused as error:
        print(error, error.code)
    try:
        raise Late("now")
    except ValueError as error:
        print(error)
