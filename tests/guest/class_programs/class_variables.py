"""Variables of classes that methods and functions change."""


class Account:
    count = 0
    rate = 0.5
    log = []  # noqa: RUF012 - what is tested
    names = {"a": 1}  # noqa: RUF012 - what is tested
    LIMITS = [10, 20]  # noqa: RUF012 - what is tested

    def __init__(self, owner):
        self.owner = owner
        Account.count += 1
        self.id = Account.count
        self.log.append(owner)
        Account.names[owner] = self.id

    @classmethod
    def total(cls):
        return cls.count

    @classmethod
    def reset(cls):
        cls.count = 0

    def limit(self):
        return self.LIMITS[1] + len(self.LIMITS)


class Savings(Account):
    bonus = 1

    def pay(self):
        Savings.bonus = Savings.bonus + 1
        return self.bonus * self.rate


def program():
    a = Account("x")
    b = Savings("y")
    print(Account.count, b.count, Account.total(), a.id, b.id)
    Account.rate = 0.25
    print(a.rate, b.rate, b.pay(), b.pay())
    Account.reset()
    print(Account.count, Savings.count)
    print(Account.log, a.names["y"], Savings.names, a.limit())
