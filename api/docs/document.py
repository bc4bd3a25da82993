"""The OpenAPI document. It takes seconds to make, so the processes of an installation make it once between them."""

import gzip
import json
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from drf_spectacular.generators import SchemaGenerator

from common.cache import CACHE_TTL_1_DAY, get_cache

_SOURCES = Path(__file__).parents[2]
_PROGRAMS = ("api", "campaigns", "contacts", "deliverability", "outbound", "platform", "tenants")
_LIBRARIES = ("django", "djangorestframework", "drf-spectacular")


@lru_cache(maxsize=1)
def openapi_document() -> bytes:
    """The whole document as JSON, made here."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=1)
def served_document() -> bytes:
    """The same, from the cache where another process of this very program has made it."""
    key = f"openapi:{_fingerprint()}"
    kept: str = get_cache().remember(key, CACHE_TTL_1_DAY, lambda: openapi_document().decode())
    return kept.encode()


@lru_cache(maxsize=1)
def compressed_document() -> bytes:
    """The same under gzip: a tenth of its size."""
    return gzip.compress(served_document(), mtime=0)


def _fingerprint() -> str:
    """Of what the document is made from: after an upgrade, or a changed line, none that was made before is taken."""
    digest = blake2b("".join(version(name) for name in _LIBRARIES).encode(), digest_size=16)
    for folder in _PROGRAMS:
        for source in sorted((_SOURCES / folder).rglob("*.py")):
            seen = source.stat()
            digest.update(f"{source} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()
