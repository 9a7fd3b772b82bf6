"""`finally` that raises and catches more exceptions than are kept, before it raises its own again."""


def refused(number):
    try:
        raise ValueError(f"number {number}")
    except ValueError as error:
        return len(str(error))


def many_in_finally():
    total = 0
    try:
        try:
            raise ValueError(f"the first of {total + 1}")
        finally:
            for i in range(20):
                total += refused(i)
    except ValueError as error:
        print(error, total)


def program():
    many_in_finally()
