"""Building Python guests: the same bytes everywhere, nothing compiled twice, and words for what is wrong."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from truestep.client.files import read_program
from truestep.client.runs import RunReport, run_task
from truestep.composition.engines import EngineName, open_engine
from truestep.guest import BuiltGuest, GuestBuildError, build_python
from truestep.guest.python import build as python_build
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

HEADER = "import numpy as np\nimport truestep\n"
TYPED = HEADER + (
    '@truestep.guest(input="float64[:, :]")\n'
    "def main(prices):\n"
    "    return prices.sum(axis=0) * np.float64(2)\n"
)
PROCESS_OF_ITS_OWN = python_build.run_compiler
"""What tests have replaced by copies of one process, before they did."""
EXCEPTION, INPUT_REFUSED, OUT_OF_MEMORY = 138, 139, 137


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that nothing has filled; the C compiler keeps its own."""
    zig = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "truestep" / "zig"
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", str(zig))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(directory: Path, text: str, name: str = "model.py") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    source = directory / name
    source.write_text(text, encoding="utf-8")
    return source


def built(directory: Path, text: str) -> BuiltGuest:
    return build_python(write(directory, text), directory / "model.elf")


def run(guest: BuiltGuest, content: bytes = b"") -> tuple[RunReport, str]:
    printed: list[bytes] = []
    program = load_elf(guest.path.read_bytes())
    report = run_task(
        open_engine(EngineName.REFERENCE),
        program,
        Task(input=content),
        max_cycles=10**6,
        debug_sink=printed.append,
    )
    return report, b"".join(printed).decode()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def said(directory: Path, text: str) -> str:
    """What is said of a guest that does not build."""
    with pytest.raises(GuestBuildError) as caught:
        built(directory, text)
    return str(caught.value)


def test_bytes_do_not_depend_on_place_hash_seed_or_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = HEADER + (
        "def count(words):\n"
        "    counts = {'a': 0}\n"
        "    for word in words:\n"
        "        counts[word] = 1\n"
        "    return len(counts)\n"
        "@truestep.guest\n"
        "def main(input):\n"
        "    if input.size > 9:\n"
        "        raise ValueError('too many')\n"
        "    return np.exp(np.array([count(('a', 'b')) + input.size, 2.0]))\n"
    )
    first = built(tmp_path / "here", text)
    monkeypatch.setattr(python_build, "run_compiler", PROCESS_OF_ITS_OWN)
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("NUMBA_OPT", "0")
    second = built(tmp_path / "an odd #place$", text)
    assert second.path.read_bytes() == first.path.read_bytes()
    assert (second.elf_sha256, second.recipe_sha256) == (first.elf_sha256, first.recipe_sha256)
    assert b".symtab" not in first.path.read_bytes()
    assert str(tmp_path).encode() not in first.path.read_bytes()


def test_nothing_is_compiled_twice_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "FACTOR = 3\n", "neighbour.py")
    np.save(tmp_path / "weights.npy", np.arange(4))
    text = HEADER + (
        "from pathlib import Path\n"
        "from neighbour import FACTOR\n"
        "WEIGHTS = np.load(Path(__file__).parent / 'weights.npy')\n"
        "@truestep.guest\n"
        "def main(input):\n"
        "    return WEIGHTS * FACTOR\n"
    )
    first = built(tmp_path, text)
    assert np.frombuffer(run(first)[0].output, np.int64).tolist() == [0, 3, 6, 9]
    monkeypatch.setattr(subprocess, "run", None)
    again = build_python(tmp_path / "model.py", tmp_path / "again.elf")
    assert (again.elf_sha256, again.recipe_sha256) == (first.elf_sha256, first.recipe_sha256)
    monkeypatch.undo()
    write(tmp_path, "FACTOR = 4\n", "neighbour.py")
    assert np.frombuffer(run(built(tmp_path, text))[0].output, np.int64).tolist() == [0, 4, 8, 12]
    np.save(tmp_path / "weights.npy", np.arange(4) + 1)
    assert np.frombuffer(run(built(tmp_path, text))[0].output, np.int64).tolist() == [4, 8, 12, 16]


@pytest.fixture(scope="module")
def typed_guest(tmp_path_factory: pytest.TempPathFactory) -> BuiltGuest:
    """The guest with a typed input."""
    return built(tmp_path_factory.mktemp("typed"), TYPED)


def test_arrays_in_files_keep_dtype_shape_and_order(typed_guest: BuiltGuest) -> None:
    prices = np.arange(12.0).reshape(3, 4)
    for given in (prices, np.asfortranarray(prices)):
        report, _ = run(typed_guest, npy(given))
        assert report.output == npy(prices.sum(axis=0) * 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"1,2,3,4,5,6,7", "numpy.save writes one"),
        (
            npy(np.zeros((2, 2), np.float32)),
            "expected a .npy file with dtype '<f8', got the header {'descr': '<f4'",
        ),
        (npy(np.zeros(4)), "expected an array with 2 dimensions, got 1"),
        (npy(np.zeros((2, 2)))[:-1], "more or fewer bytes than its shape says"),
    ],
)
def test_an_input_of_another_type_is_refused(typed_guest: BuiltGuest, content: bytes, words: str) -> None:
    report, printed = run(typed_guest, content)
    assert (report.exit_code, report.output) == (INPUT_REFUSED, b"")
    assert words in printed


def test_annotations_declare_the_input(tmp_path: Path) -> None:
    text = HEADER + (
        "import numpy.typing as npt\n"
        '@truestep.guest(output="raw")\n'
        "def main(task: truestep.Task, values: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:\n"
        "    return values[::-1]\n"
    )
    report, _ = run(built(tmp_path, text), npy(np.array([1, 2, 3], np.int16)))
    assert report.output == np.array([3, 2, 1], np.int16).tobytes()


def test_exceptions_end_the_run_with_their_text(tmp_path: Path) -> None:
    text = HEADER + (
        "@truestep.guest\n"
        "def main(input):\n"
        "    if input.size == 0:\n"
        '        raise ValueError("no prices")\n'
        "    if input.size == 1:\n"
        '        raise RuntimeError("odd", input[0], 2.5)\n'
        "    if input.size == 2:\n"
        "        input[input[0]] = 1\n"
        "    try:\n"
        "        if input[0] == 7:\n"
        "            print(open(str(input[1])).read())\n"
        "    except Exception as error:\n"
        "        print(error.args)\n"
        "    return input[: input[9]]\n"
    )
    guest = built(tmp_path, text)
    assert "model.py:13: a guest cannot use open" in guest.warnings
    assert "model.py:15: a guest knows" in guest.warnings
    assert "model.py:13: a guest cannot use open" in read_program(tmp_path / "model.py").notes[-1]
    for content, words in (
        (b"", "model.py:6: ValueError: no prices\n"),
        (b"\x05", "RuntimeError: ('odd', 5, 2.5)\n"),
        (b"\x02\x01", "model.py:10: IndexError: index is out of bounds\n"),
        (b"\x01\x01\x01", "model.py:16: IndexError: index is out of bounds\n"),
        (b"\x07\x01\x01", guest.warnings.partition("\n  a run")[0] + "\n"),
    ):
        report, printed = run(guest, content)
        assert (report.exit_code, report.output) == (EXCEPTION, b"")
        assert printed.endswith(words)


def test_print_writes_what_python_prints(tmp_path: Path) -> None:
    text = HEADER + (
        "@truestep.guest\n"
        "def main(input):\n"
        "    x = input[0] * 0.1\n"
        "    print('x', x, 1e22, -2.5e-7, 123456789.125, np.float32(0.1), int(input[0]), -7, True, None)\n"
        "    print(1 + 2j, (1, 'a', 2.0), [1, 2], 'é😀', np.array([1, 2]), 5e-324, 1e308, x / 3)\n"
        "    return input\n"
    )
    _, printed = run(built(tmp_path, text), b"\x03")
    x = 3 * 0.1
    assert printed.splitlines() == [
        f"x {x} 1e+22 -2.5e-07 123456789.125 0.1 3 -7 True None",
        f"(1+2j) (1, 'a', 2.0) [1, 2] é😀 [1 2] 5e-324 1e+308 {x / 3}",
    ]


def test_a_guest_without_a_result_has_no_output(tmp_path: Path) -> None:
    for header in ("@truestep.guest\n", '@truestep.guest(input="uint8[:]")\n'):
        text = f"{HEADER}{header}def main(input):\n    print(input.sum())\n"
        given = b"\1\2" if "input=" not in header else npy(np.array([1, 2], np.uint8))
        report, printed = run(built(tmp_path, text), given)
        assert (report.exit_code, report.output, printed) == (0, b"", "3\n")


def test_members_of_a_tuple_are_files_one_after_another(tmp_path: Path) -> None:
    text = HEADER + (
        '@truestep.guest(input="float64[:]")\n'
        "def main(x):\n"
        "    doubled = x * 2\n"
        "    return doubled, 1, (x[0], x.T)\n"
    )
    x = np.array([1.5, 2.5])
    report, _ = run(built(tmp_path, text), npy(x))
    assert report.output == b"".join(map(npy, (x * 2, np.array(1), np.array(1.5), x)))


def test_imports_may_hold_what_python_caches_and_deletes(tmp_path: Path) -> None:
    text = HEADER + (
        "import numba\n"
        "@numba.njit(cache=True)\n"
        "def int_or_float(a):\n"
        "    return 0 if a < 0 else a\n"
        "@numba.vectorize(['float64(float64)'], cache=True)\n"
        "def increment(a):\n"
        "    return int_or_float(a) + 1\n"
        "@numba.guvectorize(['void(float64[:], float64[:])'], '(n)->(n)', nopython=True, cache=True)\n"
        "def unused(a, out):\n"
        "    for k in range(len(a)):\n"
        "        out[k] = a[k]\n"
        "def first(x, unneeded):\n"
        "    total = x.sum()\n"
        "    del unneeded, total\n"
        "    return x\n"
        '@truestep.guest(input="float64[:]", output="raw")\n'
        "def main(x):\n"
        "    return increment(first(x, 1.0))\n"
    )
    report, _ = run(built(tmp_path, text), npy(np.array([1.0, 2.5, -3.0])))
    assert np.frombuffer(report.output).tolist() == [2, 3.5, 1]


def test_memory_has_an_end(tmp_path: Path) -> None:
    text = HEADER + "@truestep.guest\ndef main(input):\n    return np.empty(300_000_000 + input.size)\n"
    report, printed = run(built(tmp_path, text))
    assert report.exit_code == OUT_OF_MEMORY
    assert printed.startswith("out of memory: no block of 24000000")


def test_unseeded_randomness_follows_the_jobs_seed(tmp_path: Path) -> None:
    text = HEADER + "@truestep.guest\ndef main(input):\n    return np.random.random(4)\n"
    program = load_elf(built(tmp_path, text).path.read_bytes())
    engine = open_engine(EngineName.REFERENCE)
    tasks = [Task(seed=bytes([i] * 32), shard_index=j, shard_count=2) for i in range(2) for j in range(2)]
    outputs = [run_task(engine, program, task).output for task in [*tasks, tasks[0]]]
    assert len(set(outputs)) == 4
    assert outputs[0] == outputs[4]


GUEST = "@truestep.guest\ndef main(input):\n    return "


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"{GUEST}np.random.get_state()\n", "5: a guest cannot use numpy.random.get_state\n  try: "),
        (f"import absent\n{GUEST}input\n", "3: ModuleNotFoundError: No module named 'absent'\n  try: "),
        (f"{GUEST}absent\n", "5: NameError: name 'absent' is not defined\n  try: "),
        (f"{GUEST}{{1: 2}}\n", "3: a guest cannot return dictionary of int64 to int64"),
        (
            f"{GUEST}{{1, 2}}\n",
            "3: a guest cannot return set of int64 as its output\n  try: return an array",
        ),
        (
            GUEST.replace("return", "if len(input): return") + "input\n",
            "3: a guest must return its output on every path, but this one returns 1-d array of uint8 or",
        ),
        (
            GUEST.replace("input", "a, b, c") + "a\n",
            "3: expected a guest to take (input) or (task, input), got",
        ),
        (
            GUEST.replace("return", "x = np.ones(2)\n    if len(input): x = input\n    return") + "x\n",
            "7: variable 'x' cannot be both 1-d array of float64 and 1-d array of uint8\n  try: give",
        ),
        (
            GUEST.replace("return", "x = [1]\n    x += ['a']\n    return") + "x\n",
            "6: a guest cannot compute (list of int64) += (list of str)\n  try: ",
        ),
        (
            f"{GUEST}[1] - [2]\n",
            "5: a guest cannot compute (list of int64) - (list of int64)\n  try: give it",
        ),
        (GUEST.replace(":", "") + "1\n", "4: expected ':': def main(input)"),
        ("def main(input):\n    return input\n", " expected one function decorated with @truestep.guest"),
        (f"T = 1 / 0\n{GUEST}input\n", "3: ZeroDivisionError: division by zero\n  try: "),
    ],
)
def test_complaints_name_the_line_and_a_remedy(tmp_path: Path, body: str, words: str) -> None:
    message = said(tmp_path, HEADER + body)
    assert message.startswith(f"model.py:{words}")
    assert "Traceback" not in message


def test_a_guest_is_plain_python_where_numba_is_missing(tmp_path: Path) -> None:
    write(tmp_path, TYPED)
    script = (
        "import sys; sys.modules['numba'] = None\n"
        "import numpy as np, model\n"
        "assert model.main(np.ones((2, 2))).tolist() == [4.0, 4.0]\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (completed.returncode, completed.stderr) == (0, "")
