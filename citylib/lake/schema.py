"""Schemas of the tables that the lake keeps."""

from __future__ import annotations

import pyarrow as pa

from citylib.city.datasets import DatasetSpec

LINE = "_line"
CUT = 4000
"""Characters of a row set aside that are kept."""
HIDDEN = ("sequence", "partition")
"""Columns of a table that only the lake itself reads."""
MENDED = "mended/"
"""What stands before a file's name where mended rows of it are stored: they stay when the table is
made anew from its files, as the records of feeds do."""
PSEUDONYM = "pseudonym"
"""What a field's metadata has if pseudonyms are kept in the place of its values."""
STAMP = pa.timestamp("us", "UTC")

SET_ASIDE = pa.schema(
    [
        pa.field("file", pa.string(), metadata={"title": "name of the file"}),
        pa.field("line", pa.int64(), metadata={"title": "line in the file, from 1"}),
        pa.field("records", pa.int64(), metadata={"title": "records that the row stands for"}),
        pa.field("reason", pa.string(), metadata={"title": "why they do not fit"}),
        pa.field("raw", pa.string(), metadata={"title": "the row as it is in the file"}),
        pa.field("digest", pa.string(), metadata={"title": "SHA-256 of the file's name and bytes"}),
        pa.field("feed", pa.string(), metadata={"title": "feed that brought it; none: a file"}),
        pa.field("received", STAMP, metadata={"title": "when the lake read it"}),
    ]
)
LOADS = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("digest", pa.string()),
        pa.field("mapping", pa.string()),
        pa.field("read", pa.int64()),
        pa.field("stored", pa.int64()),
        pa.field("duplicate", pa.int64()),
        pa.field("set_aside", pa.int64()),
        pa.field("loaded", STAMP),
    ]
)


def stored_schema(spec: DatasetSpec) -> pa.Schema:
    """Schema of a dataset's table: that of its records, and whether they were replayed."""
    title = "a record of another day, played as if it were of now"
    metadata = {"title": title, "units": "", "classification": "public"}
    field = pa.field("replayed", pa.bool_(), metadata=metadata)
    return table_schema(spec).append(field)


def delta_schema(spec: DatasetSpec) -> pa.Schema:
    """Schema of a dataset's table with the columns that only the lake itself reads."""
    order = pa.field("sequence", pa.int64(), metadata={"title": "order of late records"})
    partition = pa.field("partition", pa.string(), metadata={"title": "period, or late"})
    return pa.schema([*stored_schema(spec), order, partition])


def key_of(spec: DatasetSpec) -> list[str]:
    """Columns that together tell a record from every other."""
    return [*spec.key, *(["occurrence"] if spec.repeats == "number" else [])]


def facts(spec: DatasetSpec) -> dict[str, object]:
    """What a table says of itself."""
    return {
        "title": spec.title,
        "publisher": spec.publisher,
        "source": spec.source,
        "licence": spec.licence,
        "classification": spec.classification,
        "note": spec.note,
        "as_of": spec.as_of,
        "key": key_of(spec),
    }


def payload_of(spec: DatasetSpec) -> list[str]:
    """Columns that must be equal for a record to be a repetition."""
    other = {*key_of(spec), "source_file"}
    return [name for name in table_schema(spec).names if name not in other]


def table_schema(spec: DatasetSpec) -> pa.Schema:
    """Schema of a dataset's records as files give them; each field carries `title`,
    `title_<language>`, `units` and `classification`; personal texts `pseudonym`, too.
    """
    own = {"title": "start of the period", "units": "", "classification": spec.classification}
    area = {"title": "finest area known; none: outside the city"}
    fields = [
        pa.field("time", STAMP, nullable=False, metadata=own),
        pa.field("area", pa.string(), metadata={**own, **area}),
    ]
    for column in spec.column:
        titles = {f"title_{language}": text for language, text in column.title.items()}
        metadata = {
            "title": column.title.get("en") or next(iter(column.title.values())),
            **titles,
            "units": column.units,
            "classification": column.classification or spec.classification,
        }
        if column.type == "string" and metadata["classification"] == "personal":
            metadata[PSEUDONYM] = "HMAC-SHA-256"
        kind = pa.string() if column.type == "string" else getattr(pa, column.type)()
        fields.append(pa.field(column.name, kind, metadata=metadata))
    if spec.repeats == "number":
        title = {**own, "title": "number among rows of a file with the same key"}
        fields.append(pa.field("occurrence", pa.int64(), metadata=title))
    file = {**own, "title": "file that the record came from"}
    return pa.schema([*fields, pa.field("source_file", pa.string(), metadata=file)])
