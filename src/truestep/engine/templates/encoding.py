"""Encodes x86-64 instructions whose operands are host registers, guest registers or guest memory.

All code here has one view of the host's registers: the arguments of LLVM's `preserve_none` convention, which
all translated code has (codegen.support.PARAMETERS), hold the pinned guest registers, the address of memory
and the budget. RAX, RDX and R10 are free. `SPARE` hold what `Registers` says, between the ways in
and out of a unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truestep.engine.layout import PINNED, register_offset

RAX, RCX, RDX, RBX, RBP, RSI, RDI = 0, 1, 2, 3, 5, 6, 7
R8, R9, R10, R11, R12, R13, R14, R15 = range(8, 16)
MEMORY, LEFT = RDI, RSI
"""The address of guest memory, and the budget."""
PASSED = dict(zip(PINNED, (R12, R13, R14, R15, RCX, R8, R9, R11), strict=True))
"""The pinned guest registers, in the order of the convention's arguments."""
SPARE = (RBX, RBP)
"""Host registers that hold further guest registers between the ways in and out of a unit."""

MOVE, MOVE_TO, COMPARE, COMPARE_WITH, ADD, SUBTRACT, AND, OR, XOR, TEST = (
    *(b"\x8b", b"\x89", b"\x3b", b"\x39", b"\x03", b"\x2b", b"\x23", b"\x0b", b"\x33", b"\x85"),
)
"""With a register and an operand, which is the source except for MOVE_TO and COMPARE_WITH."""
EXTEND_32, MULTIPLY = b"\x63", b"\x0f\xaf"


def word(value: int) -> bytes:
    """32 bits, signed or unsigned."""
    return (value & 0xFFFF_FFFF).to_bytes(4, "little")


def between(opcode: bytes, register: int, other: int, *, is_wide: bool = True, prefix: bytes = b"") -> bytes:
    """An instruction on two host registers."""
    rex = 0x40 | is_wide << 3 | register >> 3 << 2 | other >> 3
    return prefix + bytes((rex,)) + opcode + bytes((0xC0 | (register & 7) << 3 | other & 7,))


def with_control(opcode: bytes, register: int, distance: int, *, is_wide: bool = True) -> bytes:
    """An instruction on a host register and what lies at a distance from guest memory."""
    rex = 0x40 | is_wide << 3 | register >> 3 << 2
    return bytes((rex,)) + opcode + bytes((0x80 | (register & 7) << 3 | MEMORY,)) + word(distance)


def beyond_address(
    opcode: bytes, register: int, distance: int, *, is_wide: bool = False, prefix: bytes = b""
) -> bytes:
    """An instruction on a host register and guest memory at a distance from the address in RAX."""
    rex = 0x40 | is_wide << 3 | register >> 3 << 2
    mode, number = 0, b""
    if distance:
        is_short = -128 <= distance < 128
        mode = 1 if is_short else 2
        number = distance.to_bytes(1, "little", signed=True) if is_short else word(distance)
    operand = bytes((mode << 6 | (register & 7) << 3 | 4, RAX << 3 | MEMORY))
    return prefix + bytes((rex,)) + opcode + operand + number


def with_number(digit: int, register: int, number: int, *, is_wide: bool = True) -> bytes:
    """ADD (digit 0), OR (1), AND (4), SUB (5), XOR (6) or CMP (7) of a host register and a number."""
    if -128 <= number < 128:
        return between(b"\x83", digit, register, is_wide=is_wide) + number.to_bytes(1, "little", signed=True)
    return between(b"\x81", digit, register, is_wide=is_wide) + word(number)


def set_low(register: int, number: int) -> bytes:
    """Set a host register to an unsigned 32-bit number."""
    return bytes((0x40 | register >> 3, 0xB8 | register & 7)) + word(number)


def shift_number(digit: int, register: int, amount: int, *, is_wide: bool = True) -> bytes:
    """SHL (digit 4), SHR (5) or SAR (7) of a host register by a number."""
    return between(b"\xc1", digit, register, is_wide=is_wide) + bytes((amount,))


def sum_of(register: int, host: int, number: int, *, is_wide: bool) -> bytes:
    """LEA: a host register plus a number, to another one."""
    rex = 0x40 | is_wide << 3 | register >> 3 << 2 | host >> 3
    index = b"\x24" if host & 7 == 4 else b""
    is_short = -128 <= number < 128
    mode = 0x40 if is_short else 0x80
    distance = number.to_bytes(1, "little", signed=True) if is_short else word(number)
    return bytes((rex, 0x8D, mode | (register & 7) << 3 | host & 7)) + index + distance


def skipping(condition: int, over: bytes) -> bytes:
    """A short jump over what follows, and that."""
    return bytes((condition, len(over))) + over


@dataclass(frozen=True, slots=True)
class Registers:
    """Where a unit has the guest registers, and the instructions that have them as operands."""

    kept: tuple[int, ...]
    """Guest registers that the unit keeps in those of `SPARE`, besides the pinned ones."""
    hosts: Mapping[int, int] = field(init=False)
    """The host register of each guest register that has one. The others are in the control block."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", PASSED | dict(zip(self.kept, SPARE, strict=False)))

    def with_guest(
        self, opcode: bytes, register: int, guest: int, *, is_wide: bool = True, prefix: bytes = b""
    ) -> bytes:
        """An instruction on a host register, or a digit of the opcode, and a guest register."""
        host = self.hosts.get(guest)
        if host is not None:
            return between(opcode, register, host, is_wide=is_wide, prefix=prefix)
        return prefix + with_control(opcode, register, register_offset(guest), is_wide=is_wide)

    def load(self, register: int, guest: int, *, is_wide: bool = True) -> bytes:
        """Copy a guest register to a host register."""
        if guest == 0:
            return between(XOR, register, register, is_wide=False)
        if self.hosts.get(guest) == register and is_wide:
            return b""
        return self.with_guest(MOVE, register, guest, is_wide=is_wide)

    def save(self, guest: int, register: int) -> bytes:
        """Copy a host register to a guest register."""
        return b"" if self.hosts.get(guest) == register else self.with_guest(MOVE_TO, register, guest)

    def work(self, guest: int) -> int:
        """Where the new value of a guest register is made: in its own host register, or in RDX."""
        return self.hosts.get(guest, RDX)

    def guest_with_number(self, digit: int, guest: int, number: int) -> bytes:
        """The same on a guest register."""
        if -128 <= number < 128:
            return self.with_guest(b"\x83", digit, guest) + number.to_bytes(1, "little", signed=True)
        return self.with_guest(b"\x81", digit, guest) + word(number)

    def set_number(self, guest: int, number: int) -> bytes:
        """Set a guest register to any 64-bit number."""
        if -(1 << 31) <= number < 1 << 31:
            return self.with_guest(b"\xc7", 0, guest) + word(number)
        wide = bytes((0x48, 0xB8)) + (number & (1 << 64) - 1).to_bytes(8, "little")
        return wide + self.with_guest(MOVE_TO, RAX, guest)

    def shift_guest(self, prefix: int, register: int, guest: int, amount: int, *, is_wide: bool) -> bytes:
        """SHLX (prefix 1), SARX (2) or SHRX (3): a guest register, shifted by a host one, to a third."""
        host = self.hosts.get(guest)
        first = 0xE2 ^ (register >> 3 << 7) ^ ((host or 0) >> 3 << 5)
        second = is_wide << 7 | (~amount & 15) << 3 | prefix
        head = bytes((0xC4, first, second, 0xF7))
        if host is not None:
            return head + bytes((0xC0 | (register & 7) << 3 | host & 7,))
        return head + bytes((0x80 | (register & 7) << 3 | MEMORY,)) + word(register_offset(guest))

    def address_of(self, guest: int, offset: int) -> bytes:
        """The address of an access to RAX (M3.1)."""
        host = self.hosts.get(guest)
        if guest == 0:
            return set_low(RAX, offset)
        if host is None or not offset:
            moved = self.load(RAX, guest, is_wide=False)
            return moved + (with_number(0, RAX, offset, is_wide=False) if offset else b"")
        return sum_of(RAX, host, offset, is_wide=False)
