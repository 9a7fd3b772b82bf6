"""A tuple's members, one after another."""

import truestep


@truestep.guest
def main(input):
    return (int(input.sum()), len(input))
