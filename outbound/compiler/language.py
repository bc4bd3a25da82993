"""The template language: Jinja's syntax, with only what a mail needs inside it.

A template comes from a customer and runs in the sending process. So there is no loader, no method can be
called, no attribute leads out of a contact's data, and a budget ends what would run on.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from jinja2 import ChainableUndefined, Environment, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from outbound.compiler import values
from outbound.compiler.faults import RenderFault
from outbound.compiler.filters import FILTERS, TESTS, Filter
from outbound.compiler.quoted import HTML_VALUES, TEXT_VALUES
from outbound.compiler.text_filters import urlencode
from outbound.compiler.values import shown

MOST_STEPS = 10_000  # rounds of loops and calls in one rendering
MOST_CHARACTERS = 5_000_000  # of output
BUDGET = "_budget"  # in the context; templates cannot name what begins with an underscore

EMAIL = "email"
UNSUBSCRIBE_URL = "unsubscribe_url"
MESSAGE_DATE = "message_date"
SPECIAL_NAMES = frozenset({EMAIL, UNSUBSCRIBE_URL, MESSAGE_DATE})

# Operators go through functions that know what a missing value is; see `rewrite.py`.
OPERATORS: Mapping[str, Filter] = {
    "_eq": values.same,
    "_ne": values.differs,
    "_lt": values.below,
    "_lteq": values.at_most,
    "_gt": values.above,
    "_gteq": values.at_least,
    "_in": values.is_in,
    "_notin": values.is_not_in,
    "_add": values.add,
    "_sub": values.subtract,
    "_mul": values.multiply,
    "_div": values.divide,
    "_floordiv": values.divide_whole,
    "_mod": values.remainder,
    "_neg": values.negative,
    "_concat": values.join_texts,
}


class Budget:
    """How much of a rendering is left."""

    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.characters = MOST_CHARACTERS

    def spend(self, steps: int, characters: int = 0) -> None:
        self.steps -= steps
        self.characters -= characters
        if self.steps < 0:
            raise RenderFault(f"The template loops more than {MOST_STEPS:,} times.")
        if self.characters < 0:
            raise RenderFault(f"The template makes more than {MOST_CHARACTERS:,} characters.")


@pass_context
def each(context: Context, value: object) -> list[object]:
    """What a `for` goes through: a list, the names in an object, and nothing for a single value."""
    found = list(value) if isinstance(value, (list, tuple, dict, range)) else []
    context[BUDGET].spend(len(found))
    return found


def bounded_range(*bounds: object) -> range:
    """A bound that is no number counts as 0. Raises RenderFault for too many steps."""
    try:
        found = range(*[int(values.number_of(bound) or 0) for bound in bounds])
    except (TypeError, ValueError):
        raise RenderFault("range() takes one to three whole numbers.") from None
    if len(found) > MOST_STEPS:
        raise RenderFault(f"range() gives at most {MOST_STEPS:,} numbers.")
    return found


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Jinja for mails."""

    def __init__(self, *, autoescape: bool, finalize: Callable[[object], str]) -> None:
        super().__init__(
            autoescape=autoescape,
            finalize=finalize,
            undefined=ChainableUndefined,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self.filters = {**FILTERS, **OPERATORS, "_each": each}
        self.tests = dict(TESTS)
        self.globals = {"range": bounded_range, "namespace": Namespace}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: an entry of an object first, so that `order.items` is what the contact has there."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        allowed = _ATTRIBUTES.get(type(obj), ())
        if attribute in allowed or (isinstance(obj, Namespace) and attribute[:1] != "_"):
            try:
                return getattr(obj, attribute)
            except AttributeError:
                pass
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a[0]`, `a["b"]`: entries only."""
        if isinstance(obj, (dict, list, tuple, str)):
            try:
                return obj[argument]
            except (TypeError, LookupError, ValueError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        budget: Budget = __context[BUDGET]
        budget.spend(1)
        result = super().call(__context, __obj, *args, **kwargs)
        if isinstance(result, str):
            budget.spend(0, len(result))
        return result


_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length"}
_LOOP |= {"depth", "depth0", "previtem", "nextitem", "cycle", "changed"}
_ATTRIBUTES: Mapping[type, Iterable[str]] = {LoopContext: _LOOP, date: {"year", "month", "day"}}


def _encoded_html(value: object) -> str:
    if type(value) is str:
        return HTML_VALUES[value].decode("ascii")
    text = shown(value)
    return (HTML_VALUES if type(text) is str else TEXT_VALUES)[str(text)].decode("ascii")


def _encoded_text(value: object) -> str:
    return TEXT_VALUES[value if type(value) is str else str(shown(value))].decode("ascii")


# HTML is escaped by Jinja only where a template may use macros and captured blocks; where the text is encoded
# already, escaping belongs to encoding.
PLAIN_HTML: Environment = MailEnvironment(autoescape=True, finalize=shown)
PLAIN_TEXT: Environment = MailEnvironment(autoescape=False, finalize=shown)
ENCODED_HTML: Environment = MailEnvironment(autoescape=False, finalize=_encoded_html)
ENCODED_TEXT: Environment = MailEnvironment(autoescape=False, finalize=_encoded_text)
LINK: Environment = MailEnvironment(autoescape=False, finalize=urlencode)
