"""The audience side of a tenant's desk."""

from contacts.admin import contacts, imports, suppressions, tags

__all__ = ["contacts", "imports", "suppressions", "tags"]
