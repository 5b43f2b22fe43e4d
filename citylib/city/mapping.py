"""How files of one make become records: the mapping of a profile's dataset.

It is meant to be written by a city's data office: header names, date formats, marks for "no
value", and rules for areas. What each key means is said at its class.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from citylib.city.model import Plain

Pattern = Annotated[str, BeforeValidator(lambda text: _compiled(text))]
Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
]


def _compiled(text: object) -> object:
    try:
        re.compile(str(text))
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


class Rule(Plain):
    """Where the value of a column comes from. Written short: a header, or a list of headers.

    Attributes
    ----------
    header : tuple of str
        Header in the file; of several, the first that the file has.
    join : tuple of str
        Headers whose values are put together with a space between, as for date and hour.
    constant : str
        The same value for every record.
    pattern : str
        Regular expression; the value is what its first group matches.
    null, zero : tuple of str
        Marks that mean "no value" (besides an empty cell) or nought.
    scale : float
        The value is multiplied by it, as for thousands.
    thousands, decimal : str
        Mark between groups of three digits (none by default), and the decimal mark ("." or ",").
        A number written with other marks is set aside: "3,141" is read only if the mapping says
        what its comma means.
    level : tuple of two str
        Two words: the first if the area rule found an area below the city, else the second.
    optional : bool
        None of the headers need be there: sources that leave out what has no value do so on a page
        where no row has one. Otherwise that is a fault, for the header may have been renamed.
    latest : date
        Last day in the city on which the source kept this column up: what it repeats on later
        days is left out of their records, and listed with what is set aside.
    """

    header: Names = ()
    join: tuple[str, ...] = ()
    constant: str | None = None
    pattern: Pattern | None = None
    null: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    scale: float = 1
    thousands: Literal[",", ".", " ", "'"] | None = None
    decimal: Literal[".", ","] = "."
    level: tuple[str, str] | None = None
    latest: date | None = None
    # It decides which files can be read, not how: no table must be made anew for it.
    optional: Annotated[bool, Field(exclude=True)] = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"header": value} if isinstance(value, (str, list)) else value

    @model_validator(mode="after")
    def _one(self) -> Rule:
        given = [self.header, self.join, self.constant is not None, self.level]
        if sum(map(bool, given)) > 1:
            raise ValueError("give only one of header, join, constant, level")
        if self.optional and not self.header:
            raise ValueError("optional belongs to header")
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal cannot both be {self.decimal!r}")
        return self

    @property
    def has_source(self) -> bool:
        """Whether it says where the value is; a rule for an unpivoted measure does not."""
        return bool(self.header or self.join or self.constant is not None or self.level)


class TimeRule(Rule):
    """Where the time comes from, in the city's clock.

    Attributes
    ----------
    formats : tuple of str
        strptime formats, tried in this order, such as "%Y%m%d". With %z the file tells the
        distance from UTC, and the city's clock does not matter.
    midnight24 : bool
        24:00 means 00:00 of the next day.
    earliest, latest : date
        First and last day in the city that a record may speak of; others are set aside as a
        whole. By default 1900-01-01, and a day from now.
    """

    formats: Annotated[Names, Field(min_length=1)]
    midnight24: bool = False
    earliest: date = date(1900, 1, 1)


class AreaRule(Plain):
    """How the area of a record is found: by a code or name, by a position, or always the same.

    Attributes
    ----------
    level : str
        Level of the areas looked for; "city" with a header asks whether it names the city.
    header, pattern : str
        Header of the code or name; what the pattern's first group matches is looked up, and a
        record whose value it does not match is set aside.
    scheme : str
        Scheme of the crosswalk: "name", "code" or a column of the level's table.
    lon, lat : str
        Headers of a position in degrees.
    point : str
        Header of a position written as "POINT (lon lat)".
    register : str, keys : tuple of str
        CSV of the profile with the columns named like `keys`, and lon and lat, in which the
        position is looked up; `keys` are columns of the table. A record that it does not list
        is set aside; one with an empty position is outside the city.
    within : AreaRule, optional
        A coarser rule. The area counts only if it lies in the area that this one finds, which
        otherwise is itself the record's area.
    whole : tuple of str
        Values that stand for no area of the level but are known to belong to the city.
    unknown : str
        What to do when nothing is found: "set aside" (the default), "city" or "outside".
    """

    level: str
    header: str | None = None
    pattern: Pattern | None = None
    scheme: str = "name"
    lon: str | None = None
    lat: str | None = None
    point: str | None = None
    register_: Annotated[str | None, Field(alias="register")] = None
    keys: tuple[str, ...] = ()
    within: AreaRule | None = None
    whole: tuple[str, ...] = ()
    unknown: Literal["set aside", "city", "outside"] = "set aside"

    @model_validator(mode="after")
    def _one(self) -> AreaRule:
        ways = [self.header, self.lon and self.lat, self.point, self.register_]
        if sum(map(bool, ways)) > 1 or (not any(ways) and self.level != "city"):
            raise ValueError("give exactly one of header, lon with lat, point, register")
        if bool(self.register_) != bool(self.keys):
            raise ValueError("register and keys belong together")
        return self


class Unpivot(Plain):
    """Several records in one row: columns whose header matches a pattern become records.

    Attributes
    ----------
    pattern : str
        Regular expression for headers. Its named groups can be used like headers in the rules;
        the group "measure", if there is one, tells which measure the column holds.
    measures : dict of str to str
        What the group "measure" matches, to the table's column.
    value : str
        The table's column for the values, where there is no such group.
    """

    pattern: Pattern
    measures: Annotated[dict[str, str], Field(default_factory=dict)]
    value: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Unpivot:
        groups = re.compile(self.pattern).groupindex
        if bool(self.measures) == bool(self.value) or bool(self.measures) != ("measure" in groups):
            raise ValueError("give measures and a group (?P<measure>…), or value without one")
        return self


class SetAside(Plain):
    """Rows that are not records of the dataset, such as totals.

    Attributes
    ----------
    header : str
        Column looked at.
    values : tuple of str
        A row with one of these values is set aside (spaces in it do not count).
    pattern : str, optional
        Or: a row whose value matches this from its start to its end.
    reason : str
        What the report says.
    """

    header: str
    values: tuple[str, ...] = ()
    pattern: Pattern | None = None
    reason: str


class Commas(Plain):
    """Repair of rows with commas that should have been quoted.

    Attributes
    ----------
    free : tuple of str
        Headers of the columns in which such commas occur.
    anchor, pattern : str
        A column between them, and what it looks like: it tells where the first ends. Needed
        when there are two free columns.
    """

    free: tuple[str, ...]
    anchor: str | None = None
    pattern: Pattern | None = None

    @model_validator(mode="after")
    def _anchor(self) -> Commas:
        if not 1 <= len(self.free) <= 2 or (len(self.free) == 2) != bool(
            self.anchor and self.pattern
        ):
            raise ValueError("name one free column, or two with anchor and pattern")
        return self


class Reading(Plain):
    """How rows of one make become records.

    Attributes
    ----------
    format : str
        "csv", "json", "parquet" or "xlsx". In Parquet times are read as "%Y-%m-%d %H:%M:%S" (with
        "%z" where they are instants) and dates as "%Y-%m-%d"; nested values have dotted headers.
    encodings : tuple of str
        Tried in this order.
    separator, quoting : str, bool
        For CSV: the character between fields; whether fields may be in quotes.
    header_rows : int
        Rows of headers; several are joined with "/", equal ones once. 0: none.
    names : tuple of str
        Headers for files that have none, or whose header cannot be used; a first row that begins
        with the first of the names is skipped.
    records : str
        For JSON: the way to the list of records, such as "stationInfo.row".
    file_pattern : str
        Regular expression for the file's name; its named groups can be used like headers.
    commas, unpivot, set_aside : as said there.
    time, area : rules for the two columns that every table has.
    columns : dict of str to Rule
        Rule for each column of the table that the file has.
    """

    format: Literal["csv", "json", "parquet", "xlsx"] = "csv"
    encodings: Names = ("utf-8-sig",)
    separator: str = ","
    quoting: bool = True
    header_rows: int = 1
    names: tuple[str, ...] = ()
    records: str | None = None
    file_pattern: Pattern | None = None
    commas: Commas | None = None
    unpivot: Unpivot | None = None
    set_aside: tuple[SetAside, ...] = ()
    time: TimeRule
    area: AreaRule
    columns: dict[str, Rule]

    @field_validator("encodings")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                "".encode(name)
            except LookupError:
                raise ValueError(f"Python knows no encoding {name!r}") from None
        return value


class Source(Reading):
    """How files of one make are read.

    Attributes
    ----------
    files : tuple of str
        File names or patterns in the dataset's folder of records (`.xz` and `.gz` are opened).
    format : str
        As for a reading, but it must be said.
    """

    files: Names
    format: Literal["csv", "json", "parquet", "xlsx"]
