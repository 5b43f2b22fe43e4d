"""The platform's hub, as a description; how each thing is done is in citylib/hub."""

from citylib.access.authenticator import AccountAuthenticator
from citylib.hub.installation import Installation, look_after_services, roles
from citylib.hub.routes import TEMPLATES, first_page, lead
from citylib.hub.spawner import AnalystSpawner
from citylib.panels.dashboards import provide
from citylib.panels.publishing import put_right

c = get_config()  # noqa: F821
here = Installation.load()
ports = here.ports()

# One address for everything; only the proxy listens there, the rest on this machine alone.
c.JupyterHub.bind_url = here.address(here.bind)
c.JupyterHub.ssl_cert = str(here.certificate or "")
c.JupyterHub.ssl_key = str(here.key or "")
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports.hub}"
c.JupyterHub.default_url = first_page
lead(here.settings)
c.JupyterHub.template_paths = [str(TEMPLATES)]
c.JupyterHub.template_vars = here.words()
c.JupyterHub.tornado_settings = {"cookie_options": {"samesite": "Lax"}}
c.ConfigurableHTTPProxy.command = here.proxy_command()
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy}"
c.ConfigurableHTTPProxy.pid_file = str(here.state / "proxy.pid")

# Who signs in, and what each role may do.
c.JupyterHub.authenticator_class = AccountAuthenticator
c.AccountAuthenticator.database = here.settings.database
c.Authenticator.allow_all = True
c.Authenticator.manage_groups = True
c.Authenticator.enable_auth_state = True
c.Authenticator.auth_refresh_age = 30
c.Authenticator.auth_refresh_strict = True
c.JupyterHub.load_roles = roles()

# What runs: dashboards, public pages and feeds for all, a server for each analyst.
provide(here.settings)
put_right(here.settings)
c.JupyterHub.services = here.services()
here.forget_keys()
look_after_services(seconds=3)
c.JupyterHub.spawner_class = AnalystSpawner
c.AnalystSpawner.workspaces = str(here.workspaces)
c.AnalystSpawner.start_from = str(here.notebooks)
c.Spawner.environment = here.analysts_environment()
c.Spawner.default_url = "/lab"

# What is kept, and where.
c.JupyterHub.db_url = f"sqlite:///{here.state / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(here.secret("cookie_secret"))
c.ConfigurableHTTPProxy.auth_token = here.secret("proxy_token").read_text()
c.CryptKeeper.keys = [here.secret("crypt_key").read_text()]
