"""Progress is drawn on terminals, and nowhere else unless asked for."""

import io

from common.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_drawn_again() -> None:
    stream = Terminal()
    with Progress("Importing", total=100, unit="rows", stream=stream, clock=iter(range(100)).__next__) as bar:
        bar.update(50)
    assert "50%" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_file_sees_nothing_or_one_plain_line() -> None:
    silent, plain = io.StringIO(), io.StringIO()
    with Progress("Importing", total=100, stream=silent) as bar:
        bar.update(100)
    with Progress("Importing", total=100, stream=plain, always=True) as bar:
        bar.update(100)
    assert silent.getvalue() == ""
    assert plain.getvalue().count("\n") == 1
    assert "100%" in plain.getvalue()
