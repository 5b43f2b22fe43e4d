"""Names of participants: what one may be, and when two are the same to the eye."""

from __future__ import annotations

import unicodedata

LONGEST = 80


def clean(name: str) -> str:
    """The name as it is shown: one form of each letter, single spaces, nothing that is not seen.

    Examples
    --------
    >>> clean("  Kim\\u200b  Minji ")
    'Kim Minji'
    """
    shown = "".join(
        " " if unicodedata.category(letter)[0] in "ZC" and letter not in INVISIBLE else letter
        for letter in unicodedata.normalize("NFKC", name)
        if letter not in INVISIBLE and unicodedata.category(letter) != "Cf"
    )
    return " ".join(shown.split())[:LONGEST].strip()


def legible(text: str) -> str:
    """Text of several lines, without signs that steer machines, which some databases refuse.

    Examples
    --------
    >>> legible("one\\x00\\r\\ntwo")
    'one\\ntwo'
    """
    return "".join(one for one in text if one in "\n\t" or unicodedata.category(one) != "Cc")


def key(name: str) -> str:
    """What is the same for two names that look the same.

    Letters count, not their case, their width, what is between them or marks that are not seen;
    letters of other alphabets that look like Latin ones count as those.

    Examples
    --------
    >>> key("Ｋim  min-ji") == key("kіm MINJI")  # the second has a Cyrillic letter
    True
    """
    # Folded again after each step, which can leave what folds once more.
    plain = unicodedata.normalize("NFKC", clean(name).casefold())
    plain = unicodedata.normalize("NFKD", plain).casefold().translate(LOOKS_LIKE)
    kept = (
        letter
        for letter in plain
        if unicodedata.category(letter)[0] not in "ZCP" and not "\u0300" <= letter <= "\u036f"
    )
    # A name of signs alone is compared as it is.
    return "".join(kept) or plain


INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u00ad\u034f\u061c\u17b4\u17b5\u2800")
"""Letters by their kind, and nothing to the eye."""
LOOKS_LIKE = str.maketrans(
    # Cyrillic, then Greek, then digits; what is left of Latin letters that are taken for others.
    "аеорсухјѕԁһвкмнтгпіӏοαινρτυχκεηωμ01i",
    "aeopcyxjsdhbkmhtrnlloalvptuxkenwuoll",
)
"""Letters that are taken for others."""
