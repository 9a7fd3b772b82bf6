"""A singly linked list with the methods of a list."""


class Node:
    """One value and the next node."""

    def __init__(self, value, next=None):
        self.value = value
        self.next = next


class LinkedList:
    """A chain of nodes."""

    def __init__(self):
        self.head = None
        self.size = 0

    def push(self, value):
        """Add at the front."""
        self.head = Node(value, self.head)
        self.size += 1

    def append(self, value):
        """Add at the end."""
        node = Node(value)
        if self.head is None:
            self.head = node
        else:
            current = self.head
            while current.next is not None:
                current = current.next
            current.next = node
        self.size += 1

    def remove(self, value):
        """Take the first node with the value out."""
        previous = None
        current = self.head
        while current:
            if current.value == value:
                if previous:
                    previous.next = current.next
                else:
                    self.head = current.next
                self.size -= 1
                return True
            previous, current = current, current.next
        return False

    def reverse(self):
        """Turn the chain round."""
        previous = None
        current = self.head
        while current:
            current.next, previous, current = previous, current, current.next
        self.head = previous

    def __iter__(self):
        current = self.head
        while current:
            yield current.value
            current = current.next

    def __len__(self):
        return self.size


def program():
    """Use all methods."""
    items = LinkedList()
    for value in [3, 1, 4, 1, 5]:
        items.append(value)
    items.push(9)
    print(list(items), len(items))
    print(items.remove(1), items.remove(7), list(items))
    items.reverse()
    print(list(items), sum(items), max(items))
