"""Caught mails in one SQLite file. When it is full, the oldest go.

Not synchronised with the disk at every mail: the catcher is for looking at mail, not for keeping it.
"""

import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.smtpd import Envelope
from embedded.catcher.headers import decode_words, first, split_header

MOST_MAILS = 20_000
MOST_BYTES = 2 * 1024**3
_LONGEST_SUBJECT = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received REAL NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    author TEXT NOT NULL,
    subject TEXT NOT NULL,
    size INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS content (mail_id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS recipient (mail_id INTEGER NOT NULL, address TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS recipient_address ON recipient (address, mail_id);
CREATE INDEX IF NOT EXISTS recipient_mail ON recipient (mail_id);
"""
_COLUMNS = "id, received, sender, recipients, author, subject, size"


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """`received` in seconds since 1970; `author` is the From field."""

    id: int
    received: float
    sender: str
    recipients: tuple[str, ...]
    author: str
    subject: str
    size: int


@dataclass(frozen=True, slots=True)
class Query:
    """`to`: a whole recipient address, or a part of one without letters before its `@`, as `@example.com`.

    `search`: words in recipients, From or subject, in any order.
    """

    to: str = ""
    search: str = ""


class MailStore:
    """Every method may be called from any thread and blocks it. Raises sqlite3.Error."""

    def __init__(self, folder: Path, *, most_mails: int = MOST_MAILS, most_bytes: int = MOST_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._most_mails = most_mails
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "mails.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        # Counting at every mail would read the whole table.
        self._count, self._size = self._db.execute("SELECT count(*), total(size) FROM mail").fetchone()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, envelopes: Sequence[Envelope]) -> None:
        """All or none."""
        rows = [_row(envelope) for envelope in envelopes]
        with self._lock:
            with self._transaction():
                for envelope, row in zip(envelopes, rows, strict=True):
                    self._insert(envelope, row)
                count = self._count + len(rows)
                size = self._size + sum(len(envelope.content) for envelope in envelopes)
                count, size = self._drop_oldest(count, size)
            self._count, self._size = count, size

    def page(self, query: Query, *, limit: int, offset: int) -> list[CaughtMail]:
        """The newest first."""
        where, values = _condition(query)
        sql = f"SELECT {_COLUMNS} FROM mail WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"  # noqa: S608
        with self._lock:
            return [_mail(row) for row in self._db.execute(sql, [*values, limit, offset])]

    def count(self, query: Query) -> int:
        where, values = _condition(query)
        with self._lock:
            return int(self._db.execute(f"SELECT count(*) FROM mail WHERE {where}", values).fetchone()[0])  # noqa: S608

    def get(self, mail_id: int) -> tuple[CaughtMail, bytes] | None:
        """The mail and its octets as they arrived."""
        sql = f"SELECT {_COLUMNS}, raw FROM mail JOIN content ON mail_id = id WHERE id = ?"  # noqa: S608
        with self._lock:
            row = self._db.execute(sql, [mail_id]).fetchone()
        return (_mail(row[:-1]), row[-1]) if row else None

    def neighbours(self, mail_id: int) -> tuple[int | None, int | None]:
        """The ids of the next newer and the next older mail."""
        with self._lock:
            newer = self._db.execute("SELECT min(id) FROM mail WHERE id > ?", [mail_id]).fetchone()[0]
            older = self._db.execute("SELECT max(id) FROM mail WHERE id < ?", [mail_id]).fetchone()[0]
        return newer, older

    def clear(self) -> int:
        """How many there were."""
        with self._lock:
            with self._transaction():
                count = self._db.execute("DELETE FROM mail").rowcount
                self._db.execute("DELETE FROM content")
                self._db.execute("DELETE FROM recipient")
            self._db.execute("PRAGMA incremental_vacuum").fetchall()
            self._count, self._size = 0, 0
        return count

    # --- private steps; the lock is held

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)

    def _insert(self, envelope: Envelope, row: Sequence[object]) -> None:
        sql = "INSERT INTO mail (received, sender, recipients, author, subject, size) VALUES (?, ?, ?, ?, ?, ?)"
        mail_id = self._db.execute(sql, row).lastrowid
        self._db.execute("INSERT INTO content VALUES (?, ?)", (mail_id, envelope.content))
        addresses = {(mail_id, address.lower()) for address in envelope.recipients}
        self._db.executemany("INSERT INTO recipient VALUES (?, ?)", addresses)

    def _drop_oldest(self, count: int, size: int) -> tuple[int, int]:
        """How many mails of how many octets are left."""
        while count > self._most_mails or size > self._most_bytes:
            oldest = self._db.execute("SELECT id, size FROM mail ORDER BY id LIMIT 1").fetchone()
            if oldest is None:
                return 0, 0
            self._db.execute("DELETE FROM mail WHERE id = ?", oldest[:1])
            self._db.execute("DELETE FROM content WHERE mail_id = ?", oldest[:1])
            self._db.execute("DELETE FROM recipient WHERE mail_id = ?", oldest[:1])
            count, size = count - 1, size - oldest[1]
        return count, size


class _Transaction:
    """sqlite3's own context manager does not begin one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _row(envelope: Envelope) -> tuple[object, ...]:
    fields, _ = split_header(envelope.content)
    return (
        time.time(),
        envelope.sender,
        "\n".join(envelope.recipients),
        decode_words(first(fields, "From"))[:_LONGEST_SUBJECT],
        decode_words(first(fields, "Subject"))[:_LONGEST_SUBJECT],
        len(envelope.content),
    )


def _mail(row: Sequence[object]) -> CaughtMail:
    mail_id, received, sender, recipients, author, subject, size = row
    return CaughtMail(
        id=int(str(mail_id)),
        received=float(str(received)),
        sender=str(sender),
        recipients=tuple(str(recipients).split("\n")),
        author=str(author),
        subject=str(subject),
        size=int(str(size)),
    )


def _condition(query: Query) -> tuple[str, list[str]]:
    conditions, values = ["1"], []
    to = query.to.strip().lower()
    if "@" in to[1:]:
        conditions.append("id IN (SELECT mail_id FROM recipient WHERE address = ?)")
        values.append(to)
    elif to:
        conditions.append("recipients LIKE ? ESCAPE '\\'")
        values.append(_containing(to))
    for word in query.search.split()[:10]:
        conditions.append("(subject LIKE ? ESCAPE '\\' OR recipients LIKE ? ESCAPE '\\' OR author LIKE ? ESCAPE '\\')")
        values += [_containing(word)] * 3
    return " AND ".join(conditions), values


def _containing(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
