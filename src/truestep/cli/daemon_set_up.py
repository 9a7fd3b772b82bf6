"""`truestep worker init` and `truestep challenger init`: a folder with all that a daemon is started from."""

import os
import re
import shlex
import sys
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

import truestep
from truestep.adapters.files import OPEN_TO_ALL, OPEN_TO_OWNER
from truestep.adapters.store.postgres_place import PostgresPlace, parse_place
from truestep.base.errors import Rejected
from truestep.cli.configuration import Key, Value, Values, check_keys, documented, keys_of, value_of
from truestep.cli.daemon_group import RUN
from truestep.cli.failure import Failure
from truestep.cli.log_options import parse_listen
from truestep.cli.options import parse_address, parse_amount
from truestep.cli.screen import JsonFlag, Screen, guarded

FILES = resources.files("truestep.cli") / "operating"
KEYSTORE, STATE = "key.json", "state"
"""What a new configuration names, in its folder."""
WRITTEN = ("state_dir", "log")
"""Keys of folders into which a daemon writes."""


def _parse_store(text: str, option: str) -> PostgresPlace:
    try:
        return parse_place(text)
    except Rejected as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


FORMS = {
    "AMOUNT": parse_amount,
    "ADDRESS": parse_address,
    "HOST:PORT": parse_listen,
    "URI": _parse_store,
}
"""What reads the text of an option, by what its help says of the form: the daemon does so when it starts."""
IN_USE = "the folder is in use"


def add_setting_up(group: typer.Typer, role: str) -> None:
    """Add the command to a daemon's group."""

    def init(
        context: typer.Context,
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write.")],
        settings: Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                metavar="KEY=VALUE",
                help="A key of the configuration and its value, such as stake=5. Repeatable.",
            ),
        ] = None,
        systemd: Annotated[bool, typer.Option("--systemd", help="Write a unit for systemd too.")] = False,
        container: Annotated[
            bool, typer.Option("--container", help="Write a Containerfile too, for podman or docker.")
        ] = False,
        monitoring: Annotated[
            bool,
            typer.Option("--monitoring", help="Write alerts for Prometheus and a dashboard for Grafana too."),
        ] = False,
        as_json: JsonFlag = False,
    ) -> None:
        """Write a configuration in which every key is explained. No file is overwritten.

        It takes what TRUESTEP_RPC and the other variables say. Keys and passwords are never in it: it names
        their files.
        """
        group: Any = context.parent
        keys = keys_of(group.command.get_command(group, RUN).params)
        values = _values(context, keys, settings or [])
        chosen = {"systemd": systemd, "container": container, "monitoring": monitoring}
        files = _files(role, folder, keys, values, {name for name, is_wanted in chosen.items() if is_wanted})
        _write(files)
        _tell(Screen(as_json=as_json), role, folder, files, keys, values)

    example = f"Example: truestep {role} init {role} --set rpc=http://127.0.0.1:8545 --systemd"
    group.command(name="init", epilog=example)(guarded(init))


def _values(context: Any, keys: dict[str, Key], settings: list[str]) -> Values:
    """What the options and the environment say."""
    given: dict[str, list[str]] = {}
    for text in settings:
        name, is_assigned, value = text.partition("=")
        if not is_assigned:
            message = f"expected a key and a value, such as stake=5, got {text!r}"
            raise typer.BadParameter(message, param_hint="--set")
        given.setdefault(name, []).append(value)
    check_keys(given, keys, "the command", "--set")
    hints = {name: f"--set {name}" for name in given}
    for name, key in keys.items():
        if name not in given and (value := os.environ.get(str(key.parameter.envvar or ""))):
            given[name] = value.split() if key.is_list else [value]
            hints[name] = str(key.parameter.envvar)
    for name, texts in given.items():
        _check(context, keys[name], texts, hints[name])
    values = {name: value_of(keys[name], texts) for name, texts in given.items()}
    return {"keystore": KEYSTORE, "state_dir": STATE, **values}


def _check(context: Any, key: Key, texts: list[str], hint: str) -> None:
    """Refuse what the daemon would refuse. Files may come later."""
    if key.is_flag or any(key.is_path(text) for text in texts):
        return
    try:
        key.parameter.process_value(context, texts if key.is_list else texts[-1])
        for text in texts:
            if form := FORMS.get(key.parameter.metavar):
                form(text, hint)
    except typer.BadParameter as error:
        error.param_hint = hint
        raise


def _files(
    role: str, folder: Path, keys: dict[str, Key], values: Values, wanted: set[str]
) -> dict[Path, str]:
    """All files and what is in them."""
    configuration = folder / f"{role}.toml"
    title = (
        f"Configuration of a {role} of truestep {truestep.__version__}. Start it with: truestep {role} run"
        f" --config {configuration.name}. Paths are meant from the folder of this file. Options that can be"
        " repeated are lists. The command line goes before this file. A line that begins with # is a comment:"
        " it shows the default, or what a value looks like."
    )
    absolute = {name: _absolute(keys[name], value) for name, value in values.items()}
    files = {configuration: documented(keys, absolute, title)}
    place = folder.absolute()
    writable = [place, *(Path(str(absolute[name])) for name in WRITTEN if name in absolute)]
    outside = [each for each in writable if each.is_absolute() and not each.is_relative_to(place)]
    names = {
        "PROGRAM": _word(Path(sys.executable).with_name("truestep")).replace("$", "$$"),
        "FILE": _word(place / configuration.name).replace("$", "$$"),
        "FOLDER": str(place).replace("%", "%%"),
        "WRITABLE": " ".join(map(_word, [place, *outside])),
        "ROLE": role,
        "VERSION": truestep.__version__,
    }
    templates = {"systemd": ("service.ini", f"truestep-{role}.service"), "container": ("Containerfile",) * 2}
    for kind, (source, target) in templates.items():
        if kind in wanted:
            files[folder / target] = _filled((FILES / source).read_text("utf-8"), names)
    for name in ("alerts.yml", "grafana.json") if "monitoring" in wanted else ():
        files[folder / name] = (FILES / name).read_text("utf-8")
    return files


def _absolute(key: Key, value: Value) -> Value:
    """A path of an option or the environment is meant from here, and not from the folder of the file."""
    if isinstance(value, list):
        return [str(_absolute(key, each)) for each in value]
    if not key.is_path(str(value)) or value in (KEYSTORE, STATE):
        return value
    return str(Path(str(value)).expanduser().absolute())


def _filled(text: str, names: dict[str, str]) -> str:
    """Only whole words are names (not the end of LimitNOFILE), and what fills one is not searched again."""
    return re.sub(rf"\b({'|'.join(names)})\b", lambda found: names[found[0]], text)


def _word(path: Path) -> str:
    """A path as systemd reads one word, whatever is in it."""
    text = str(path).replace("%", "%%")
    if not re.search(r"[\s\"'\\;]", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write(files: dict[Path, str]) -> None:
    for path in files:
        if path.exists() or path.is_symlink():
            raise Failure(IN_USE, f"expected no {path}, which is never overwritten")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        # the URL of a node often has a key
        mode = OPEN_TO_OWNER if path.suffix == ".toml" else OPEN_TO_ALL
        with open(path, "x", encoding="utf-8", opener=partial(os.open, mode=mode)) as file:
            file.write(text)


def _tell(
    screen: Screen, role: str, folder: Path, files: dict[Path, str], keys: dict[str, Key], values: Values
) -> None:
    missing = [name for name, key in keys.items() if key.parameter.required and name not in values]
    if not {"network", "deployment"} & values.keys():
        missing.append("network or deployment")
    if screen.as_json:
        screen.result({"files": [str(path) for path in files], "missing": missing})
        return
    screen.result({"files": ", ".join(str(path) for path in files)})
    configuration = folder / f"{role}.toml"
    steps = [f"write {', '.join(missing)} into {configuration}"] if missing else []
    if "password_file" not in values and any(path.suffix == ".service" for path in files):
        steps.append("name the keystore's password_file in it: a service has no terminal to ask on")
    if folder / "Containerfile" in files and (far := _far(folder, keys, values)):
        steps.append(
            f"the container sees only {folder}: copy into it what {', '.join(far)} name,"
            " and name it from there"
        )
    if values["keystore"] == KEYSTORE:
        steps.append(f"truestep account new {shlex.quote(str(folder / KEYSTORE))}")
    steps.append(f"truestep {role} run --config {shlex.quote(str(configuration))}")
    screen.note(escape("next: " + "\n      ".join(steps)))


def _far(folder: Path, keys: dict[str, Key], values: Values) -> list[str]:
    """Keys that name a file or folder outside of this folder."""
    far: list[str] = []
    for name, value in values.items():
        absolute = _absolute(keys[name], value)
        for each in absolute if isinstance(absolute, list) else [absolute]:
            if keys[name].is_path(str(each)) and each not in (KEYSTORE, STATE):
                far += [] if Path(str(each)).is_relative_to(folder.absolute()) else [name]
    return list(dict.fromkeys(far))
