"""The worker's log lines on stderr: text for a person, or one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone


def configure(level: str, form: str) -> None:
    """Write the log; `form` is text or json. A record's `facts` (a dict) become `name=value` or fields."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level, handlers=[handler])
    for chatty in ("httpx2", "pika"):
        # One line a request is too much beside a progress bar; what a lost connection means, we say ourselves.
        logging.getLogger(chatty).setLevel(logging.WARNING if chatty == "httpx2" else logging.CRITICAL)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_word(value)}" for name, value in getattr(record, "facts", {}).items())
        line = super().format(record)
        return f"{line} ({facts})" if facts else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "facts", {}), ensure_ascii=False, default=str)


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text else text
