"""The OpenAPI document, made once in each process."""

import gzip
import json
from functools import lru_cache

from drf_spectacular.generators import SchemaGenerator


@lru_cache(maxsize=1)
def openapi_document() -> bytes:
    """The whole document as JSON."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=1)
def compressed_document() -> bytes:
    """The same under gzip: a tenth of its size."""
    return gzip.compress(openapi_document(), mtime=0)
