"""The kinds of files that mails carry: by their first bytes, by the ends of their names, and what is like what."""

import re
from typing import NamedTuple

OCTETS = "application/octet-stream"
TEXT = "text/plain"


class Kind(NamedTuple):
    """What the bytes are. `type` is what such a file is called when nothing better is known; `also` matches the
    other types a file of this kind may have."""

    type: str
    also: re.Pattern[str]

    def may_be(self, content_type: str) -> bool:
        return content_type == self.type or self.also.fullmatch(content_type) is not None


def _kind(content_type: str, also: str = "") -> Kind:
    return Kind(content_type, re.compile(also or re.escape(content_type)))


_ZIP = _kind(
    "application/zip",
    r".*\+zip|application/(?:x-zip(?:-compressed)?|vnd\.(?:openxmlformats-officedocument|oasis\.opendocument|ms-)[a-z0-9.-]+"
    r"|vnd\.google-earth\.kmz|vnd\.apple\.[a-z]+|x-iwork-[a-z-]+)",
)
_OLE = _kind(
    "application/x-ole-storage",
    # A workbook with a password is one of these too, whatever it is without.
    r"application/(?:msword|vnd\.ms-[a-z0-9.-]+|vnd\.visio|x-msaccess|x-hwp|vnd\.openxmlformats-officedocument[a-z0-9.-]+)",
)
_JPEG = _kind("image/jpeg", r"image/p?jpe?g")
_TIFF = _kind("image/tiff", r"image/(?:tiff|x-(?:adobe-dng|canon-cr2|nikon-nef))")
_ISO_MEDIA = _kind("video/mp4", r"(?:video|audio)/.*|image/(?:heic|heif|avif)(?:-sequence)?")
_WEBM = _kind("video/webm", r"(?:video|audio)/.*")
_OGG = _kind("application/ogg", r"(?:video|audio|application)/(?:ogg|opus|vorbis)")
_GZIP = _kind("application/gzip", r"application/(?:x-)?(?:gzip|tar\+gzip|gtar|tgz|compressed(?:-tar)?)|.*\+gzip")
_MPEG = _kind("audio/mpeg", r"audio/(?:x-)?(?:mpeg|mp3|mpeg3|mpg)")

# The standard's own signatures: each kind's specification, collected in the register at
# www.iana.org/assignments/media-types and mimesniff.spec.whatwg.org section 6.
MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", _kind("image/png", r"image/(?:x-)?a?png")),
    (0, b"\xff\xd8\xff", _JPEG),
    (0, b"GIF87a", _kind("image/gif")),
    (0, b"GIF89a", _kind("image/gif")),
    (8, b"WEBP", _kind("image/webp")),
    (8, b"WAVE", _kind("audio/wav", r"audio/(?:x-|vnd\.)?wave?")),
    (8, b"AVI ", _kind("video/x-msvideo", r"video/.*")),
    (0, b"II*\x00", _TIFF),
    (0, b"MM\x00*", _TIFF),
    (0, b"\x00\x00\x01\x00", _kind("image/x-icon", r"image/(?:x-icon|vnd\.microsoft\.icon)")),
    (0, b"PK\x03\x04", _ZIP),
    (0, b"PK\x05\x06", _ZIP),
    (0, b"\x1f\x8b\x08", _GZIP),
    (4, b"1AY&SY", _kind("application/x-bzip2", r"application/(?:x-)?bzip2?")),
    (0, b"\xfd7zXZ\x00", _kind("application/x-xz")),
    (0, b"(\xb5/\xfd", _kind("application/zstd")),
    (0, b"7z\xbc\xaf\x27\x1c", _kind("application/x-7z-compressed")),
    (0, b"Rar!\x1a\x07", _kind("application/vnd.rar", r"application/(?:vnd\.|x-)rar(?:-compressed)?")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (0, b"{\\rtf", _kind("application/rtf", r"(?:application|text)/(?:rtf|msword)")),
    (0, b"%!PS", _kind("application/postscript", r"application/(?:postscript|illustrator)|image/x-eps")),
    (4, b"ftypheic", _kind("image/heic", r"image/hei[cf]")),
    (4, b"ftypavif", _kind("image/avif")),
    (4, b"ftypqt", _kind("video/quicktime", r"video/.*")),
    (4, b"ftypM4A", _kind("audio/mp4", r"(?:audio|video)/(?:x-)?m(?:p4|4a)")),
    (4, b"ftyp", _ISO_MEDIA),
    (0, b"\x1aE\xdf\xa3", _WEBM),
    (0, b"OggS\x00", _OGG),
    (0, b"fLaC\x00", _kind("audio/flac", r"audio/(?:x-)?flac")),
    (0, b"ID3\x02", _MPEG),
    (0, b"ID3\x03", _MPEG),
    (0, b"ID3\x04", _MPEG),
    (0, b"\xff\xf2", _MPEG),
    (0, b"\xff\xf3", _MPEG),
    (0, b"\xff\xfa", _MPEG),
    (0, b"\xff\xfb", _MPEG),
    (0, b"wOF2", _kind("font/woff2")),
    (0, b"wOFF", _kind("font/woff")),
)
RIFF = b"RIFF"  # stands before what is named at byte 8
PDF = _kind("application/pdf", r"application/(?:x-)?pdf|application/illustrator")
PDF_MARK, PDF_WITHIN = b"%PDF-", 1_024  # a reader finds it anywhere in the first kilobyte

# Text of any kind; some of these are bytes in other hands.
WRITTEN = _kind(
    TEXT,
    r"text/.+|.*\+(?:xml|json)|message/.*|application/(?:(?:[a-z]+\+)?json|xml|x-yaml|yaml|toml|sql|csv|ics|edi.*|x-ndjson"
    r"|pgp-.*|x-pem.*|x-x509.*|pkcs.*|pem.*|pkix.*|x-subrip|x-latex|x-tex)",
)
ONLY_WRITTEN = re.compile(r"text/.+|.*\+(?:xml|json)|message/.*|application/(?:json|xml|x-yaml|yaml|toml|sql|csv|ics)")
# What a mail program may render as a page. Never guessed: only a name or the caller can say that a text is one.
ACTIVE = re.compile(r"text/(?:html|xml)|.*\+xml|application/xml")
BINARY = Kind(OCTETS, re.compile(r".*"))
EMPTY = Kind(OCTETS, re.compile(r".*"))

PROGRAMS = re.compile(
    r"(?:text|application)/(?:x-)?(?:java|ecma|vb)script|application/(?:vnd\.microsoft\.portable-executable|(?:x-)?java-archive"
    r"|vnd\.android\.package-archive|hta|vnd\.ms-cab-compressed"
    r"|x-(?:ms-?dos-(?:program|executable)|msdos-program|msdownload|dosexec|msi|ms-installer|ms-shortcut|bat|executable))"
)


def has_known_bytes(content_type: str) -> bool:
    """Whether a file of this type begins with bytes of which we know how they look."""
    return content_type in _KNOWN


_KNOWN = frozenset([PDF.type, *(kind.type for _, _, kind in MAGIC)])

BY_ENDING = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "bmp": "image/bmp", "tif": "image/tiff",
    "tiff": "image/tiff", "ico": "image/x-icon", "svg": "image/svg+xml",
    "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "csv": "text/csv", "tsv": "text/tab-separated-values",
    "htm": "text/html", "html": "text/html", "css": "text/css", "xml": "application/xml", "xhtml": "application/xhtml+xml",
    "json": "application/json", "yaml": "application/yaml", "yml": "application/yaml", "ics": "text/calendar",
    "vcf": "text/vcard", "eml": OCTETS, "rtf": "application/rtf", "ps": "application/postscript",
    "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
    "xz": "application/x-xz", "7z": "application/x-7z-compressed", "rar": "application/vnd.rar", "tar": "application/x-tar",
    "zst": "application/zstd", "epub": "application/epub+zip", "pkpass": "application/vnd.apple.pkpass",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "docm": "application/vnd.ms-word.document.macroenabled.12", "xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "wav": "audio/wav", "ogg": "audio/ogg", "opus": "audio/ogg",
    "flac": "audio/flac", "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "avi": "video/x-msvideo", "asc": "application/pgp-keys", "sig": "application/pgp-signature",
    "p7s": "application/pkcs7-signature", "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf",
    "sql": "application/sql",
}  # fmt: skip
ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
}
