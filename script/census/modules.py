"""What the text of a checkout says of its house: sizes, names used twice, full folders, docstrings. Runs nothing of it.

`script/house` prints this, `tests/test_house.py` forbids some of it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

#: Base names that every part may have, and the folder of a door whose names are the door's own.
SHARED_NAMES = frozenset({"errors", "settings", "main", "faces", "gunicorn.conf"})
_DOORS_OWN = "http"

#: A verb of the command line is called after what it starts; a table's module after its noun in `people`.
_COMMANDS, _STORE, _NOUNS = "worker/commands", "faces/store", "faces/people"

#: Modules that a folder may have, and the folders of many things of one kind.
FULL = 18
_FREE = frozenset({_COMMANDS, _STORE, f"{_STORE}/sidecar", "installer"})

#: A module under so many lines that only one other imports is asked why it is there.
SMALL = 60

#: Words that a tired reader stumbles over.
_RIDDLES = re.compile(
    r"\b(?:(?:some|no|any|every)body|whom(?:ever)?|hears?|heard|goes|is away|lets us in|errands?|bur(?:y|ies|ied))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Module:
    """One file of ours; its path is that below the checkout."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """What Python reads in it."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """Its dotted name."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @property
    def folder(self) -> str:
        """Where it lies."""
        return str(self.path.parent)

    @property
    def lines(self) -> int:
        """All of them, empty ones too."""
        return len(self.text.splitlines())

    @property
    def classes(self) -> Iterator[str]:
        """Names of its classes."""
        return (node.name for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Its functions and methods, wherever in it."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @property
    def docstring(self) -> str | None:
        """Its own."""
        return ast.get_docstring(self.tree)

    @property
    def docstrings(self) -> Iterator[str]:
        """Its own, and those of its classes and functions."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from filter(None, [ast.get_docstring(node)])

    def imports(self) -> Iterator[str]:
        """Everything that it imports, wherever in it; of `from a import b` it is `a.b`, module or not.

        Raises:
            ValueError: a relative name.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                if node.level:
                    raise ValueError(f"{self.path}, line {node.lineno}: found a relative name, needed the full one")
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages_of(checkout: Path) -> list[str]:
    """The doors, the house and the installer: what a checkout has of packages at its top."""
    return sorted(file.parent.name for file in checkout.glob("*/__init__.py"))


def modules_of(checkout: Path) -> list[Module]:
    """Every module of a checkout's packages."""
    files = [file for package in packages_of(checkout) for file in sorted((checkout / package).rglob("*.py"))]
    return [Module(PurePosixPath(file.relative_to(checkout)), file.read_text(encoding="utf-8")) for file in files]


def rooms(modules: Iterable[Module]) -> dict[str, tuple[int, int]]:
    """Modules and lines of each folder."""
    found: dict[str, tuple[int, int]] = {}
    for module in modules:
        count, lines = found.get(module.folder, (0, 0))
        found[module.folder] = count + 1, lines + module.lines
    return found


def function_lines(modules: Iterable[Module]) -> list[int]:
    """Lines of each function, from its `def` to its end."""
    return [(node.end_lineno or 0) - node.lineno + 1 for module in modules for node in module.functions]


def at(share: float, values: Iterable[int]) -> int:
    """The value below which this share of all lies: the median at 0.5; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def base_names_twice(modules: Sequence[Module]) -> dict[str, list[str]]:
    """Base names that more than one module has, and where: a reader who looks for one must have one place to look."""
    nouns = {module.path.stem for module in modules if module.folder == _NOUNS}
    return _twice((m.path.stem, str(m.path)) for m in modules if not _may_repeat_a_name(m, nouns))


def _may_repeat_a_name(module: Module, nouns: set[str]) -> bool:
    name, folder = module.path.stem, module.folder
    is_a_doors_own = folder == _COMMANDS or module.path.parts[1:-1] == (_DOORS_OWN,)
    is_a_table = folder == _STORE and name in nouns
    return name.startswith("__") or name in SHARED_NAMES or is_a_doors_own or is_a_table


def class_names_twice(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Names of more than one class, and where."""
    return _twice((name, str(module.path)) for module in modules for name in module.classes)


def _twice(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def full_folders(modules: Iterable[Module]) -> dict[str, int]:
    """Folders with more modules than a listing may have that is to be read as the design."""
    counts = Counter(module.folder for module in modules)
    return {folder: count for folder, count in counts.items() if count > FULL and folder not in _FREE}


def small_with_one_importer(modules: Sequence[Module]) -> dict[str, str]:
    """Small modules that one other imports, and which one."""
    importers: defaultdict[str, set[str]] = defaultdict(set)
    for module in modules:
        for name in module.imports():
            importers[name].add(module.name)
            importers[name.rpartition(".")[0]].add(module.name)
    small = [m for m in modules if m.lines < SMALL and not m.path.stem.startswith("__")]
    return {m.name: next(iter(importers[m.name])) for m in small if len(importers[m.name]) == 1}


def riddles(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Words that a reader has to guess, by module, once for each docstring that has such a word."""
    found = {module.name: [_RIDDLES.search(text) for text in module.docstrings] for module in modules}
    words = {name: [match[0].lower() for match in matches if match] for name, matches in found.items()}
    return {name: said for name, said in words.items() if said}
