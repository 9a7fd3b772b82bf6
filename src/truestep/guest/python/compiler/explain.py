"""Turns an error of Numba or Python into one complaint that names the user's line and a remedy."""

import ast
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core import errors, ir

import truestep
from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.remedies import remedy_for
from truestep.guest.python.compiler.type_words import refused_call, types_in_words, unknown_value

_PLACES = re.compile(r'(?: at |Raised from |File ")([^"\n(]+?\.py)"?(?: \(|, line )(\d+)')
_NOISE = re.compile(
    r"^(?:Failed in \w+ mode pipeline.*|Internal error at .*|During: .*|File \".*|.*<source elided>.*"
    r"|\s*\^+\s*|- Resolution failure for .*)$"
)
_CALL = re.compile(r">>> (.+)")
_CAUSE = re.compile(r"(?:TypingError|NumbaTypeError|NumbaValueError|RequireLiteralValue|TypeError): (.+)")
_MODULE = re.compile(r"Unknown attribute '(\w+)' of type Module\(<module '([\w.]+)'[^>]*>\)")
_UNDEFINED = re.compile(r"NameError: name '(\w+)'")
_OWN_SENTENCE = re.compile(r"(?<=[\s:])(?:a guest(?:'s)? .+)|^a guest(?:'s)? .+")
"""What the compiler's own parts say; everything around it is Numba's."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_TWO_TYPES = re.compile(r"Cannot unify (.+) and (.+) for '([^'.]+)(?:\.\d+)*', defined at .+ \(\d+\)")
_UNDECIDED = re.compile(r"Undecided type \$\S+ := <undecided>")
_UNKNOWN_KEYWORD = re.compile(r"got an unexpected keyword argument '(\w+)'")
_NOT_IN_NUMPY = re.compile(r"Use of unsupported NumPy function '([\w.]+)' or unsupported use of the function")
_CONSTANT = re.compile(r"OverloadSelector object>, \((List|Set)\(")
_UNKNOWN_VALUE = re.compile(
    r"Untyped global name '([$\w]+)': Cannot determine Numba type of <class '([\w.]+)'>"
)
_UNKNOWN_ATTRIBUTE = re.compile(r"Unknown attribute '(\w+)' of type (?!Module)(.+)")
_REMEDY_INSIDE = re.compile(r"(?:; |: |, so )(?=(?:write|use|pass|call|convert|leave|make|choose|compute)\b)")
"""Where the remedy begins in a sentence of the compiler's own parts."""
_OWN_NAMES = {
    "array_with_options": "np.array",
    "chained": "itertools.chain.from_iterable",
    "columns_joined": "np.c_",
    "dense_grid": "np.mgrid",
    "each_item": "np.vectorize",
    "open_grid": "np.ogrid",
    "print_with": "print",
    "product_repeated": "itertools.product",
    "reduced": "functools.reduce",
    "result_type_of": "np.result_type",
    "rows_joined": "np.r_",
    "single_grid": "np.mgrid",
}
"""What users wrote, by the names of the functions that their code is rewritten to call."""
_WORDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"npy_"), "np."),
    (re.compile(r"\bclass (\w+) \d+"), r"\1"),
    (re.compile(r"Literal\[(?:int|bool)\]\((\w+|-\d+)\)"), r"\1"),
    (re.compile(r"Literal\[str\]\(([^()]*)\)"), r"'\1'"),
    (re.compile(r"<iv=[^<>]*>"), ""),
    (re.compile(r"\bpyfloat\b"), "float"),
    (re.compile(r"\b(?:negated )?pyint\b"), "int"),
    (re.compile(r"\bunicode_type\b"), "str"),
    (re.compile(r"\breflected list\b"), "list"),
    (re.compile(r"type\(CPUDispatcher\(<function ([^<>]*?)>\)\)"), r"\1"),
    (re.compile(r"type\(CPUDispatcher\(<function \S*_lambda_>\)\)"), "lambda"),
    (re.compile(r"Function\(<built-in function (\w+)>\)"), r"\1"),
    (re.compile(r"Function\(<(?:class|ufunc) '([\w.]+)'>\)"), r"\1"),
    (re.compile(r"\binstance\.jitclass\.(\w+)#\w+<[^<>]*>"), r"\1"),
)

_BY_POSITION = "pass the argument without its name, or leave it out if it is the default"
_MESSAGE_LINES_MAX = 4


def explain(error: Exception, source: Path) -> Complaint:
    """What went wrong, in the user's terms; never a traceback through the compiler."""
    if isinstance(error, SyntaxError):
        name = Path(error.filename or source.name).name
        return Complaint(f"{error.msg}: {(error.text or '').strip()}", place=f"{name}:{error.lineno}")
    if isinstance(error, errors.NumbaError) or type(error).__module__ == errors.__name__:
        return _explain_numba(str(error), source)
    place = _innermost_line(error)
    if place and not _passed_the_compiler(error):
        what = f"{type(error).__name__}: {error}"
        return Complaint(
            what, place=place, remedy=remedy_for(what) or "correct what the module does when it is imported"
        )
    if isinstance(error, AttributeError) and str(error).startswith("module '"):
        return Complaint(
            str(error), place=_line_being_compiled(error) or place, remedy="write a name that the module has"
        )
    if (refused := _refused_name(error)) is not None:
        return Complaint(refused, place=_line_being_compiled(error) or place, remedy=_BY_POSITION)
    text = f"{type(error).__name__}: {error}".strip()
    said = "" if isinstance(error, LookupError | NotImplementedError) else f" ({in_words(text)})"
    return Complaint(
        f"the compiler could not translate the guest{said}",
        place=_first_place(str(error), source) or _line_being_compiled(error) or place,
        remedy=remedy_for(text)
        or "rewrite the line that it names in simpler terms: loops and plain arrays always work",
    )


def _refused_name(error: Exception) -> str | None:
    """What a function of Numba's says that asserts that there are no names of arguments."""
    last = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1:]
    named: Any = last[0].f_locals.get("kws") if last and isinstance(error, AssertionError) else None
    called: Any = getattr(last[0].f_locals.get("self"), "key", None) if last else None
    if not named or not hasattr(called, "__name__"):
        return None
    return f"a guest's {called.__name__} has no {min(named)}="


def _explain_numba(message: str, source: Path) -> Complaint:
    plain = in_words(_MODULE.sub(r"a guest cannot use \2.\1", _ADDRESS.sub("", message)))
    undefined = _UNDEFINED.search(plain)
    place = _first_place(plain, source) or (_line_of_name(undefined[1], source) if undefined else "")
    own = _OWN_SENTENCE.search(plain)
    if own:
        what, remedy = _parted(own[0].strip())
        return Complaint(what, place=place, remedy=remedy or remedy_for(message, is_own=True))
    what = _essence(plain)
    return Complaint(what, place=place, remedy=remedy_for(f"{what}\n{message}"))


def _parted(sentence: str) -> tuple[str, str]:
    """What is wrong, and the remedy if the sentence goes on with one."""
    parts = _REMEDY_INSIDE.split(sentence, maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


def in_words(message: str) -> str:
    """Numba's names of types and functions, as their users know them."""
    for pattern, words in _WORDS:
        message = pattern.sub(words, message)
    return types_in_words(message)


def _line_of_name(name: str, source: Path) -> str:
    """`file:line` of the name's first use in the guest's own file."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return f"{source.name}:{min(lines)}" if lines else ""


def _essence(message: str) -> str:
    """The first sentence with information; for a call that matches nothing, the call and the inner cause."""
    missing = _NOT_IN_NUMPY.search(message)
    if missing:
        return f"a guest has no {missing[1].replace('numpy.', 'np.', 1)}"
    call = _CALL.search(message)
    causes = [cause for cause in _CAUSE.findall(message) if not _NOISE.match(cause)]
    keyword = _UNKNOWN_KEYWORD.search(causes[-1]) if causes else None
    if call and keyword:
        return f"a guest's {_called(call[1])} has no {keyword[1]}="
    if call and "No implementation of function" in message.partition(">>>")[0]:
        cause = f": {causes[-1].strip()}" if causes and not causes[-1].startswith("No implementation") else ""
        return refused_call(_called(call[1]), call[1].strip().removeprefix(_name(call[1])), cause)
    constant = _CONSTANT.search(message)
    if constant:
        return f"a guest cannot keep a {constant[1].lower()} of its module inside of another value"
    message = _TWO_TYPES.sub(_two_types, message)
    message = _UNDECIDED.sub("a guest does not find out the type of an expression here", message)
    message = _UNKNOWN_VALUE.sub(unknown_value, message)
    message = _UNKNOWN_ATTRIBUTE.sub(r"a guest knows no .\1 of a \2", message)
    lines = [line.partition(" Raised from ")[0].strip().rstrip(".") for line in _before_source(message)]
    said = [line for line in lines if line and not _NOISE.match(line)]
    return "\n  ".join(said[:_MESSAGE_LINES_MAX]) or "the types in the guest are inconsistent"


def _two_types(found: re.Match[str]) -> str:
    if found[3].startswith("$"):
        return f"a guest's expression has one type, and here one is both {found[1]} and {found[2]}"
    if found[1] == found[2]:
        return f"variable '{found[3]}' cannot be two kinds of {found[1]}"
    return f"variable '{found[3]}' cannot be both {found[1]} and {found[2]}"


def _name(call: str) -> str:
    return call.strip().partition("(")[0]


def _called(call: str) -> str:
    """The name of the function that a call was of, as users know it."""
    return _OWN_NAMES.get(_name(call), _name(call))


def _before_source(message: str) -> Iterator[str]:
    for line in message.splitlines():
        if line.startswith(('File "', "During: ")):
            return
        yield line


def places_in(message: str) -> Iterator[tuple[Path, int]]:
    """The lines that a message of Numba's names, inner ones first."""
    for name, line in _PLACES.findall(message):
        yield Path(name.strip()).resolve(), int(line)


def _first_place(message: str, source: Path) -> str:
    """`file:line` of the innermost place in the user's own files."""
    for path, line in places_in(message):
        if path.name == source.name or (path.is_file() and is_users_file(path)):
            return f"{path.name}:{line}"
    return ""


def _innermost_line(error: BaseException) -> str:
    """`file:line` of the user's innermost line in an exception's traceback."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if is_users_file(Path(frame.filename))
    ]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _line_being_compiled(error: BaseException) -> str:
    """`file:line` of the user's line at which the compiler was when it failed."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        for name in ("inst", "constraint", "self"):
            place: Any = getattr(frame.f_locals.get(name), "loc", None)
            if isinstance(place, ir.Loc) and place.filename and is_users_file(Path(place.filename)):
                return f"{Path(place.filename).name}:{place.line}"
    return ""


def _passed_the_compiler(error: BaseException) -> bool:
    return any("numba" in Path(frame.filename).parts for frame in traceback.extract_tb(error.__traceback__))


def is_users_file(path: Path) -> bool:
    """Whether a file is the user's own: not Python's, not a package's and not ours."""
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    libraries = [Path(name).resolve() for name in installed] + [Path(truestep.__file__).resolve().parent]
    resolved = path.resolve()
    return resolved.is_file() and not any(map(resolved.is_relative_to, libraries))
