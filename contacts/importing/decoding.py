"""From bytes to text: which encoding a file is in, decided from all of its bytes.

UTF-8 with or without a mark, UTF-16 as Excel writes it, else Windows-1252. A UTF-8 file into which a few
bytes of Windows-1252 were pasted stays UTF-8, and those bytes are read as Windows-1252.
"""

import codecs
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from contacts.importing.refusals import NothingInside, NotText

_CODECS = {"utf-8": "utf-8-sig", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "windows-1252": "cp1252"}
_CHUNK = 1 << 20
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file after one pass over its bytes."""

    path: Path
    size: int
    sha256: str
    encoding: str
    bom: bool
    strange_bytes: int  # bytes that are not of `encoding`
    has_nul: bool


@dataclass(slots=True)
class _Tally:
    size: int = 0
    strange: int = 0
    letters: int = 0
    nul: bool = False


def examine(path: Path) -> FileFacts:
    """Size, SHA-256 and encoding of a file. Raises NothingInside for no bytes, NotText for anything
    that is not text, with a sentence that names what it seems to be."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        encoding, bom = _encoding_by_marks(head)
        if not encoding:
            _refuse_other_files(head)
        stream.seek(0)
        sha256, tally = _read_through(stream, encoding or "utf-8")
    if not tally.size or not head.strip(codecs.BOM_UTF8 + b" \t\r\n"):
        raise NothingInside("The file is empty.")
    if not encoding and tally.strange > tally.letters:
        encoding, tally.strange = "windows-1252", 0
    return FileFacts(path, tally.size, sha256, encoding or "utf-8", bom, tally.strange, tally.nul)


def open_text(facts: FileFacts) -> tuple[io.TextIOWrapper, io.FileIO]:
    """The file as text without its mark, line ends kept, and the raw file below it, whose `tell()` says
    how far reading is. Bytes that do not belong to the encoding never raise."""
    raw = io.FileIO(facts.path)
    codec = "utf-16" if facts.bom and facts.encoding != "utf-8" else _CODECS[facts.encoding]
    errors = _MIXED if facts.encoding == "utf-8" else "replace"
    return io.TextIOWrapper(io.BufferedReader(raw, _CHUNK), encoding=codec, errors=errors, newline=""), raw


def _encoding_by_marks(head: bytes) -> tuple[str, bool]:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", True
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise NotText("The file is in UTF-32.", hint="Save it again as “CSV UTF-8”.")
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16le", True
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16be", True
    return _utf16_without_mark(head), False


def _utf16_without_mark(head: bytes) -> str:
    """Western text in UTF-16 has a zero in nearly every second byte, and no other text has any."""
    pairs = len(head) // 2
    if pairs < 2 or (len(head) < _HEAD and len(head) % 2):
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > pairs // 2 and even == 0:
        return "utf-16le"
    return "utf-16be" if even > pairs // 2 and odd == 0 else ""


_SAVE_AS = "Open it in the program it comes from and save it as “CSV UTF-8”."
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _SAVE_AS),
    (b"%PDF", "a PDF document", "Contacts can only be read from a text file such as CSV."),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it first."),
    (b"BZh", "a compressed file (bzip2)", "Unpack it first."),
    (b"7z\xbc\xaf", "a compressed file (7-Zip)", "Unpack it first."),
    (b"Rar!", "a compressed file (RAR)", "Unpack it first."),
    (b"SQLite format 3", "a database file", _SAVE_AS),
    (b"BEGIN:VCARD", "a vCard file", "Export the address book as CSV instead."),
    (b"{\\rtf", "a formatted document (RTF)", _SAVE_AS),
    (b"<!doctype html", "a web page", "Save the table as “CSV UTF-8”."),
    (b"<html", "a web page", "Save the table as “CSV UTF-8”."),
    (b"<?xml", "an XML file", _SAVE_AS),
)


def _refuse_other_files(head: bytes) -> None:
    if head.startswith(b"PK"):
        raise _zip_refusal(head)
    start = head.lstrip()[:16].lower()
    for magic, what, hint in _MAGIC:
        if start.startswith(magic.lower()):
            raise NotText(f"This is {what}, not a CSV file.", hint=hint)
    if head.count(0) > len(head) // 1000:
        raise NotText("This is not a text file.", hint=_SAVE_AS)


def _zip_refusal(head: bytes) -> NotText:
    if b"xl/" in head or b"xl\\" in head:
        return NotText("This is an Excel workbook, whatever its name ends in.", hint=_SAVE_AS)
    if b"opendocument.spreadsheet" in head:
        return NotText("This is an OpenDocument workbook.", hint=_SAVE_AS)
    if b"word/" in head or b"opendocument" in head:
        return NotText("This is a text document, not a table.", hint=_SAVE_AS)
    return NotText("This is a ZIP archive.", hint="Unpack it first and import the CSV file that is inside.")


def _read_through(stream: io.BufferedReader, encoding: str) -> tuple[str, _Tally]:
    digest, tally = hashlib.sha256(), _Tally()
    decoder = codecs.getincrementaldecoder("utf-8")(_COUNT) if encoding == "utf-8" else None
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        tally.size += len(chunk)
        tally.nul = tally.nul or b"\0" in chunk
        if len(chunk) == _CHUNK and b"\n" not in chunk and b"\r" not in chunk:
            raise NotText("The file has no lines.", hint="A CSV file has one contact a line.")
        if decoder and not (chunk.isascii() and decoder.getstate()[0] == b""):
            _count(decoder.decode(chunk), tally)
    if decoder:
        _count(decoder.decode(b"", final=True), tally)
    return digest.hexdigest(), tally


def _count(text: str, tally: _Tally) -> None:
    """Letters beyond ASCII speak for UTF-8, bytes that could not be decoded against it."""
    strange = text.count(_STRANGE)
    tally.strange += strange
    if not text.isascii():
        tally.letters += len(text) - len(text.encode("ascii", "ignore")) - strange


_STRANGE = "\ufdd0"  # no file holds this: it is not a character
_COUNT = "contacts-import-count"
_MIXED = "contacts-import-mixed"


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _STRANGE * (error.end - error.start), error.end


def _as_windows_1252(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_COUNT, _mark)
codecs.register_error(_MIXED, _as_windows_1252)
