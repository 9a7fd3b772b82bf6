"""The registers while one block is translated: 64 bits, or a float that is converted to bits when needed.

Integer instructions, stores, calls and exits need bits; between float instructions the float is passed on.
Between blocks a register is in its alloca %x or, where Forms says so, a float in %d or %f; then %k says how
its bits follow from the float. Where %k is known, LLVM removes the cost of this.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from truestep.engine.analysis.code_map import ALL_REGISTERS
from truestep.engine.analysis.float_types import DOUBLE, SINGLE, FloatType
from truestep.engine.analysis.forms import Forms
from truestep.engine.codegen.floats import bits_of_float, float_of_bits, low_bits
from truestep.engine.codegen.operations import Emitter
from truestep.engine.codegen.support import CONTROLS, GUEST, UNLIKELY

STORES_LIMIT = 6
"""Stores of floats that are checked for NaNs together; each float stays in a host register until then."""

_WHOLE, _RAW, _BITS, _NEGATED = "0", "1", "2", "3"
"""How a register's bits follow from the float: not at all, they lie in %x (a single's upper half may be any);
a NaN is to become the canonical one; as they are; a NaN is to become the canonical one with its sign changed.
Odd ones change a NaN."""

_LETTERS = {DOUBLE: "d", SINGLE: "f"}


def registers_in(mask: int) -> Iterator[int]:
    """The registers of a mask, ascending."""
    return (register for register in range(1, 32) if mask >> register & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A register that is held as a float."""

    kind: FloatType
    raw: str
    state: str
    """One of the four above, or the name of an i8."""
    whole: str = "0"
    """The bits, if they do not follow from the float."""

    @property
    def may_change(self) -> bool:
        """Whether the float's bits may differ from those of the register."""
        return self.state not in (_WHOLE, _BITS)

    def _is_nan_to_change(self, emit: Emitter) -> str:
        """Whether the float's bits are not the register's."""
        is_nan = emit.value(f"fcmp uno {self.kind.name} {self.raw}, {self.raw}")
        if self.state in (_RAW, _NEGATED):
            return is_nan
        is_odd = emit.value(f"trunc i8 {self.state} to i1")
        return emit.value(f"and i1 {is_nan}, {is_odd}")

    def _changed_nan(self, emit: Emitter) -> str:
        """The bits that a NaN is to become."""
        if self.state == _RAW:
            return str(self.kind.canonical_nan)
        negated = self.kind.canonical_nan + self.kind.sign
        if self.state == _NEGATED:
            return str(negated)
        is_negated = emit.value(f"icmp eq i8 {self.state}, {_NEGATED}")
        bits = self.kind.bits
        return emit.value(f"select i1 {is_negated}, {bits} {negated}, {bits} {self.kind.canonical_nan}")

    def bits(self, emit: Emitter) -> str:
        """The 64 bits of the register."""
        if self.state == _WHOLE:
            return self.whole
        if self.state == _BITS:
            return bits_of_float(emit, self.kind, self.raw)
        bits = self.kind.bits
        plain = emit.value(f"bitcast {self.kind.name} {self.raw} to {bits}")
        is_changed = self._is_nan_to_change(emit)
        # On integers, because LLVM ignores a choice between floats that differ only in their NaN.
        chosen = emit.value(f"select i1 {is_changed}, {bits} {self._changed_nan(emit)}, {bits} {plain}")
        if self.kind.width == 64:
            return chosen
        extended = emit.value(f"sext i32 {chosen} to i64")
        if self.state in (_RAW, _NEGATED):
            return extended
        is_whole = emit.value(f"icmp eq i8 {self.state}, {_WHOLE}")
        return emit.value(f"select i1 {is_whole}, i64 {self.whole}, i64 {extended}")

    def with_sign_changed(self, emit: Emitter, name: str) -> "Held":
        """After `fsgnj`, `fsgnjn`, `fsgnjx` of a register with itself: a move, a negation, a magnitude."""
        mnemonic, kind = name.split(".", maxsplit=1)[0], self.kind.name
        raw = self.raw
        if mnemonic == "fsgnjn":
            raw = emit.value(f"fneg {kind} {raw}")
        elif mnemonic == "fsgnjx":
            raw = emit.value(f"call {kind} @llvm.fabs.{self.kind.suffix}({kind} {raw})")
        return replace(self, raw=raw, state=self._state_after(emit, mnemonic), whole="0")

    def _state_after(self, emit: Emitter, mnemonic: str) -> str:
        known = {
            "fsgnj": {_WHOLE: _BITS, _RAW: _RAW, _BITS: _BITS, _NEGATED: _NEGATED},
            "fsgnjn": {_WHOLE: _BITS, _RAW: _NEGATED, _BITS: _BITS, _NEGATED: _RAW},
            "fsgnjx": {_WHOLE: _BITS, _RAW: _RAW, _BITS: _BITS, _NEGATED: _RAW},
        }[mnemonic]
        if self.state in known:
            return known[self.state]
        is_odd = emit.value(f"trunc i8 {self.state} to i1")
        odd = {"fsgnj": self.state, "fsgnjx": _RAW}.get(mnemonic) or emit.value(f"xor i8 {self.state}, 2")
        return emit.value(f"select i1 {is_odd}, i8 {odd}, i8 {_BITS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The target of a store. Two stores with the same base overlap only if their offsets do."""

    pointer: str
    base: str
    offset: int


class BlockRegisters:
    """The registers at one point of a block that is being written."""

    def __init__(self, emitter: Emitter, forms: Forms, start: int) -> None:
        self._emit = emitter
        self._forms = forms
        self._entry = forms.entry.get(start, {})
        self._bits: dict[int, str] = {}
        self._floats: dict[int, Held] = {}
        self._unsettled: set[int] = set()
        self._written: set[int] = set()
        self._stored: list[tuple[Place, Held]] = []

    # --- operands and results -------------------------------------------------------------------------------

    def bits(self, register: int) -> str:
        """All 64 bits."""
        if register not in self._bits:
            self._bits[register] = self.bits_here(register)
        return self._bits[register]

    def bits_here(self, register: int) -> str:
        """All 64 bits, for use only in the code being written, which may run rarely."""
        if register == 0:
            return "0"
        if register in self._bits:
            return self._bits[register]
        held = self._held_here(register)
        return held.bits(self._emit) if held else self._emit.value(f"load i64, ptr %x{register}, {CONTROLS}")

    def raw(self, register: int, kind: FloatType) -> str:
        """The register as a float: any NaN stands for any other."""
        if register == 0:
            return "0.0"
        held = self.held(register)
        return (
            held.raw if held and held.kind is kind else float_of_bits(self._emit, kind, self.bits(register))
        )

    def held(self, register: int) -> Held | None:
        """The float that a register is held as, if it is."""
        held = self._held_here(register)
        if held is not None:
            self._floats[register] = held
        return held

    def write(self, register: int, value: str) -> None:
        """Set a register to 64 bits."""
        if register:
            self._floats.pop(register, None)
            self._bits[register] = value
            self._written.add(register)
            self._unsettled.add(register)

    def write_raw(self, register: int, kind: FloatType, value: str) -> None:
        """Set a register to a float whose NaN is to become the canonical one."""
        self._write_held(register, Held(kind=kind, raw=value, state=_RAW))

    def write_loaded(self, register: int, kind: FloatType, value: str) -> None:
        """Set a register to a float loaded from memory; the sign of a single is extended."""
        self._write_held(register, Held(kind=kind, raw=value, state=_BITS))

    def copy(self, target: int, source: int) -> None:
        """`mv`, in any form."""
        held = self.held(source) if source else None
        if held is None or not target:
            self.write(target, self.bits(source))
        else:
            self._write_held(target, held)

    def change_sign(self, name: str, target: int, source: int) -> bool:
        """`fmv`, `fneg` or `fabs`, if the register is held as a float of that type. Returns whether it is."""
        held = self.held(source)
        if held is None or not name.endswith({DOUBLE: ".d", SINGLE: ".s"}[held.kind]):
            return False
        self._write_held(target, held.with_sign_changed(self._emit, name))
        return True

    # --- stores of floats -----------------------------------------------------------------------------------

    def store_float(self, register: int, kind: str, place: Place) -> bool:
        """Store a register as a float, if it is held as a float of the store's width. Returns whether it is.

        A NaN that must change is handled later, for several stores together, before anything reads memory.
        """
        held = self.held(register) if register else None
        if held is None or held.kind.bits != kind or register in self._bits:
            return False
        self._emit.line(f"store {held.kind.name} {held.raw}, ptr {place.pointer}, align 1, {GUEST}")
        if held.may_change:
            self._stored.append((place, held))
        return True

    def before_store(self, base: str, offset: int) -> None:
        """Check the stores so far, unless a store at this place cannot overlap them and they are few."""
        meets = any(place.base != base or abs(place.offset - offset) < 8 for place, _ in self._stored)
        if meets or len(self._stored) == STORES_LIMIT:
            self.check_stores()

    def check_stores(self) -> None:
        """Change the NaNs among the floats stored since the last check."""
        if not self._stored:
            return
        emit = self._emit
        # The sum is a NaN if one of them is. Infinities can have the same effect and are then stored again.
        *others, last = [as_double(emit, held) for _, held in self._stored]
        total = others[0] if others else last
        for each in others[1:]:
            total = emit.value(f"fadd double {total}, {each}")
        is_suspect = emit.value(f"fcmp uno double {total}, {last}")
        change, onward = emit.name("nan"), emit.name("stored")
        emit.line(f"br i1 {is_suspect}, label %{change}, label %{onward}, {UNLIKELY}")
        emit.label(change)
        self.change_stored()
        emit.line(f"br label %{onward}")
        emit.label(onward)
        self._stored.clear()

    @property
    def has_stored_floats(self) -> bool:
        """Whether a float was stored since the last check."""
        return bool(self._stored)

    def change_stored(self) -> None:
        """Overwrite the floats stored since the last check with the right bits, in this code only."""
        for place, held in self._stored:
            bits = low_bits(self._emit, held.kind, held.bits(self._emit))
            # Volatile: otherwise LLVM merges the two stores and moves each float to an integer register.
            self._emit.line(f"store volatile {held.kind.bits} {bits}, ptr {place.pointer}, align 1, {GUEST}")

    def _write_held(self, register: int, held: Held) -> None:
        if register:
            self._bits.pop(register, None)
            self._floats[register] = held
            self._written.add(register)
            self._unsettled.discard(register)

    def _held_here(self, register: int) -> Held | None:
        if register in self._floats or register in self._written or register not in self._entry:
            return self._floats.get(register)
        kind = self._entry[register]
        raw = self._emit.value(f"load {kind.name}, ptr %{_LETTERS[kind]}{register}")
        state = self._emit.value(f"load i8, ptr %k{register}")
        whole = self._emit.value(f"load i64, ptr %x{register}, {CONTROLS}") if kind is SINGLE else "0"
        return Held(kind=kind, raw=raw, state=state, whole=whole)

    # --- where a block ends ---------------------------------------------------------------------------------

    def settle(self, unneeded: int = 0) -> None:
        """Store the written bits where the next block expects them, but for the registers of a mask."""
        for register in sorted(self._unsettled):
            if not unneeded >> register & 1:
                self._emit.line(f"store i64 {self._bits[register]}, ptr %x{register}, {CONTROLS}")
        self._unsettled = {register for register in self._unsettled if unneeded >> register & 1}

    def is_settled_for(self, block: int) -> bool:
        """Whether all registers have the form that the block expects, after `settle`."""
        return not any(True for _ in self._moves_to(block))

    def settle_for(self, block: int) -> None:
        """Convert registers to the form that a block expects."""
        for register, kind in self._moves_to(block):
            held = self._held_here(register)
            if kind is None:
                self._emit.line(f"store i64 {self.bits_here(register)}, ptr %x{register}, {CONTROLS}")
            elif held and held.kind is kind:
                put_held(self._emit, register, held)
            else:
                put_float(self._emit, register, kind, self.bits_here(register))

    def settle_integers(self, among: int = ALL_REGISTERS) -> None:
        """Store the bits of every register of a mask that is held as a float in its %x."""
        for register in sorted({*self._entry, *self._floats}):
            if among >> register & 1 and self._is_float(register):
                self._emit.line(f"store i64 {self.bits_here(register)}, ptr %x{register}, {CONTROLS}")

    def spill(self, registers: Iterable[int]) -> None:
        """Store registers in the control block."""
        for register in registers:
            self._emit.line(f"store i64 {self.bits_here(register)}, ptr %s{register}, {CONTROLS}")

    def bring_home(self, mask: int) -> None:
        """Store what this block has written to the registers of `mask`, which stay in the control block."""
        for register in sorted(self._unsettled | self._floats.keys()):
            if mask >> register & 1:
                self._emit.line(f"store i64 {self.bits_here(register)}, ptr %x{register}, {CONTROLS}")

    def _is_float(self, register: int) -> bool:
        return register in self._floats or (register in self._entry and register not in self._written)

    def _moves_to(self, block: int) -> Iterator[tuple[int, FloatType | None]]:
        """Registers whose form or float changes on the way to a block, and their form there."""
        expected = self._forms.entry.get(block, {})
        for register in sorted({*expected, *self._entry, *self._floats}):
            kind = expected.get(register)
            if self._is_float(register):
                is_as_before = register not in self._written and self._entry.get(register) is kind
                if not is_as_before:
                    yield register, kind
            elif kind is not None:
                yield register, kind


def bits_of_raw(emit: Emitter, kind: FloatType, raw: str) -> str:
    """The 64 bits of the register that gets the raw result of an operation."""
    return Held(kind=kind, raw=raw, state=_RAW, whole="0").bits(emit)


def as_double(emit: Emitter, held: Held) -> str:
    """The float that a register is held as, widened if need be."""
    return held.raw if held.kind is DOUBLE else emit.value(f"fpext float {held.raw} to double")


def put_held(emit: Emitter, register: int, held: Held) -> None:
    """Store a float where blocks expect it."""
    emit.line(f"store {held.kind.name} {held.raw}, ptr %{_LETTERS[held.kind]}{register}")
    emit.line(f"store i8 {held.state}, ptr %k{register}")
    if held.kind is SINGLE:
        emit.line(f"store i64 {held.whole}, ptr %x{register}, {CONTROLS}")


def put_float(emit: Emitter, register: int, kind: FloatType, bits: str) -> None:
    """Store a register's bits where blocks expect a float."""
    state = _BITS if kind is DOUBLE else _WHOLE
    put_held(emit, register, Held(kind=kind, raw=float_of_bits(emit, kind, bits), state=state, whole=bits))


def declare_floats(emit: Emitter, forms: Forms) -> None:
    """Declare allocas for the registers that blocks expect as floats."""
    kinds = {(register, kind) for entry in forms.entry.values() for register, kind in entry.items()}
    for register, kind in sorted(kinds, key=lambda pair: (pair[0], pair[1].width)):
        emit.line(f"%{_LETTERS[kind]}{register} = alloca {kind.name}")
    for register in sorted({register for register, _ in kinds}):
        emit.line(f"%k{register} = alloca i8")
