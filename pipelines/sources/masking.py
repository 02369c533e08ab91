"""Text shown to people without what could name a person or open a door: foreign values, answers of servers, secrets."""

from __future__ import annotations

import re
import unicodedata

# Mail addresses, phone numbers and long numbers; a date is none of them.
_PERSONAL = re.compile(r"\S+@\S+|(?<![\d/.-])[+(0][\d() -]{8,}\d|\d{10,}")


def masked(raw: str, longest: int = 40) -> str:
    """Enough of the value to find it, without what could name a person should a wrong column be mapped."""
    text = _PERSONAL.sub("***", " ".join(unicodedata.normalize("NFKC", raw).split()))
    return text if len(text) <= longest else text[: longest - 3] + "..."
