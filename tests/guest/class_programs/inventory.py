"""A shop's stock in dictionaries, and an order that is taken from it."""


class Item:
    """What is sold."""

    def __init__(self, name, price, quantity=0):
        self.name = name
        self.price = price
        self.quantity = quantity

    def value(self):
        """What all of it is worth."""
        return self.price * self.quantity


class Inventory:
    """All items by their names."""

    def __init__(self):
        self.items = {}
        self.sold = {}
        self.revenue = 0

    def add(self, name, price, quantity):
        """Add some of an item."""
        if name in self.items:
            self.items[name].quantity += quantity
        else:
            self.items[name] = Item(name, price, quantity)

    def sell(self, name, quantity):
        """Sell some of an item, if there are enough."""
        item = self.items.get(name)
        if item is None or item.quantity < quantity:
            return False
        item.quantity -= quantity
        self.sold[name] = self.sold.get(name, 0) + quantity
        self.revenue += item.price * quantity
        return True

    def total(self):
        """What all is worth."""
        return sum(item.value() for item in self.items.values())

    def report(self):
        """One line for each item, the most valuable first."""
        for item in sorted(self.items.values(), key=lambda item: item.value(), reverse=True):
            print(f"{item.name:<10}{item.quantity:>5}{item.price:>8.2f}{item.value():>10.2f}")


def program():
    """Fill and empty a stock."""
    stock = Inventory()
    print(stock.revenue, stock.total())
    stock.add("apple", 0.5, 10)
    stock.add("pear", 0.75, 4)
    stock.add("melon", 3.0, 2)
    stock.add("apple", 0.5, 5)
    print(stock.sell("apple", 12), stock.sell("pear", 9), stock.sell("grape", 1), stock.sell("melon", 1))
    print(stock.revenue, stock.total(), stock.sold)
    stock.report()
