"use strict";

// Tells times from now on every page, and keeps a list current: rows arrive as HTML that the server has escaped, with
// the place where they stand.

const ROWS_MAX = 20000;
const CHUNK_ROWS = 25;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const $ = (id) => document.getElementById(id);

function tellTime(element, now) {
  const instant = Date.parse(element.dateTime);
  if (Number.isNaN(instant)) return;
  const seconds = (instant - now) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
  const due = "due" in element.dataset;
  const late = due && seconds < 0;
  let text = Math.abs(seconds) < 5 ? "now" : relative.format(Math.trunc(seconds / size), unit);
  if (late) text = text.replace(" ago", " late");
  if (element.textContent !== text) element.textContent = text;
  if (!element.dataset.told) {
    element.dataset.told = "1";
    element.title = whole.format(instant);
  }
  if (due) {
    element.classList.toggle("over", late);
    element.closest(".row .due")?.closest(".row").classList.toggle("over", late);
  }
}

function tellTimes(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[datetime]")) tellTime(element, now);
}

// The first of some elements that is not `before` something; those that are stand first.
function firstOf(elements, before) {
  let [low, high] = [0, elements.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(elements[middle])) low = middle + 1; else high = middle;
  }
  return elements[low] ?? null;
}

const isAbove = (element) => element.getBoundingClientRect().bottom < 0;

// Rows lie in chunks, of which the browser lays out only those in sight.
function neighbour(row, step) {
  const [next, first] = step > 0
    ? ["nextElementSibling", "firstElementChild"] : ["previousElementSibling", "lastElementChild"];
  return row[next] ?? row.parentElement[next]?.[first] ?? null;
}

// Of ten thousand rows only those in sight are told anew each second.
function tick() {
  const rows = $("rows");
  tellTimes(rows ? $("alerts") : document);
  const chunk = rows && firstOf(rows.children, isAbove);
  let row = chunk && firstOf(chunk.children, isAbove);
  while (row && row.getBoundingClientRect().top < innerHeight) {
    tellTimes(row);
    row = neighbour(row, 1);
  }
}

let level = "";
function say(status) {
  const dot = document.createElement("span");
  dot.className = `dot ${status.level}`;
  $("status").replaceChildren(dot, status.text);
  // Seconds that pass are no news to a listener; that it is live or not is.
  if (level && level !== status.level) $("announce").textContent = status.text;
  level = status.level;
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

class List {
  constructor(element) {
    this.element = element;
    this.rows = new Map();
    this.end = null;
    this.fetching = false;
    this.late = [];
    this.alerts = new Set([...document.querySelectorAll("[data-alert]")].map((item) => item.dataset.alert));
    this.alertsNew = 0;
    const { query, mark, begin, end, next } = element.dataset;
    this.query = query;
    this.begin = begin ? JSON.parse(begin) : null;
    this.take(mark, end, next);
    for (const row of element.querySelectorAll(".row")) this.enter(row);
    this.bottom = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.more();
    }, { rootMargin: "2000px" });
    this.watchBottom();
  }

  // An observer tells of changes only: asked anew it also tells of a bottom that stayed in sight.
  watchBottom() {
    this.bottom.disconnect();
    this.bottom.observe($("more").parentElement);
  }

  take(mark, end, next) {
    this.mark = mark;
    this.end = end ? JSON.parse(end) : null;
    this.next = next || null;
    $("more").hidden = !this.next;
  }

  enter(row) {
    row.place = JSON.parse(row.dataset.place);
    this.rows.set(row.dataset.key, row);
  }

  leave(row) {
    const chunk = row.parentElement;
    this.rows.delete(row.dataset.key);
    row.remove();
    if (!chunk.childElementCount) chunk.remove();
  }

  insert(row, place) {
    const chunks = this.element.children;
    const chunk = firstOf(chunks, ({ lastElementChild: last }) => before(last.place, place));
    const target = chunk ?? chunks[chunks.length - 1] ?? this.chunk([]);
    target.insertBefore(row, firstOf(target.children, (one) => before(one.place, place)));
    this.enter(row);
  }

  update(news) {
    if (this.fetching) { this.late.push(...news); return; }
    const focused = document.activeElement?.closest?.(".row");
    const focusedKey = focused && this.element.contains(focused) ? focused.dataset.key : null;
    for (const { key, place, html } of news) {
      const old = this.rows.get(key);
      const row = html === null ? null : this.made(html, JSON.parse(place), old);
      if (old) this.leave(old);
      if (row) this.insert(row, JSON.parse(place));
    }
    if (focusedKey) this.rows.get(focusedKey)?.querySelector("a")?.focus({ preventScroll: true });
    this.tidy();
  }

  // None where the place is on a page before or behind those that are here.
  made(html, place, old) {
    if (this.end && before(this.end, place)) return null;
    if (this.begin && !before(this.begin, place)) return null;
    const row = parsed(html).firstElementChild;
    if (!old || old.dataset.total !== row.dataset.total) row.classList.add("fresh");
    tellTimes(row);
    return row;
  }

  tidy() {
    $("empty").hidden = this.rows.size > 0;
    if (this.rows.size > ROWS_MAX) this.anew();
  }

  chunk(rows) {
    const chunk = document.createElement("div");
    chunk.className = "chunk";
    chunk.role = "presentation";
    chunk.style.setProperty("--rows", rows.length);
    chunk.append(...rows);
    this.element.append(chunk);
    return chunk;
  }

  append(html) {
    const content = parsed(html);
    tellTimes(content);
    const rows = [...content.children];
    for (const row of rows) {
      const old = this.rows.get(row.dataset.key);
      if (old) this.leave(old);
      this.enter(row);
    }
    for (let first = 0; first < rows.length; first += CHUNK_ROWS) {
      this.chunk(rows.slice(first, first + CHUNK_ROWS));
    }
  }

  async ask(path) {
    const answer = await fetch(path, { headers: { Accept: "application/json" } });
    // The session is over: the page itself leads to the login.
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  // One page at a time; what changes meanwhile comes after it.
  async fetched(path, apply) {
    if (this.fetching) return;
    this.fetching = true;
    try {
      apply(await this.ask(path));
    } catch {
      // Tried again when the list comes into sight, or with the connection.
    } finally {
      this.fetching = false;
      this.update(this.late.splice(0));
    }
  }

  async more() {
    if (!this.next || this.fetching) return;
    const { query, next } = this;
    await this.fetched(`/rows?${query}&cursor=${encodeURIComponent(next)}`, (page) => {
      if (query !== this.query || next !== this.next) return;
      this.append(page.html);
      this.take(this.mark, page.end, page.next);
    });
    if (next !== this.next) this.watchBottom();
  }

  async anew(query = this.query) {
    const kept = query === this.query;
    const limit = Math.min(Math.max(this.rows.size, 100), 1000);
    this.rest();
    this.query = query;
    this.begin = null;
    let ok = false;
    while (this.fetching) await new Promise((done) => setTimeout(done, 50));
    await this.fetched(`/rows?${query}&limit=${kept ? limit : 100}`, (page) => {
      const focused = document.activeElement?.closest?.(".row")?.dataset.key;
      this.late = [];
      for (const row of [...this.rows.values()]) this.leave(row);
      this.append(page.html);
      this.take(page.mark, page.end, page.next);
      if (focused) this.rows.get(focused)?.querySelector("a")?.focus({ preventScroll: true });
      $("total").textContent = page.total;
      this.tidy();
      ok = true;
    });
    if (ok) this.follow(); else this.again();
  }

  again() {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.anew(), 1000);
  }

  rest() {
    this.events?.close();
    this.events = null;
  }

  // A browser holds six connections to the board and no more, for all its tabs: those that nobody sees need none.
  follow() {
    this.rest();
    if (document.hidden) return;
    const events = new EventSource(`/events?${this.query}&after=${encodeURIComponent(this.mark)}`);
    this.events = events;
    const on = (name, take) => events.addEventListener(name, (event) => {
      if (events !== this.events) return;
      this.mark = event.lastEventId || this.mark;
      take(JSON.parse(event.data));
    });
    on("status", say);
    on("rows", (news) => this.update(news));
    on("counts", (total) => { $("total").textContent = total; });
    on("alerts", (html) => this.showAlerts(html));
    on("anew", () => this.anew());
    events.addEventListener("error", () => {
      if (events !== this.events) return;
      say({ level: "off", text: "Not live: no connection" });
      // A browser gives up where the answer is an error; it tries again only by itself else.
      if (events.readyState === EventSource.CLOSED) this.again();
    });
  }

  showAlerts(html) {
    const section = $("alerts");
    const focused = section.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const content = parsed(html);
    tellTimes(content);
    for (const item of content.querySelectorAll("[data-alert]")) {
      if (this.alerts.has(item.dataset.alert)) continue;
      this.alerts.add(item.dataset.alert);
      this.alertsNew += 1;
      item.classList.add("fresh");
    }
    section.replaceChildren(content);
    if (focused) section.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (this.alertsNew) $("new-alerts").textContent = `${this.alertsNew} new`;
  }
}

function before(one, other) {
  for (let part = 0; part < 3; part += 1) {
    if (one[part] !== other[part]) return one[part] < other[part];
  }
  return false;
}

function filter(list) {
  const form = $("filters");
  const apply = () => {
    const values = [...new FormData(form)].filter(([, value]) => value.trim());
    const query = new URLSearchParams(values).toString();
    const { view } = list.element.dataset;
    const asked = [view === "hottest" ? "" : `view=${view}`, query].filter(Boolean).join("&");
    if (asked === list.query) return;
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
    form.querySelector(".clear").hidden = !query;
    if ($("export")) $("export").href = `/leads.csv?${asked}`;
    list.anew(asked);
  };
  let typing;
  form.addEventListener("change", apply);
  form.addEventListener("input", (event) => {
    if (event.target.name !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(apply, 250);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
}

function move(list, step) {
  const now = document.activeElement?.closest?.(".row");
  const next = now ? neighbour(now, step) : list.element.querySelector(".row");
  const link = next?.querySelector("a");
  link?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function keys(list) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "/") { event.preventDefault(); $("q").focus(); }
    if (event.key === "j") move(list, 1);
    if (event.key === "k") move(list, -1);
  });
}

document.documentElement.classList.add("scripted");
tellTimes(document);
setInterval(tick, 1000);
if ($("rows")) {
  const list = new List($("rows"));
  filter(list);
  keys(list);
  list.follow();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { list.rest(); return; }
    tick();
    list.follow();
  });
}
