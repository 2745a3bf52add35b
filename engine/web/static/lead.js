"use strict";

// Keeps the page of a lead current, and sends its forms without leaving it. Without this script each form is a page.

const page = document.querySelector("[data-events]");
const late = new Map();

function isBusy(section) {
  // Nobody's words are taken away while they are being written.
  return section.querySelector("details.act[open], form[aria-busy=true]") !== null;
}

function show(name, html) {
  const section = $(`lead-${name}`);
  if (!section) return;
  if (name === "acts" && isBusy(section)) { late.set(name, html); return; }
  late.delete(name);
  const open = [...section.querySelectorAll("details[open][data-open]")].map((part) => part.dataset.open);
  const scrolled = section.querySelector(".events, .scroll")?.scrollTop ?? 0;
  const focused = section.contains(document.activeElement) ? place(document.activeElement) : null;
  section.replaceChildren(parsed(html));
  for (const key of open) section.querySelector(`details[data-open="${CSS.escape(key)}"]`)?.setAttribute("open", "");
  const scroller = section.querySelector(".events, .scroll");
  if (scroller) scroller.scrollTop = scrolled;
  if (focused) section.querySelector(focused)?.focus({ preventScroll: true });
  tick();
  countDown();
}

function place(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const part = element.closest("[data-open]");
  return part ? `[data-open="${CSS.escape(part.dataset.open)}"] summary` : null;
}

function showLate() {
  for (const [name, html] of [...late]) show(name, html);
}

function notice(level, text) {
  const line = document.createElement("p");
  const words = document.createElement("bdi");
  words.textContent = text;
  line.className = `notice ${level}`;
  line.append(words);
  $("said").replaceChildren(line);
}

async function send(form, button) {
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  notice("wait", "Sending…");
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.redirected) { location.reload(); return; }
    const { level, text } = await answer.json();
    notice(level, text);
    if (level !== "bad") close(form);
  } catch {
    notice("bad", "Not sent, or not known: the board cannot be reached.");
  } finally {
    form.removeAttribute("aria-busy");
    showLate();
  }
}

function close(form) {
  const had = form.contains(document.activeElement);
  form.reset();
  form.closest("details")?.removeAttribute("open");
  if (had) $("said").focus({ preventScroll: true });
}

function countDown() {
  for (const part of document.querySelectorAll(".deadline")) {
    const bar = part.querySelector("progress");
    const { since, until } = part.dataset;
    bar.value = Math.min(Math.max((Date.now() - since) / (until - since), 0), 1);
    bar.hidden = false;
  }
}

let events = null;

function rest() {
  events?.close();
  events = null;
}

// A tab that nobody sees needs none of the six connections that a browser has to the board.
function followLead() {
  rest();
  if (document.hidden) return;
  events = new EventSource(page.dataset.events);
  const opened = events;
  events.addEventListener("section", (event) => {
    const { name, html } = JSON.parse(event.data);
    show(name, html);
  });
  events.addEventListener("status", (event) => say(JSON.parse(event.data)));
  events.addEventListener("gone", () => { rest(); location.reload(); });
  events.addEventListener("error", () => {
    if (events !== opened) return;
    say({ level: "off", text: "Not live: no connection to the board" });
    if (opened.readyState === EventSource.CLOSED) again();
  });
}

// Where the session is over, or the lead not to be seen any more, the page itself says so, and shows nobody on.
async function again() {
  const path = page.dataset.events.split("/events?")[0];
  const answer = await fetch(path, { method: "HEAD" }).catch(() => null);
  if (answer?.status === 401 || answer?.status === 404) location.replace(path);
  else setTimeout(followLead, 5000);
}

document.addEventListener("submit", (event) => {
  if (!("say" in event.target.dataset)) return;
  event.preventDefault();
  send(event.target, event.submitter);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest("details.act[open]");
  if (!open) return;
  open.removeAttribute("open");
  open.querySelector("summary").focus();
});
document.addEventListener("toggle", (event) => {
  if (!event.target.matches?.("details.act")) return;
  if (event.target.open) event.target.querySelector("select, input:not([type=hidden]), textarea")?.focus();
  else if (page && !isBusy($("lead-acts"))) showLate();
}, true);

if (page) {
  followLead();
  document.addEventListener("visibilitychange", () => { if (document.hidden) rest(); else followLead(); });
  countDown();
  setInterval(countDown, 5000);
}
