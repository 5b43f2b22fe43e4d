"""What a Voila server is told."""

from pathlib import Path

import voila.utils
from traitlets.config import Application
from voila.configuration import VoilaConfiguration

from citylib.city.profile import load_city
from citylib.look.served import LEFT_OUT, voila_arguments

SEOUL = Path(__file__).parents[2] / "cities" / "seoul"


def test_a_dashboard_loads_nothing_that_is_for_jupyterlab_alone():
    class App(Application):
        classes = [VoilaConfiguration]  # noqa: RUF012

    app = App()
    app.parse_command_line(voila_arguments(load_city(SEOUL)))
    names = []
    for configuration in (VoilaConfiguration(), VoilaConfiguration(parent=app)):
        page = voila.utils.get_page_config("/", {}, app.log, configuration)
        names.append({extension["name"] for extension in page["federated_extensions"]})
    assert names[0] - names[1] == {*LEFT_OUT}
