"""A profile that is asked for again and again is read when it has changed."""

from support.town import build_town

from citylib.city.kept import kept_city


def test_a_profile_is_read_again_when_one_of_its_files_is_another(tmp_path):
    profile = build_town(tmp_path).profile
    city = kept_city(profile)
    assert kept_city(profile) is city
    (profile / "datasets" / "more.toml").write_text(
        (profile / "datasets" / "counts.toml").read_text()
    )
    assert set(kept_city(profile).datasets) == {"counts", "more"}
    changed = (profile / "city.toml").read_text().replace('en = "Town"', 'en = "Burgh"')
    (profile / "city.toml").write_text(changed)
    assert kept_city(profile).name["en"] == "Burgh"
