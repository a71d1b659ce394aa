"""tables: makes, upgrades and drops our own tables beside an app's; prints the SQL and asks before anything is done."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from faces.errors import RequestError
from faces.store.database import Store
from faces.store.sidecar import layout, upgrades
from faces.store.sidecar.layout import UPDATED_AT_INDEX, Layout
from faces.store.sidecar.tables import PREFIX
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.commands.verbs import add_verb

_DETAILS = f"""\
People, groups and what was answered are kept in tables of our own. A SQLite file of our own has them. Beside an app's
tables, on MySQL or MariaDB, they are made by this verb: their names begin with {PREFIX}, and no table of the
app's is changed. They lie in the app's database, or in FACE_TABLES_DATABASE on the same server, which
`php artisan migrate:fresh` does not drop. Without them everything works as before.

The SQL is printed, and a person is asked on the terminal; --yes answers for scripts. What was stopped in the middle is
finished by the same option. Workers see at their start what is there: restart them afterwards.

Exit codes: 0 done, or nothing was left to do; 1 the answer was no, or the server refused; 2 nobody was there to answer,
or wrong usage."""

#: What a person types before something is lost.
_WORD = "drop"

_INDEX_REASON = (
    "An index on the app's faces.updated_at lets workers find every 30 seconds what PHP changed, without reading the "
    "table; making it reads the table once, while jobs go on. It goes with --drop."
)

#: What of the counts is called how.
_COUNTED = {"people": "people", "groups": "groups", "ledger": "ledger entries", "never": "refusals"}


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "tables", run, _DETAILS)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--create", action="store_true", help="make what is missing")
    what.add_argument("--upgrade", action="store_true", help="bring tables of an older version forward")
    what.add_argument("--drop", action="store_true", help="remove them with all that is in them")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--index-updated-at",
        choices=("yes", "no"),
        help=f"with --create: whether to make the index {UPDATED_AT_INDEX}; with --yes alone it is not made",
    )


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Show what is there, or do what the option says."""
    if arguments.index_updated_at and not arguments.create:
        raise RequestError("--index-updated-at needs --create")
    with invocation.store(any_sidecar=True) as store:
        if store.schema.ours:
            return _tell_own(arguments, store, invocation.output)
        change = _Change(arguments, store, invocation.output, layout.look(store))
        if arguments.create:
            return change.create()
        if arguments.upgrade:
            return change.upgrade()
        return change.drop() if arguments.drop else change.show()


def _tell_own(arguments: argparse.Namespace, store: Store, output: Output) -> int:
    if arguments.drop:
        raise RequestError(f"{store.name} is a file of our own, which needs these tables")
    output.result(f"{store.name} is a file of our own and has these tables already; its upgrades come by themselves")
    output.record({"database": store.name, "own_file": True, "complete": True, "changed": False})
    return 0


@dataclass(slots=True)
class _Change:
    """One run of the verb on an app's database; `done` is the SQL that was run."""

    arguments: argparse.Namespace
    store: Store
    output: Output
    found: Layout
    done: list[str] = field(default_factory=list)

    def show(self) -> int:
        found = self.found
        there, all_of_them = len(found.beside.there), len(found.beside.there) + len(found.beside.missing)
        self._say(f"{there} of {all_of_them} tables {PREFIX}… in {self._place}")
        if found.beside.version is not None:
            known = (
                "the newest" if found.beside.version == upgrades.NEWEST else f"--upgrade makes {upgrades.NEWEST} of it"
            )
            self._say(f"version {found.beside.version}, {known}; links by itself: {found.beside.match_rule}")
        if found.creating and there:
            self._say("not complete, and not used like this: --create finishes them, --drop removes them")
        if there:
            self._say(self._counted)
        self._say(f"index on faces.updated_at: {found.index or 'none'}")
        return self._end()

    def create(self) -> int:
        found = self.found
        if found.rows_left:
            raise RequestError(
                f"found rows in {', '.join(found.rows_left)} of {self._place}, but not the library's row, as after a "
                "drop that was stopped: `tables --drop` finishes that, and then --create makes them new"
            )
        if not found.creating:
            self._say(f"the tables {PREFIX}… are there already, in {self._place}, version {found.beside.version}")
        elif not self._agreed(found.creating, f"Make these tables in {self._place}?"):
            return self._refused()
        else:
            self._run(found.creating)
            self._say(f"the tables are made in {self._place}; workers use them from their next start on")
        self._offer_index()
        return self._end()

    def upgrade(self) -> int:
        found = self.found
        if found.beside.version is None:
            raise RequestError(f"found no complete tables {PREFIX}… in {self._place}: `tables --create` makes them")
        if not found.upgrading:
            self._say(f"the tables {PREFIX}… in {self._place} are already the newest: version {found.beside.version}")
        elif not self._agreed(found.upgrading, f"Bring the tables in {self._place} to version {upgrades.NEWEST}?"):
            return self._refused()
        else:
            self._run(found.upgrading)
            self._say(f"the tables are of version {upgrades.NEWEST} now; restart the workers")
        return self._end()

    def drop(self) -> int:
        found = self.found
        if not found.dropping:
            self._say(f"there are no tables {PREFIX}… in {self._place}")
            return self._end()
        self._say(f"what would be lost: {self._counted}; the app's own rows stay as they are")
        if not self._agreed(found.dropping, f"Remove all this from {self._place}? Type {_WORD} to go on:", _WORD):
            return self._refused()
        self._run(found.dropping)
        self._say("removed; restart the workers")
        return self._end()

    def _offer_index(self) -> None:
        found, choice = self.found, self.arguments.index_updated_at
        if not found.indexing:
            self._say(f"faces.updated_at has an index already: {found.index}")
            return
        if choice is None and not self.arguments.yes:
            self._say(_INDEX_REASON)
            choice = "yes" if self._agreed(found.indexing, "Make this index, too?") else "no"
        elif choice == "yes":
            self._print(found.indexing)
        if choice == "yes":
            self._run(found.indexing)
            self._say(f"the index {UPDATED_AT_INDEX} is made")
        else:
            self._say("no index on faces.updated_at: `tables --create --index-updated-at yes` makes it")

    def _agreed(self, statements: Sequence[str], question: str, word: str = "yes") -> bool:
        """Print the SQL, and ask unless --yes was said.

        Raises:
            RequestError: nobody is there to answer.
        """
        self._print(statements)
        if self.arguments.yes:
            return True
        answer = self.output.ask(question if word in question else f"{question} [yes/no]")
        if answer is None:
            self._end()
            more = "more " if self.done else ""
            raise RequestError(f"nothing {more}was changed: no terminal is there to answer on, needed --yes")
        return answer.lower() == word

    def _refused(self) -> int:
        self._say("nothing was changed")
        self._end()
        return 1

    def _print(self, statements: Sequence[str]) -> None:
        for statement in statements:
            for line in f"{statement};".splitlines():
                self._say(line)

    def _run(self, statements: Sequence[str]) -> None:
        layout.run(self.store, statements)
        self.done += statements

    def _say(self, sentence: str) -> None:
        """For people; a machine gets the record at the end."""
        self.output.result(sentence)

    def _end(self) -> int:
        now = layout.look(self.store) if self.done else self.found
        self.output.record(
            {
                "database": now.database,
                "own_file": False,
                "complete": now.beside.version is not None and not now.beside.missing,
                "version": now.beside.version,
                "match_rule": now.beside.match_rule,
                "missing": list(now.beside.missing),
                "rows": dict(now.counts),
                "updated_at_index": now.index,
                "changed": bool(self.done),
                "done": self.done,
                "left": {
                    "create": list(now.creating),
                    "upgrade": list(now.upgrading),
                    "drop": list(now.dropping),
                    "index": list(now.indexing),
                },
            }
        )
        return 0

    @property
    def _place(self) -> str:
        return f"the database {self.found.database}"

    @property
    def _counted(self) -> str:
        return ", ".join(f"{self.found.counts.get(name, 0)} {words}" for name, words in _COUNTED.items())
