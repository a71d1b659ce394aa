"""The worker's log lines on stderr: text for a person, or one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone


def configure(level: str, form: str, *, with_time: bool) -> None:
    """Write the log; `form` is text or json. A record's `facts` (a dict) become `name=value` or fields.

    `with_time`: text lines begin with the time, for what runs for days; JSON always has it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json() if form == "json" else Text(with_time=with_time))
    logging.basicConfig(level=level, handlers=[handler])
    # One line a request is too much beside a progress bar.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    for chatty in ("pika", "sqlalchemy.pool"):
        # What a lost connection means, we say ourselves, in one line and without their traceback.
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


class Text(logging.Formatter):
    """For a person."""

    def __init__(self, *, with_time: bool) -> None:
        """See `configure`."""
        super().__init__(("%(asctime)s " if with_time else "") + "%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback where there is one."""
        facts = " ".join(f"{name}={_word(value)}" for name, value in getattr(record, "facts", {}).items())
        first, newline, rest = super().format(record).partition("\n")
        return (f"{first} ({facts})" if facts else first) + newline + rest


class Json(logging.Formatter):
    """For machines."""

    def format(self, record: logging.LogRecord) -> str:
        """One object on one line."""
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "facts", {}), ensure_ascii=False, default=str)


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
