import re
from datetime import datetime

import pytest

from citylib.look import words
from citylib.look.figures import age

LANGUAGES = sorted(path.stem for path in words.FOLDER.glob("*.toml"))


def test_there_is_korean_and_english():
    assert LANGUAGES == ["en", "ko"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_says_everything_with_the_same_places(lang):
    own, other = words.words(lang), words.words("en")
    assert set(own) == set(other)
    for key, text in own.items():
        assert text.strip()
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", other[key])), key


def test_an_unknown_language_speaks_english():
    assert words.say("xx", "map") == "Map"


def test_a_missing_word_says_where_to_add_it():
    with pytest.raises(words.WordMissing, match=r"ko\.toml has no key 'nothing'"):
        words.say("ko", "nothing")


def test_ages_have_words_for_one_and_many():
    end = datetime(2020, 1, 1)
    assert age(end, datetime(2020, 1, 2, 1), "en") == "1 day ago"
    assert age(end, datetime(2023, 6, 1), "en") == "3 years ago"
    assert age(end, datetime(2020, 1, 1, 0, 20), "ko") == "방금"
