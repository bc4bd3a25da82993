"""What a column of a file can be to us."""

from enum import Enum


class Field(Enum):
    """Each value is the name by which a person maps a column to it."""

    EMAIL = "email"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FULL_NAME = "full_name"  # is split in two
    LANGUAGE = "language"
    TIMEZONE = "timezone"
    COUNTRY = "country"
    TAGS = "tags"
    STATUS = "status"  # words such as subscribed, cleaned, blocklisted
    OPTED_IN = "opted_in"  # yes or no
    OPTED_OUT = "opted_out"  # yes or no
    UNSUBSCRIBED_AT = "unsubscribed_at"  # a time, where the contact has left
    BOUNCED_AT = "bounced_at"  # a time, where the address was found dead
    CONSENT_AT = "consent_at"
    CONSENT_IP = "consent_ip"
    JSON = "json"  # an object, spread over fields and attributes
    ATTRIBUTE = "attribute"  # a field of the tenant's own
    SKIP = "skip"


class Kind(Enum):
    """How the cells of an attribute's column are written, and so what they mean."""

    TEXT = "text"
    NUMBER = "number"  # 1234.5
    NUMBER_ENGLISH = "number_english"  # 1,234.5
    NUMBER_COMMA = "number_comma"  # 1.234,5
    BOOLEAN = "boolean"
    DATE = "date"  # 2026-11-21, with or without a time
    DATE_DMY = "date_dmy"  # 21.11.2026
    DATE_MDY = "date_mdy"  # 11/21/2026
    JSON = "json"

    @property
    def type(self) -> str:
        """The type of the attribute: text, number, boolean, date or json."""
        return self.value.partition("_")[0]
