"""Exceptions with fields, their classes and their texts."""


class BankError(Exception):
    pass


class InsufficientFunds(BankError):
    def __init__(self, need, have):
        super().__init__(f"need {need}, have {have}")
        self.need = need
        self.have = have


def withdraw(balance, amount):
    if amount > balance:
        raise InsufficientFunds(amount, balance)
    if amount < 0:
        raise BankError("negative")
    return balance - amount


def exc_own():
    print(withdraw(10, 3))
    for amount in (20, -1):
        try:
            print(withdraw(10, amount))
        except InsufficientFunds as e:
            print("short by", e.need - e.have, e)
        except BankError as e:
            print("bank", e)


class ParseError(Exception):
    def __init__(self, message, line):
        self.message = message
        self.line = line

    def __str__(self):
        return f"{self.message} at line {self.line}"


def parse(text):
    for i, line in enumerate(text.split("\n")):
        if not line.isdigit():
            raise ParseError("not a number: " + line, i + 1)
    return True


def exc_str():
    try:
        parse("1\n2\nx")
    except ParseError as e:
        print(e)
        print(e.line, e.message)
        print(type(e).__name__)


def f(k):
    if k == 0:
        return 1 // k
    if k == 1:
        return [1][k]
    if k == 2:
        return {"a": 1}["b"]
    if k == 3:
        return int("x")
    raise TypeError("wrong", k)


def exc_types():
    for k in range(5):
        try:
            f(k)
        except ZeroDivisionError as e:
            print(type(e).__name__, e)
        except KeyError as e:
            print("key", e)
        except Exception as e:
            print(f"{type(e).__name__}: {e}", isinstance(e, ValueError))


def program():
    exc_own()
    exc_str()
    exc_types()
