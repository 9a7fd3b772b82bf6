"""The ROM's code as a graph without loops: the longest path from an entry bounds its micro-runs."""

from __future__ import annotations

from truestep.machine.decode import Instruction, Kind, decode

EXIT_ADDRESS = 0
_RETURN_ADDRESS = 1
_ARITHMETIC = (Kind.REGISTER, Kind.IMMEDIATE, Kind.UPPER)


class UnboundedCode(Exception):
    """The code has something that no path can be drawn through: a loop, a load, a jump to who knows where."""


class CodeGraph:
    """The instructions that can be reached in an image; each is one cycle."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        self._longest: dict[int, int] = {}
        self._open: set[int] = set()

    @property
    def reached(self) -> set[int]:
        """The addresses of all instructions on the paths so far."""
        return set(self._longest)

    def longest_path(self, address: int) -> int:
        """Cycles of the longest path from `address` to the end of the run, the exiting `ecall` included."""
        trail = [address]
        while trail:
            current = trail[-1]
            following = self._following(current)
            missing = [target for target in following if target not in self._longest]
            if not missing:
                self._longest[current] = 1 + max((self._longest[target] for target in following), default=0)
                self._open.discard(current)
                trail.pop()
                continue
            self._open.add(current)
            if missing[0] in self._open:
                raise UnboundedCode(f"a loop through {missing[0]:#x}")
            trail.append(missing[0])
        return self._longest[address]

    def _instruction(self, address: int) -> Instruction:
        word = int.from_bytes(self._image[address : address + 4], "little")
        instruction = decode(word)
        if instruction is None or address + 4 > len(self._image):
            raise UnboundedCode(f"no instruction at {address:#x}")
        return instruction

    def _following(self, address: int) -> list[int]:
        instruction = self._instruction(address)
        if instruction.kind in _ARITHMETIC:
            return [address + 4]
        if instruction.kind is Kind.BRANCH:
            return [address + 4, address + instruction.immediate]
        if instruction.kind is Kind.JUMP and instruction.rd == 0:
            return [address + instruction.immediate]
        if instruction.kind is Kind.JUMP_REGISTER and instruction.rd == 0:
            return [self._register_target(address, instruction)]
        if instruction.name == "ecall" and address == EXIT_ADDRESS + 4:
            return []
        raise UnboundedCode(f"{instruction.name} at {address:#x}")

    def _register_target(self, address: int, jump: Instruction) -> int:
        """A return, or the second half of a far jump: `auipc` and `jalr` on the same register."""
        if jump.rs1 == _RETURN_ADDRESS and jump.immediate == 0:
            return EXIT_ADDRESS
        before = self._instruction(address - 4)
        if before.name != "auipc" or before.rd != jump.rs1:
            raise UnboundedCode(f"a jump to a computed address at {address:#x}")
        return address - 4 + before.immediate + jump.immediate
