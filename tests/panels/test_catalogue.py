"""The catalogue in a notebook."""

from support.port import COUNTS, HEADER, build_port

from citylib.lake import Lake
from citylib.panels.catalogue import HEADS, catalogue


def test_every_dataset_has_a_row_and_nothing_is_markup(tmp_path):
    odd = COUNTS.replace('publisher = "the port"', 'publisher = "<b>the port</b>"')
    files = {
        "datasets/counts.toml": odd,
        "records/counts/1.csv": HEADER + "2022-01-05 07:00,East,A,3,1\n",
    }
    lake = Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))
    lake.load("counts")
    html = catalogue(lake, "fr").value
    assert html.count("<tr ") == 1
    assert html.count("<td ") + 1 == len(HEADS)
    assert "&lt;b&gt;the port&lt;/b&gt;" in html
    assert 'title="n in people, speed in m/s · its office"' in html
    assert "2022-01-05" in html
