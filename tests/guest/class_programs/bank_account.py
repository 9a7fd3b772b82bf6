"""Accounts with a rate, a history of what was done, and errors of their own."""


class InsufficientFundsError(Exception):
    """There is less in the account than is to be taken out."""


class Account:
    """An account of one owner."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        self.history = []

    def deposit(self, amount):
        """Put money in."""
        if amount <= 0:
            raise ValueError("the amount must be positive")
        self.balance += amount
        self.history.append(("deposit", amount))

    def withdraw(self, amount):
        """Take money out."""
        if amount > self.balance:
            raise InsufficientFundsError(f"{self.owner} has only {self.balance}")
        self.balance -= amount
        self.history.append(("withdraw", amount))

    def __str__(self):
        return f"{self.owner}: {self.balance}"


class SavingsAccount(Account):
    """An account that earns."""

    def __init__(self, owner, balance=0, rate=0.02):
        super().__init__(owner, balance)
        self.rate = rate

    def add_interest(self):
        """Pay the interest of a year."""
        self.deposit(self.balance * self.rate)


def program():
    """Use both."""
    account = Account("Ann")
    print(account)
    account.deposit(100)
    account.withdraw(30)
    account.deposit(0.5)
    print(account, len(account.history))
    for what, amount in account.history:
        print(what, amount)
    try:
        account.withdraw(1000)
    except InsufficientFundsError as error:
        print("refused:", error)
    try:
        account.deposit(-1)
    except ValueError as error:
        print("refused:", error)
    savings = SavingsAccount("Bob", 200)
    savings.add_interest()
    print(savings, savings.rate)
