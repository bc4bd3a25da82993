"""The types of sources that are one HTTP connector with other habits. Whatever a source's own config says wins."""

from typing import Any

from contacts.models import DataSource

_PERSON = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "language": "language",
    "country": "country",
    "tags": "tags",
}

PRESETS: dict[str, dict[str, Any]] = {
    DataSource.Type.SCRAPER_PRO: {
        "items_path": "data",
        "paging": {"kind": "page", "page_param": "page", "size_param": "per_page", "size": 500, "first": 1},
        "mapping": {**_PERSON, "company": "company", "city": "city", "website": "website"},
        "since_param": "updated_since",
        "since_path": "updated_at",
        "since_format": "iso",
    },
    DataSource.Type.BACKLINK_ENGINE: {
        "items_path": "items",
        "paging": {
            "kind": "cursor",
            "page_param": "cursor",
            "cursor_path": "next_cursor",
            "size_param": "limit",
            "size": 500,
        },
        "mapping": {**_PERSON, "domain": "domain", "website": "url"},
        "since_param": "updated_after",
        "since_path": "updated_at",
        "since_format": "iso",
    },
}
