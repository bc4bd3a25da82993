"""Answers are what a path says they are, whatever `Accept` says and whatever `?format=` means to a view."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class OwnFormat(DefaultContentNegotiation):
    """The view's first renderer, always: `?format=` is the view's own word."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type
