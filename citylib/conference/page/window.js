// What both pages have of the window: its language and its theme.
import { remember, remembered } from "../js/dom.js";

export function themed(theme = remembered("theme")) {
  document.documentElement.dataset.theme = theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}
export function otherTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", theme);
  themed(theme);
}

// The language that the address asks for, that was chosen before, that the browser prefers.
export function languageOf(all) {
  const asked = [new URLSearchParams(location.search).get("lang"), remembered("lang"), ...navigator.languages];
  return asked.map((one) => one?.split("-")[0]).find((one) => one in all) ?? Object.keys(all)[0];
}
export function spoken(lang) {
  remember("lang", lang);
}
