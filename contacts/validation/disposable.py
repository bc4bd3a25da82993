"""Addresses that are lent for minutes."""

from contacts.validation.word_lists import words_of


def is_disposable(domain: str) -> bool:
    """Whether `domain` (ASCII, lower case) or a domain above it belongs to such a service."""
    labels = domain.split(".")
    return any(".".join(labels[first:]) in _DOMAINS for first in range(len(labels) - 1))


_DOMAINS = frozenset(words_of("disposable_domains.txt"))
