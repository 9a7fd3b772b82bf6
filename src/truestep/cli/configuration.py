"""A daemon's options in a TOML file: its keys are the names of the options, and their help documents it."""

import difflib
import json
import textwrap
import tomllib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import Any, cast, get_args

import typer

from truestep.base.text import visible

OPTION = "--config"
UNWRITTEN = frozenset({"config", "help"})
"""Options that are no keys."""
ONE_OF = ({"network", "deployment"},)
"""Keys that stand for the same: if one of them is typed, the file's others do not count."""
SIZE_LIMIT_BYTES = 1 << 20
WIDTH = 110

Scalar = str | int | float | bool
Value = Scalar | list[Scalar]
Values = Mapping[str, Value]


class Key:
    """One key, and the option that it stands for."""

    def __init__(self, parameter: Any) -> None:
        """`parameter` is typer's."""
        self.parameter = parameter
        self.option: str = max(parameter.opts, key=len)
        self.name = self.option.removeprefix("--").replace("-", "_")
        self.is_list = bool(parameter.multiple)
        self.is_flag = bool(parameter.is_flag)
        kind: Any = parameter.type_descriptor.annotation
        self.kind: Any = next(iter(get_args(kind)), kind) if self.is_list else kind

    @property
    def opts(self) -> set[str]:
        """All words that set it."""
        return {*self.parameter.opts, *self.parameter.secondary_opts}

    def words(self, value: Any, file: Path) -> list[str]:
        """The value as it would be typed. Raises `typer.BadParameter` if it cannot be one."""
        if self.is_flag:
            return self._switch(value, file)
        values: list[Any] = [value]
        if self.is_list and isinstance(value, list):
            values = cast("list[Any]", value)
        if any(isinstance(each, bool | list | dict) for each in values):
            expected = "a list of texts or numbers" if self.is_list else "a text or a number"
            raise self._refusal(expected, value, file)
        return [f"{self.option}={self._resolved(str(each), file)}" for each in values]

    def _switch(self, value: Any, file: Path) -> list[str]:
        if not isinstance(value, bool):
            raise self._refusal("true or false", value, file)
        if value:
            return [self.option]
        return [self.parameter.secondary_opts[0]] if self.parameter.secondary_opts else []

    def _resolved(self, text: str, file: Path) -> str:
        """A path is meant from the folder of the file, wherever the daemon is started."""
        return str(file.parent / text) if self.is_path(text) else text

    def is_path(self, text: str) -> bool:
        """Whether this value is a file or folder."""
        is_folder = self.name == "blobs" and "://" not in text
        return is_folder or (isinstance(self.kind, type) and issubclass(self.kind, Path))

    def _refusal(self, expected: str, value: Any, file: Path) -> typer.BadParameter:
        got = visible(json.dumps(value, default=str))[:100]
        message = f"expected {expected} for {self.name} in {file}, got {got}"
        return typer.BadParameter(message, param_hint=OPTION)


def keys_of(parameters: Iterable[Any]) -> dict[str, Key]:
    """The keys of a command, by name."""
    keys = [Key(each) for each in parameters if each.param_type_name == "option"]
    return {key.name: key for key in keys if key.name not in UNWRITTEN}


def with_configuration(parameters: Iterable[Any], arguments: Sequence[str]) -> list[str]:
    """The words that were typed, after those of the file that --config names, if it does.

    What is typed wins. Raises `typer.BadParameter` for a file that cannot be read or has unknown keys.
    """
    file = _named_file(arguments)
    if file is None:
        return list(arguments)
    keys, values = keys_of(parameters), read_configuration(file)
    check_keys(values, keys, str(file))
    typed = {word.partition("=")[0] for word in arguments}
    ignored = {name for name, key in keys.items() if key.opts & typed}
    for group in ONE_OF:
        ignored |= group if group & ignored else set()
    words = [keys[name].words(value, file) for name, value in values.items() if name not in ignored]
    return [*(word for each in words for word in each), *arguments]


@contextmanager
def naming_the_file(words: Sequence[str], arguments: Sequence[str]) -> Generator[None]:
    """Have a refusal of a value that a file brought name its key and the file.

    `words`: what `with_configuration` has made of the arguments.
    """
    brought = {word.partition("=")[0] for word in words[: len(words) - len(arguments)]}
    try:
        yield
    except typer.BadParameter as error:
        options = set(error.param.opts) if error.param is not None else {str(error.param_hint)}
        for option in brought & options:
            name = option.removeprefix("--").replace("-", "_")
            error.param_hint = f"{name} in {_named_file(arguments)}"
        raise


def _named_file(arguments: Sequence[str]) -> Path | None:
    named: Path | None = None
    for index, word in enumerate(arguments):
        option, is_joined, value = word.partition("=")
        if option == OPTION and is_joined:
            named = Path(value)
        elif option == OPTION and index + 1 < len(arguments):
            named = Path(arguments[index + 1])
    return named


def read_configuration(file: Path) -> Values:
    """What a file says."""
    try:
        with file.open("rb") as opened:
            content = opened.read(SIZE_LIMIT_BYTES + 1)
        if len(content) > SIZE_LIMIT_BYTES:
            raise typer.BadParameter(f"expected at most 1 MiB in {file}", param_hint=OPTION)
        return tomllib.loads(content.decode())
    except OSError as error:
        message = f"expected a file to read, got: {error.strerror}: {file}"
        raise typer.BadParameter(message, param_hint=OPTION) from error
    except RecursionError as error:
        raise typer.BadParameter(
            f"expected values in {file}, got deeply nested ones", param_hint=OPTION
        ) from error
    except ValueError as error:  # of the text, or of TOML
        raise typer.BadParameter(f"expected TOML in {file}, got: {error}", param_hint=OPTION) from error


def check_keys(values: Iterable[str], keys: Mapping[str, Key], where: str, option: str = OPTION) -> None:
    """Refuse unknown keys, and name the nearest one. `option`: the one that brought them."""
    for name in values:
        if name in keys:
            continue
        near = difflib.get_close_matches(name.replace("-", "_"), keys, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else "; `init` writes a file with all keys"
        if name in ("key", "password", "private_key", "secret"):
            hint = "; keys and passwords stay in their files: keystore, password_file"
        raise typer.BadParameter(f"unknown key {visible(name)[:100]} in {where}{hint}", param_hint=option)


# --- writing ------------------------------------------------------------------------------------------


def documented(keys: Mapping[str, Key], values: Values, title: str) -> str:
    """A configuration with these values, in which every key is explained. Others have their defaults."""
    needed = [key for key in keys.values() if key.parameter.required]
    others = [key for key in keys.values() if not key.parameter.required]
    parts = [_comment(title), "# --- needed " + "-" * 60, *(_entry(key, values) for key in needed)]
    parts += ["# --- the rest, with defaults " + "-" * 44, *(_entry(key, values) for key in others)]
    return "\n\n".join(parts) + "\n"


def _entry(key: Key, values: Values) -> str:
    """The explanation of a key, and its line: a comment unless it has a value."""
    if key.name in values:
        line = f"{key.name} = {_toml(values[key.name])}"
    elif key.is_flag:
        line = f"# {key.name} = {_toml(bool(key.parameter.default))}"
    elif key.parameter.default is None:
        shown: Any = key.parameter.metavar or "..."
        line = f"# {key.name} = {_toml([shown] if key.is_list else shown)}"
    else:
        default = key.parameter.default
        line = f"# {key.name} = {_toml(default.value if isinstance(default, Enum) else default)}"
    return f"{_comment(' '.join(str(key.parameter.help).split()))}\n{line}"


def _comment(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, cast('list[Any]', value)))}]"
    if isinstance(value, int | float):
        return f"{value:.0f}" if isfinite(value) and value == int(value) else repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def value_of(key: Key, texts: Sequence[str]) -> Value:
    """The value that texts such as those of `--set` and the environment stand for."""
    if key.is_list:
        return list(texts)
    text = texts[-1]
    if key.is_flag:
        if text not in ("true", "false"):
            raise typer.BadParameter(f"expected true or false for {key.name}, got {visible(text)!r}")
        return text == "true"
    for kind in (int, float):
        if key.kind is kind:
            try:
                return kind(text)
            except ValueError:
                return text  # a size such as 2GiB; the daemon says what is wrong with others
    return text
