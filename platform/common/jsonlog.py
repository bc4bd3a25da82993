"""One JSON object a line in the log, so that no input can forge or break a line."""

import json
import logging
from datetime import UTC, datetime

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}
_SECRET_WORDS = ("password", "secret", "token", "key", "authorization")


class JsonFormatter(logging.Formatter):
    """Fields: timestamp, level, logger, message, and whatever was given as `extra`; secrets are masked."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in record.__dict__.items():
            if name not in _STANDARD and not name.startswith("_"):
                line[name] = "***" if _is_secret(name) else value
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=True)


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return not lowered.endswith("_id") and any(word in lowered for word in _SECRET_WORDS)
