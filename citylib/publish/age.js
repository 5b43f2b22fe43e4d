// Says by the reader's clock how old the figures of a kept page are. Without it the page names
// the period of each figure, which stays true.
const words = JSON.parse(document.currentScript.dataset.words);
const DAY = 86400;
const UNITS = [["year", 365.25 * DAY], ["month", 30.44 * DAY], ["day", DAY], ["hour", 3600]];

function age(seconds) {
  for (const [name, length] of UNITS) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return words[count > 1 ? `${name}s` : name].replace("{count}", count);
  }
  return words.now;
}

function refresh() {
  for (const mark of document.querySelectorAll("[data-end]")) {
    const past = (Date.now() - Date.parse(mark.dataset.end)) / 1000;
    mark.hidden = past <= Number(mark.dataset.after);
    if (!mark.hidden) mark.textContent = age(past);
  }
}

for (const sheet of document.querySelectorAll("link[data-later]")) sheet.media = "all";
refresh();
setInterval(refresh, 60_000);
