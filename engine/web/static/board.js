"use strict";

// Keeps the board current: sections arrive as HTML that the server has escaped, times are told from now.

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });

function tellTimes() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
    if (Number.isNaN(seconds)) continue;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
    const text = Math.abs(seconds) < 5 ? "now" : relative.format(Math.trunc(seconds / size), unit);
    if (element.textContent !== text) element.textContent = text;
  }
}

function marks(section) {
  return new Map([...section.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row.dataset.mark]));
}

function replace(section, html) {
  const before = marks(section);
  const focused = section.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const template = document.createElement("template");
  template.innerHTML = html;
  section.replaceChildren(template.content);
  const fresh = [];
  for (const row of section.querySelectorAll("[data-key]")) {
    const { key, mark, say } = row.dataset;
    if (before.has(key) && before.get(key) === mark) continue;
    row.classList.add("fresh");
    if (say && !before.has(key)) fresh.push(say);
  }
  if (focused) section.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  tellTimes();
  if (fresh.length) announce(fresh);
}

function announce(fresh) {
  const more = fresh.length > 1 ? `, and ${fresh.length - 1} more` : "";
  document.getElementById("announce").textContent = fresh[0] + more;
}

function lost() {
  const status = document.getElementById("status");
  const dot = document.createElement("span");
  dot.className = "dot off";
  status.replaceChildren(dot, "Not live: no connection to the board");
}

function follow(board) {
  const events = new EventSource(`/events?after=${encodeURIComponent(board.dataset.version)}`);
  for (const name of ["status", "counts", "leads", "alerts", "assignments"]) {
    events.addEventListener(name, (event) => replace(document.getElementById(name), JSON.parse(event.data)));
  }
  events.addEventListener("error", () => {
    lost();
    // A browser gives up where the answer is an error, such as too many viewers; it tries again only by itself else.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => follow(board), 5000);
  });
}

const board = document.getElementById("board");
tellTimes();
setInterval(tellTimes, 1000);
if (board) follow(board);
