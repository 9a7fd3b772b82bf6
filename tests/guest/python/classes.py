"""A jitclass with methods and properties."""

import numpy as np
from numba import float64, int64
from numba.experimental import jitclass

import truestep


@jitclass([("balance", float64), ("history", float64[:]), ("count", int64)])
class Account:
    def __init__(self, room):
        self.balance = 0.0
        self.history = np.zeros(room)
        self.count = 0

    def deposit(self, amount):
        self.balance += amount
        self.history[self.count] = self.balance
        self.count += 1
        return self

    @property
    def mean(self):
        return self.history[: self.count].sum() / self.count


@truestep.guest
def main(input):
    account = Account(input.size)
    for value in input:
        account.deposit(float(value) - 100.5)
    return np.array([account.balance, account.mean, account.count, account.history[3]])
