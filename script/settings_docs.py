"""Make docs/settings.md: see script/settings-docs. Ours by their declarations, Laravel's by the code's words."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from faces.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/settings.md"

_ABOUT = """\
# Settings

Environment variables. On a server they stand in `/etc/face-sidecar/face.env`;
[etc/face.env.example](../etc/face.env.example) shows that file's form. An empty value counts as not set. A wrong one
stops the start and names the variable. Lists are separated by commas.

Made by `script/settings-docs` out of `faces/settings.py`: change it there.
"""

_ABOUT_LARAVEL = """\
## The app's own

`LARAVEL_ENV_FILE` (path; default: none) names the app's `.env`. These variables are read there as Laravel reads them.
The same variables in the environment win over the file, and the `FACE_…` variables above win over both. Details, and
what must fit the app: [queue.md](queue.md#how-the-apps-settings-are-read).

| variables | what they say |
|---|---|
"""

#: What the app's variables are about, by the beginning of their names; the first that fits.
_OF_THE_APP = {
    ("DB_CACHE_", "CACHE_"): "the app's cache, where locks and marks lie: store, tables, prefix",
    ("DB_", "DATABASE_URL", "MYSQL_ATTR_"): "the database; `FACE_DATABASE_URL` wins",
    ("REDIS_",): "Redis, where the cache is there",
    ("RABBITMQ_",): "RabbitMQ",
    ("QUEUE_",): "the queue of face jobs, the connection's name, and where failed jobs are recorded",
    ("APP_",): "keys of encrypted jobs; the name that prefixes are made of; where `php artisan down` is noted",
    ("FACE_API_URL",): "where the face API answers; the app asks there, too",
    ("FACE_RECOGNITION_THRESHOLD",): "the threshold; `FACE_THRESHOLD` wins",
    ("IMAGE_DEBUG_SUBDIR",): "the folder of debug pictures; `FACE_DEBUG_SUBDIR` wins",
    ("LARAVEL_STORAGE_PATH",): "the app's folder `storage`; default: the one beside its `.env`",
}

#: Words in capitals that are no variables of an app: one is the file's own name, one a mode of MySQL's.
_OTHERS = {"LARAVEL_ENV_FILE", "NO_ENGINE_SUBSTITUTION"}

_VARIABLE = re.compile(r"[A-Z]+(_[A-Z]+)+")


def page() -> str:
    """The whole page."""
    return "\n".join([_ABOUT, *_groups(), _ABOUT_LARAVEL + "\n".join(rows_of_the_app(variables_of_the_app()))]) + "\n"


def _groups() -> Iterator[str]:
    """A table for each of the comments that divide the class."""
    source = inspect.getsource(Settings)
    for title, body in re.findall(r"^    # --- (.+?) -+$(.*?)(?=^    # ---|\Z)", source, re.MULTILINE | re.DOTALL):
        fields = [name for name in re.findall(r"^    (\w+): ", body, re.MULTILINE) if name in Settings.model_fields]
        rows = [_row_of(f"FACE_{name.upper()}", Settings.model_fields[name]) for name in fields]
        head = ["| variable | type | default | meaning |", "|---|---|---|---|"]
        yield "\n".join([f"## {title[0].upper()}{title[1:]}", "", *head, *rows, ""])


def _row_of(variable: str, field: FieldInfo) -> str:
    """A table's row. Where the description says what the default is, that is told instead of the bare value."""
    meaning, _, told = (field.description or "").partition("; default: ")
    return f"| `{variable}` | {_type_of(field)} | {told or _default_of(field)} | {meaning} |"


def _type_of(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return _either(get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {_MANY.get(get_args(kind)[0], 'words')}"
    if get_origin(kind) is Mapping:
        return "list of name=path"
    return ", ".join([_PLAIN[kind], *filter(None, [_range_of(field.metadata)])])


_PLAIN: Mapping[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "secret text",
    Path: "path",
}
_MANY: Mapping[Any, str] = {int: "whole numbers", SecretStr: "secret texts"}


def _range_of(limits: list[Any]) -> str:
    least = next((f"{limit.ge}" for limit in limits if isinstance(limit, Ge)), None)
    above = next((f"above {limit.gt}" for limit in limits if isinstance(limit, Gt)), None)
    most = next((limit.le for limit in limits if isinstance(limit, Le)), None)
    if least is not None:
        return f"{least} or more" if most is None else f"{least} to {most}"
    return ", ".join(filter(None, [above, most is not None and f"at most {most}"]))


def _either(words: tuple[str, ...]) -> str:
    *first, last = (f"`{word}`" for word in words)
    return f"{', '.join(first)} or {last}"


def _default_of(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, Path) and value.is_relative_to(Path.home()):
        value = Path("~") / value.relative_to(Path.home())
    if isinstance(value, tuple):
        value = ",".join(str(part) for part in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def variables_of_the_app() -> set[str]:
    """All that the modules of `faces/laravel` name in capitals."""
    files = sorted((ROOT / "faces/laravel").glob("*.py"))
    return {word for file in files for word in _variables_in(file.read_text(encoding="utf-8"))}


def _variables_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _VARIABLE.fullmatch(node.value):
            yield node.value


def rows_of_the_app(variables: set[str]) -> list[str]:
    """A table's rows; a variable that fits none of them is an error, so that it gets its words."""
    ours = {f"FACE_{name.upper()}" for name in Settings.model_fields} - {"FACE_API_URL"}
    left = variables - ours - _OTHERS
    rows = []
    for beginnings, meaning in _OF_THE_APP.items():
        these = sorted(name for name in left if name.startswith(beginnings))
        rows.append(f"| {', '.join(f'`{name}`' for name in these)} | {meaning} |")
        left -= {*these}
    if left:
        raise ValueError(f"found the variables {', '.join(sorted(left))} of the app's, needed a word in _OF_THE_APP")
    return rows


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
