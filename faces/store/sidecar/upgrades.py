"""How tables of ours that an older version made beside an app become what this version makes: numbered steps of SQL.

Those of a file of our own have steps of their own: `faces.store.migrations`.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What makes each version of the one before it; `library.version` says which one the tables have. `{people}` is that
#: table's name as SQL. A step is never changed once it was released. Each statement commits itself and may be met a
#: second time, after an upgrade that was killed: what it adds is there by then, and what it drops is gone.
STEPS: Mapping[int, tuple[str, ...]] = {}

#: What new tables are.
NEWEST = max(STEPS, default=1)
