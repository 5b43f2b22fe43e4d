"""Voila in an analyst's own server: the page as readers of the dashboards see it."""

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.hub.preview import show_in_lab
from citylib.look.served import voila_settings

c = get_config()  # type: ignore[name-defined]  # noqa: F821
for key, value in voila_settings(load_city(Settings.load().profile)).items():
    setattr(c.VoilaConfiguration, key, value)
c.VoilaConfiguration.file_allowlist = []
c.VoilaConfiguration.allow_template_override = "NO"
c.VoilaConfiguration.allow_theme_override = "NO"
c.VoilaConfiguration.prelaunch_hook = show_in_lab
