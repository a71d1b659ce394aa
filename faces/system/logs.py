"""How both doors log, on stderr: the API's lines for people, the worker's for people or as one JSON object each.

Control characters, in names of files for example, are written out: a log is read on a terminal, too.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any

from faces.system.terminal import visible, visible_lines

#: A line of the API: time, level, which of its processes, which logger, the message.
_API_LINE = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"

#: A line of the worker and the command line; what runs for days has the time in front.
_WORKER_LINE = "%(levelname)s %(name)s: %(message)s"


def api_configuration(level: str) -> dict[str, Any]:
    """The API's log, gunicorn's own lines included, for gunicorn's `logconfig_dict` and `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"()": Visible, "fmt": _API_LINE}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def configure(level: str, form: str, *, with_time: bool) -> None:
    """Start the worker's log; `form` is text or json. A record's `facts` (a dict) become `name=value` or fields.

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


class Visible(logging.Formatter):
    """A message is one line, whatever is in it; a traceback follows in lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        return visible(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  logging's name
        return visible_lines(super().formatException(ei))


class Text(Visible):
    """A line of the worker for a person, its `facts` in parentheses behind the message, a traceback below."""

    def __init__(self, *, with_time: bool) -> None:
        super().__init__(("%(asctime)s " if with_time else "") + _WORKER_LINE)

    def format(self, record: logging.LogRecord) -> str:
        facts = visible(" ".join(f"{name}={_word(value)}" for name, value in getattr(record, "facts", {}).items()))
        first, newline, rest = super().format(record).partition("\n")
        return (f"{first} ({facts})" if facts else first) + newline + rest


class Json(logging.Formatter):
    """A line of the worker for machines: one JSON object, in which `facts` are fields and the time is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return visible(json.dumps(line | getattr(record, "facts", {}), ensure_ascii=False, default=str))


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
