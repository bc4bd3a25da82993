"""What the catcher bears of one mail. Mail comes from anybody, and readers of mail are bombed with it."""

DEPTH = 20  # parts within parts
PARTS = 200
HEADER_BYTES = 65_536  # of one header section
HEADER_FIELDS = 500
FIELD_CHARACTERS = 8_192
SHOWN_CHARACTERS = 2_000_000  # of a text or HTML part
LINKS = 500
INLINE_PICTURE_BYTES = 2_000_000  # of all pictures that are shown within an HTML part
