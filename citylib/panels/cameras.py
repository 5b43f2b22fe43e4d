"""The city's cameras as a layer of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from citylib.cameras.registry.read import has_cameras
from citylib.city.profile import City
from citylib.city.settings import Settings
from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.key import noted

if TYPE_CHECKING:
    from citylib.panels.layers import Layer
    from citylib.panels.map import MapPanel

NAME = "cameras"


class CamerasLayer:
    """All cameras that the reader may see, over outlines of the areas.

    Its widget is made when it is first asked for: a page that shows no camera has nothing of it.
    """

    name, group = NAME, ""

    def __init__(self) -> None:
        self._widget: Any = None
        self._area = ""

    def words(self, lang: str) -> str:
        return say(lang, "cameras.layer")

    def draw(self, panel: MapPanel, model: CityModel) -> None:
        lang = model.language
        panel.paint({}, {code: read.place_name(model.city, code, lang) for code in panel.codes})
        if self._widget is None:
            from citylib.cameras.widget import CameraLayer

            self._widget = CameraLayer(map=panel.map, language=lang)
            panel.children = (*panel.children, self._widget)
        widget = self._widget
        with widget.hold_sync():
            widget.shown, widget.language = True, lang
            if model.area != self._area:
                self._area = model.area
                widget.near = middle(model.city, model.area)

    def legend(self, model: CityModel) -> str:
        return noted("", say(model.language, "cameras.layer_note"))

    def on_touch(self, area: str, model: CityModel) -> None:
        """The browser has opened cameras already."""

    def clear(self, panel: MapPanel) -> None:
        if self._widget is not None:
            self._widget.shown = False


def camera_layers(settings: Settings, city: City) -> tuple[Layer, ...]:
    """The layer, if the installation has cameras; who may see which, the gateway says."""
    return (CamerasLayer(),) if has_cameras(settings, city) else ()


def middle(city: City, code: str) -> list[float]:
    """Longitude and latitude of a point inside an area; nothing for the whole city."""
    from shapely.geometry import shape

    for level in city.levels.values():
        for feature in level.geojson()["features"] if code in level.areas else ():
            if feature["properties"]["code"] == code:
                point = shape(feature["geometry"]).representative_point()
                return [round(point.x, 6), round(point.y, 6)]
    return []
