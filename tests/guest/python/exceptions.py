"""try, except, raise, assert."""

import numpy as np

import truestep


def checked(value):
    if value % 5 == 0:
        raise ValueError("a multiple of five")
    return value * 2


def kept_in_spite_of_exceptions(numbers):
    misses = 0
    for a in range(9):
        try:
            numbers[a] = a
            numbers[a - 1] += numbers[a + 2]
        except Exception:
            misses += 1
    numbers.append(misses)
    return numbers


def out_of_range(numbers, table):
    found = [0]
    for place in range(-6, 6):
        try:
            found[0] += numbers[place]
        except IndexError:
            found.append(place)
        try:
            found[0] += table[place, 0]
        except KeyError:
            found.append(99)
        except LookupError as error:
            found.append(len(str(error)) * 0 + 7)
    return found


def divided(numbers, items, zero):
    found = [0]
    for function in range(5):
        try:
            if function == 0:
                found.append(7 // zero)
            elif function == 1:
                found.append(7 % zero)
            elif function == 2:
                found.append(int(1.5 / zero))
            elif function == 3:
                found.append(int(numbers[0] / (numbers[0] - numbers[0])))
            else:
                found.append(items[0] // (items[0] - items[0]))
        except ZeroDivisionError:
            found.append(-function)
    return found


@truestep.guest
def main(input):
    out = []
    for value in input[:50]:
        try:
            out.append(checked(int(value)))
        except Exception:
            out.append(-1)
    assert len(out) == 50
    return np.array(
        out
        + kept_in_spite_of_exceptions([1, 2, 3, 4, 5])
        + out_of_range([1, 2], np.ones((2, 1), np.int64))
        + divided([0.5, 2.0], np.array([3, 4]), len(input) - len(input))
    )
