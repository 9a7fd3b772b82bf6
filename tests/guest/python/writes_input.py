"""The input may be changed: the guest then gets a copy."""

import truestep


@truestep.guest
def main(input):
    input.sort()
    input[0] = 255
    return input[::-1]
