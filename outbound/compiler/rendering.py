"""The tiers that run Jinja: over text that is encoded already, and over plain text."""

from collections.abc import Sequence
from datetime import date
from email.utils import parsedate_to_datetime

from jinja2 import Environment, Template, nodes
from jinja2.exceptions import TemplateError

from outbound.compiler import language, marks
from outbound.compiler.content import MergeField
from outbound.compiler.faults import RenderFault, TemplateFault
from outbound.compiler.language import BUDGET, Budget
from outbound.compiler.quoted import TOKEN_MARK, encode


class Rendering:
    """A template that is rendered to text in which the token is still a mark."""

    def __init__(self, environment: Environment, tree: nodes.Template, fields: Sequence[MergeField], part: str) -> None:
        """Raises TemplateFault when Python cannot run what Jinja makes of it."""
        self._names = tuple(field.name for field in fields)
        try:
            code = environment.compile(tree)
        except (TemplateError, SyntaxError, RecursionError, MemoryError, ValueError):
            message = "This part is too complicated: use fewer loops and conditions within each other."
            raise TemplateFault(message, part=part, line=1, column=1, excerpt="") from None
        self._template = Template.from_code(environment, code, dict(environment.globals))

    def text(self, values: Sequence[object], email: str, unsubscribe: str, day: bytes) -> str:
        """Raises RenderFault."""
        budget = Budget()
        variables = dict(zip(self._names, values, strict=True))
        variables[language.EMAIL] = email
        variables[language.UNSUBSCRIBE_URL] = unsubscribe
        variables[language.MESSAGE_DATE] = day_of(day)
        variables[BUDGET] = budget
        pieces = []
        try:
            for piece in self._template.root_render_func(self._template.new_context(variables)):
                pieces.append(piece)
                budget.characters -= len(piece)
                if budget.characters < 0:
                    budget.spend(0)  # tells what the limit is
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
            raise RenderFault(f"The template cannot be filled with this contact's data ({error}).") from error
        return "".join(pieces)


class EncodedPart:
    """Jinja over quoted-printable pieces."""

    def __init__(
        self, tree: nodes.Template, fields: Sequence[MergeField], part: str, unsubscribe: str, *, html: bool
    ) -> None:
        for data in tree.find_all(nodes.TemplateData):
            data.data = encode(data.data).decode("ascii")
        environment = language.ENCODED_HTML if html else language.ENCODED_TEXT
        tree.set_environment(environment)
        self._rendering = Rendering(environment, tree, fields, part)
        self._unsubscribe = unsubscribe

    def __call__(self, values: Sequence[object], email: str, token: bytes, day: bytes) -> bytes:
        text = self._rendering.text(values, email, self._unsubscribe + token.decode(), day)
        return text.encode("ascii").replace(TOKEN_MARK, token)


class PlainPart:
    """Jinja over plain text; `encoded` is what stands in a body, `line` in a header."""

    def __init__(
        self, tree: nodes.Template, fields: Sequence[MergeField], part: str, unsubscribe: str, *, html: bool
    ) -> None:
        environment = language.PLAIN_HTML if html else language.PLAIN_TEXT
        tree.set_environment(environment)
        self._rendering = Rendering(environment, tree, fields, part)
        self._unsubscribe = unsubscribe

    def line(self, values: Sequence[object], email: str, token: bytes, day: bytes) -> str:
        text = self._rendering.text(values, email, self._unsubscribe + token.decode(), day)
        return text.replace(marks.TOKEN, token.decode())

    def encoded(self, values: Sequence[object], email: str, token: bytes, day: bytes) -> bytes:
        return encode(self.line(values, email, token, day))


def day_of(day: bytes) -> date:
    """The day of an RFC 5322 date, in its own time zone. The engine writes one date per second."""
    return _DAYS[day]


class _Days(dict[bytes, date]):
    def __missing__(self, day: bytes) -> date:
        if len(self) > 100:
            self.clear()
        found = self[day] = parsedate_to_datetime(day.decode("ascii")).date()
        return found


_DAYS = _Days()
