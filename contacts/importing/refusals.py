"""Why a file as a whole is not imported, in words that its owner can act on."""

from common.errors import Refused


class FileRefused(Refused):
    """The file cannot be imported as it is. `line` is where to look, counted from 1."""

    code = "file_refused"

    def __init__(self, message: str, *, hint: str | None = None, line: int | None = None) -> None:
        super().__init__(message, field="file", hint=hint)
        self.line = line


class NotText(FileRefused):
    """A workbook, an archive, a picture: not a text file with one contact a line."""

    code = "file_not_text"


class NothingInside(FileRefused):
    """No bytes, or a heading line without rows below it."""

    code = "file_empty"


class BrokenText(FileRefused):
    """The file stops being a table at `line`: a quote that is never closed, a line without an end."""

    code = "file_broken"


class NoAddressColumn(FileRefused):
    """Nobody can tell which column holds the addresses: ask a person, `columns` are the choices."""

    code = "no_address_column"

    def __init__(self, columns: tuple[str, ...]) -> None:
        shown = ", ".join(f"“{column}”" for column in columns[:8]) + (" …" if len(columns) > 8 else "")
        super().__init__(
            "No column of this file holds e-mail addresses.",
            hint=f"Say which one does; the file has {shown}." if columns else None,
        )
        self.columns = columns
