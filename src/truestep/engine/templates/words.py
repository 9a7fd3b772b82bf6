"""The templates of words: what each gives in any block, made once and remembered."""

from truestep.engine.templates.accesses import OTHER, Access, Step, access_of, keeps_address
from truestep.engine.templates.encoding import Registers
from truestep.engine.templates.floats import float_code, is_called
from truestep.engine.templates.instructions import code_of
from truestep.machine.decode import Kind, decode

MEMO_LIMIT_WORDS = 1 << 16
"""Words whose code is remembered: more than there are different ones in most programs."""
SETS_LIMIT = 8
"""Sets of templates that are remembered: that of most units, and of the loops of some interpreters."""
_ENDING = (Kind.BRANCH, Kind.JUMP, Kind.JUMP_REGISTER, Kind.SYSTEM)
Template = bytes | Access | None


class Templates:
    """The templates of words, each made when it is first needed."""

    def __init__(self, registers: Registers, *, has_fused: bool) -> None:
        self.registers = registers
        self._has_fused = has_fused
        self.known: dict[int, Template] = {}
        """Those made so far."""
        self.calling: set[int] = set()
        """The words whose templates call functions (templates.floats)."""
        self._steps: dict[int, Step] = {}
        self._codes: dict[int, bytes] = {}

    def of(self, word: int) -> Template:
        """The template of a word, or None if its code depends on its address or it ends a block."""
        known = self.known
        if word in known:
            return known[word]
        if len(known) >= MEMO_LIMIT_WORDS:
            known.clear()
            self.calling.clear()
        known[word] = made = self._make(word)
        return made

    def step(self, word: int) -> Step:
        """What the plan of a block needs to know of a word."""
        steps = self._steps
        if word in steps:
            return steps[word]
        if len(steps) >= MEMO_LIMIT_WORDS:
            steps.clear()
        template = self.of(word)
        step = OTHER
        if isinstance(template, Access):
            step = Step(access=template, written=0 if template.is_store else template.value, keeps=True)
        elif template is not None:
            instruction = decode(word)
            if instruction is not None:
                step = Step(access=None, written=instruction.rd, keeps=keeps_address(instruction))
        steps[word] = step
        return step

    def code(self, word: int, access: Access, distance: int) -> bytes:
        """The code of a word's access at a distance from the address in RAX."""
        codes, key = self._codes, word << 16 | distance
        if key in codes:
            return codes[key]
        if len(codes) >= MEMO_LIMIT_WORDS:
            codes.clear()
        codes[key] = made = access.code(self.registers, distance)
        return made

    def _make(self, word: int) -> Template:
        instruction = decode(word)
        if instruction is None or instruction.name == "auipc" or instruction.kind in _ENDING:
            return None
        access = access_of(instruction)
        if access:
            return access
        if instruction.kind is not Kind.FLOAT:
            return code_of(self.registers, instruction)
        if not instruction.rd:
            return b""
        code = float_code(self.registers, instruction, has_fused=self._has_fused)
        if is_called(code):
            self.calling.add(word)
        return code


class SharedTemplates:
    """The templates of all units, by the registers that they keep."""

    def __init__(self, *, has_fused: bool) -> None:
        self._has_fused = has_fused
        self._by_kept: dict[tuple[int, ...], Templates] = {}

    def keeping(self, kept: tuple[int, ...]) -> Templates:
        """The templates of units that keep some registers."""
        if kept not in self._by_kept:
            if len(self._by_kept) >= SETS_LIMIT:
                self._by_kept.clear()
            self._by_kept[kept] = Templates(Registers(kept), has_fused=self._has_fused)
        return self._by_kept[kept]
