"""A matrix of lists with operators, a determinant and a transpose."""


class Matrix:
    """Rows of numbers."""

    def __init__(self, rows):
        self.rows = [list(row) for row in rows]
        self.height = len(rows)
        self.width = len(rows[0])

    @classmethod
    def identity(cls, n):
        """Ones on the diagonal."""
        return cls([[1 if i == j else 0 for j in range(n)] for i in range(n)])

    @classmethod
    def zeros(cls, height, width):
        """Nothing but zeros."""
        return cls([[0] * width for _ in range(height)])

    def __getitem__(self, place):
        i, j = place
        return self.rows[i][j]

    def __add__(self, other):
        return Matrix([[a + b for a, b in zip(r, s)] for r, s in zip(self.rows, other.rows)])

    def __mul__(self, other):
        result = Matrix.zeros(self.height, other.width)
        for i in range(self.height):
            for j in range(other.width):
                result.rows[i][j] = sum(self.rows[i][k] * other.rows[k][j] for k in range(self.width))
        return result

    def __eq__(self, other):
        return self.rows == other.rows

    def transpose(self):
        """Rows become columns."""
        return Matrix([list(column) for column in zip(*self.rows)])

    def determinant(self):
        """By expansion along the first row."""
        if self.height == 1:
            return self.rows[0][0]
        total = 0
        for j in range(self.width):
            minor = Matrix([row[:j] + row[j + 1 :] for row in self.rows[1:]])
            total += (-1) ** j * self.rows[0][j] * minor.determinant()
        return total

    def __repr__(self):
        return "Matrix(" + repr(self.rows) + ")"


def program():
    """Compute with small matrices."""
    a = Matrix([[1, 2], [3, 4]])
    b = Matrix([[0, 1], [1, 0]])
    print(a + b, a * b, a.transpose(), a[1, 0])
    print(a.determinant(), Matrix([[2, 0, 1], [1, 3, 2], [1, 1, 4]]).determinant())
    print(a * Matrix.identity(2) == a, a == b)
