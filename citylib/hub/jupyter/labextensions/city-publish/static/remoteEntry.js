// The button "Publish" of a notebook in JupyterLab: to whom, which versions there were, take back.
// It is a container of webpack's module federation, written by hand: JupyterLab hands in its own
// modules, so there is nothing to build.
(() => {
  const NAME = "city-publish";
  let shared = {};
  const module = async (name) => {
    const [version] = Object.values(shared[name] ?? {});
    if (!version) throw new Error(`${NAME}: JupyterLab has no module ${name}`);
    return (await version.get())();
  };

  const element = (tag, text = "", attributes = {}) => {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const ROLES = { mayor: "the mayor", official: "officials" };

  async function plugin() {
    const { ToolbarButton, Dialog, showDialog, showErrorMessage } =
      await module("@jupyterlab/apputils");
    const { ServerConnection } = await module("@jupyterlab/services");
    const { URLExt } = await module("@jupyterlab/coreutils");
    const { Widget } = await module("@lumino/widgets");

    const ask = async (path, told) => {
      const settings = ServerConnection.makeSettings();
      const url = URLExt.join(settings.baseUrl, "city/dashboards", encodeURIComponent(path));
      const init = told ? { method: "POST", body: JSON.stringify(told) } : {};
      const answer = await ServerConnection.makeRequest(url, init, settings);
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.message ?? answer.statusText);
      return said;
    };

    // What is chosen in the dialog, and the versions so far.
    const form = (versions) => {
      const node = element("div");
      const [newest] = versions;
      const shown = newest && newest.action !== "took back";
      node.append(
        element("p", shown
          ? `Version ${newest.version} is shown to ${newest.roles.join(" and ")}.`
          : "It is not shown as a dashboard now."),
        element("p", "It is run from top to bottom first. Then it is shown to:")
      );
      const boxes = Object.entries(ROLES).map(([role, says]) => {
        const label = element("label");
        const box = element("input", "", { type: "checkbox", value: role });
        box.checked = !shown || newest.roles.includes(role);
        label.append(box, ` ${says}`);
        label.style.display = "block";
        node.append(label);
        return box;
      });
      let chosen = null;
      if (versions.length) {
        const label = element("label", "Or show an earlier version again: ");
        chosen = element("select");
        chosen.append(element("option", "no, publish it as it is now", { value: "" }));
        for (const one of versions.filter((of) => of.action !== "took back")) {
          const when = new Date(one.time).toLocaleString();
          const says = `${one.version}: ${one.action} by ${one.actor}, ${when}`;
          chosen.append(element("option", says, { value: one.version }));
        }
        label.append(chosen);
        node.append(label);
      }
      const body = new Widget({ node });
      body.getValue = () => ({
        roles: boxes.filter((box) => box.checked).map((box) => box.value),
        version: Number(chosen?.value) || null,
      });
      return { body, shown };
    };

    const publish = async (context) => {
      try {
        const { body, shown } = form(await ask(context.path));
        const buttons = [Dialog.cancelButton(), Dialog.okButton({ label: "Publish" })];
        if (shown) buttons.splice(1, 0, Dialog.warnButton({ label: "Take back" }));
        const done = await showDialog({ title: "Dashboard", body, buttons });
        if (!done.button.accept) return;
        const { roles, version } = done.value;
        const act = done.button.label === "Take back" ? "take back" : version ? "restore" : "publish";
        if (act === "publish") await context.save();
        const { says } = await ask(context.path, { act, roles, version });
        await showDialog({ title: "Dashboard", body: says, buttons: [Dialog.okButton()] });
      } catch (error) {
        await showErrorMessage("Not published", error.message);
      }
    };

    return {
      id: `${NAME}:plugin`,
      autoStart: true,
      activate: (app) => {
        app.docRegistry.addWidgetExtension("Notebook", {
          createNew: (panel, context) => {
            const button = new ToolbarButton({
              label: "Publish",
              tooltip: "Show this notebook to the mayor and officials as a dashboard",
              onClick: () => publish(context),
            });
            if (!panel.toolbar.insertAfter("cellType", NAME, button)) {
              panel.toolbar.addItem(NAME, button);
            }
            return button;
          },
        });
      },
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB[NAME] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const made = await plugin();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
