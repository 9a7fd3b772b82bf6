"""Conway's game of life on sets of cells."""


class Life:
    """Living cells."""

    def __init__(self, cells):
        self.cells = set(cells)
        self.generation = 0

    def neighbours(self, cell):
        """The eight cells around one."""
        x, y = cell
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                if dx or dy:
                    yield x + dx, y + dy

    def step(self):
        """The next generation."""
        counts = {}
        for cell in self.cells:
            for other in self.neighbours(cell):
                counts[other] = counts.get(other, 0) + 1
        self.cells = {cell for cell, n in counts.items() if n == 3 or (n == 2 and cell in self.cells)}
        self.generation += 1

    def draw(self, width, height):
        """Lines of text."""
        for y in range(height):
            print("".join("#" if (x, y) in self.cells else "." for x in range(width)))


def program():
    """A glider."""
    life = Life([(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)])
    life.draw(5, 4)
    for _ in range(4):
        life.step()
    life.draw(5, 4)
    print(life.generation, len(life.cells), sorted(life.cells))
