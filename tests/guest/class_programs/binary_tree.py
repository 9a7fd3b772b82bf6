"""A binary search tree with recursive methods."""


class Tree:
    """A node with its branches."""

    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.left = None
        self.right = None

    def insert(self, key, value):
        """Add a key, or change its value."""
        if key == self.key:
            self.value = value
        elif key < self.key:
            if self.left is None:
                self.left = Tree(key, value)
            else:
                self.left.insert(key, value)
        elif self.right is None:
            self.right = Tree(key, value)
        else:
            self.right.insert(key, value)

    def find(self, key):
        """The value of a key, or None."""
        if key == self.key:
            return self.value
        branch = self.left if key < self.key else self.right
        return branch.find(key) if branch else None

    def depth(self):
        """The length of the longest branch."""
        left = self.left.depth() if self.left else 0
        right = self.right.depth() if self.right else 0
        return 1 + max(left, right)

    def keys(self):
        """All keys in order."""
        found = []
        if self.left:
            found += self.left.keys()
        found.append(self.key)
        if self.right:
            found += self.right.keys()
        return found


def program():
    """Fill a tree."""
    tree = Tree("m", 13)
    for key, value in [("c", 3), ("x", 24), ("a", 1), ("p", 16), ("z", 26), ("d", 4)]:
        tree.insert(key, value)
    tree.insert("c", 33)
    print(tree.keys(), tree.depth())
    print(tree.find("c"), tree.find("q"), tree.find("z"))
