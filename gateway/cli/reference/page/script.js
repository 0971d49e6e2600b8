"use strict";

const query = document.getElementById("query");
const results = document.getElementById("results");
const found = document.getElementById("found");
const count = document.getElementById("count");
const menu = document.getElementById("menu");
const light = document.getElementById("light");
const navigation = document.getElementById("navigation");

// Light and dark

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.light;
  return chosen ? chosen === "dark" : dark.matches;
}

function nameTheOther() {
  light.textContent = isDark() ? "Light" : "Dark";
}

light.addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.light = next;
  try {
    localStorage.setItem("light", next);
  } catch {
    // It holds for this visit.
  }
  nameTheOther();
});
dark.addEventListener("change", nameTheOther);
nameTheOther();

// Search: every element with data-find is an entry; the text of entries within it is not its own.

const LIMIT = 40;
const NAMED = { rpc: 30, service: 25, reason: 20, message: 12, enum: 12, section: 8 };
const TOLD = { field: 6, value: 6, reason: 6, message: 5, enum: 5, service: 5, rpc: 4 };
const INLINE = "a, b, code, span:not(.chip)";
const NOT_TEXT = "[data-find], button, .unseen, .name, .assumptions, .number, .own:not(section)";
let entries = null;

function textOf(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
    node.nodeType !== Node.TEXT_NODE && node.matches(NOT_TEXT) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  const parts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) parts.push(node.nodeValue);
    else if (!node.matches(INLINE)) parts.push(" ");
  }
  return parts.join("").replace(/\s+/g, " ").trim();
}

function index() {
  entries ??= Array.from(document.querySelectorAll("[data-find]"), (element) => {
    const title = element.dataset.find;
    const owner = element.matches(".own") ? element.closest(".rpc").dataset.find : "";
    const text = owner ? `of ${owner}` : textOf(element);
    const cut = Math.max(title.lastIndexOf("/"), title.lastIndexOf(".")) + 1;
    return {
      id: element.id,
      kind: element.dataset.kind,
      title,
      name: title.slice(cut),
      text,
      low: text.toLowerCase(),
      lowTitle: title.toLowerCase(),
      lowName: title.slice(cut).toLowerCase(),
    };
  });
  return entries;
}

function scoreOf(entry, words) {
  let name = 0;
  let told = 0;
  for (const word of words) {
    const place = entry.lowName.indexOf(word);
    if (entry.lowName === word) name += words.length === 1 ? 200 : 100;
    else if (place === 0) name += 90;
    else if (place > 0) name += /[a-z]/.test(entry.name[place]) && entry.name[place - 1] !== "_" ? 40 : 80;
    else if (entry.lowTitle.includes(word)) told += 15;
    else if (entry.low.includes(word)) told += 10;
    else return 0;
  }
  return told + (name ? name + (NAMED[entry.kind] ?? 2) - entry.name.length / 10 : (TOLD[entry.kind] ?? 1));
}

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return { words, hits: [] };
  const hits = index()
    .map((entry, order) => ({ entry, order, score: scoreOf(entry, words) }))
    .filter((hit) => hit.score > 0)
    .sort((one, other) => other.score - one.score || one.order - other.order)
    .map((hit) => hit.entry);
  return { words, hits };
}

function marked(text, words) {
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const span = document.createElement("span");
  let written = 0;
  for (const match of text.matchAll(new RegExp(pattern, "gi"))) {
    span.append(text.slice(written, match.index));
    const mark = document.createElement("mark");
    mark.textContent = match[0];
    span.append(mark);
    written = match.index + match[0].length;
  }
  span.append(text.slice(written));
  return span;
}

function excerpt(entry, words) {
  const first = Math.min(...words.map((word) => entry.low.indexOf(word)).filter((place) => place >= 0), Infinity);
  const begin = first === Infinity || first < 50 ? 0 : entry.text.indexOf(" ", first - 40) + 1;
  const piece = entry.text.slice(begin, begin + 130);
  return (begin ? "… " : "") + piece + (begin + 130 < entry.text.length ? " …" : "");
}

function option(entry, words, place) {
  const item = document.createElement("li");
  item.id = `hit-${place}`;
  item.setAttribute("role", "option");
  item.dataset.target = entry.id;
  const head = document.createElement("div");
  head.className = "hit";
  const title = marked(entry.title, words);
  title.className = "title";
  const kind = document.createElement("span");
  kind.className = "chip";
  kind.textContent = entry.kind;
  head.append(title, kind);
  const text = marked(excerpt(entry, words), words);
  text.className = "excerpt";
  item.append(head, text);
  return item;
}

let current = -1;

function choose(place) {
  const items = found.children;
  items[current]?.removeAttribute("aria-selected");
  current = items.length ? (place + items.length) % items.length : -1;
  const item = items[current];
  if (!item) return query.removeAttribute("aria-activedescendant");
  item.setAttribute("aria-selected", "true");
  item.scrollIntoView({ block: "nearest" });
  query.setAttribute("aria-activedescendant", item.id);
}

function show() {
  const { words, hits } = search(query.value);
  found.replaceChildren(...hits.slice(0, LIMIT).map((entry, place) => option(entry, words, place)));
  const more = hits.length > LIMIT ? `, the first ${LIMIT} of them here` : "";
  count.textContent = hits.length ? `${hits.length} found${more}` : "Nothing found";
  results.hidden = !words.length;
  query.setAttribute("aria-expanded", String(Boolean(words.length)));
  current = -1;
  choose(0);
}

function hide() {
  results.hidden = true;
  query.setAttribute("aria-expanded", "false");
}

function go(item) {
  hide();
  query.blur();
  if (location.hash === `#${item.dataset.target}`) reveal();
  else location.hash = item.dataset.target;
}

query.addEventListener("input", show);
query.addEventListener("focus", () => query.value && show());
query.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") choose(current + 1);
  else if (event.key === "ArrowUp") choose(current - 1);
  else if (event.key === "Enter" && found.children[current]) go(found.children[current]);
  else if (event.key === "Escape" && !results.hidden) hide();
  else if (event.key === "Escape") query.blur();
  else return;
  event.preventDefault();
});
found.addEventListener("mousedown", (event) => event.preventDefault());
found.addEventListener("click", (event) => {
  const item = event.target.closest("[role=option]");
  if (item) go(item);
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) hide();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  query.focus({ preventScroll: true });
  query.select();
});

// Where the reader is

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let place = target.closest("details"); place; place = place.parentElement.closest("details")) place.open = true;
  target.scrollIntoView();
  showPlace(target.id);
}

const links = new Map(Array.from(navigation.querySelectorAll("a"), (link) => [link.hash.slice(1), link]));
let here = null;

function showPlace(id) {
  const link = links.get(id);
  if (!link || link === here) return;
  here?.removeAttribute("aria-current");
  here = link;
  link.setAttribute("aria-current", "true");
  const group = link.closest("details");
  if (group) group.open = true;
  const room = navigation.getBoundingClientRect();
  const place = link.getBoundingClientRect();
  if (place.top < room.top + 60 || place.bottom > room.bottom - 60) {
    navigation.scrollTop += place.top - room.top - room.height / 3;
  }
}

const places = Array.from(links.keys(), (id) => document.getElementById(id)).filter(Boolean);
let waiting = false;

function followScroll() {
  waiting = false;
  const line = innerHeight / 4;
  let last = null;
  for (const place of places) if (place.getBoundingClientRect().top <= line) last = place;
  if (last) showPlace(last.id);
}

addEventListener("hashchange", reveal);
addEventListener(
  "scroll",
  () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(followScroll);
  },
  { passive: true },
);

// The contents on a narrow screen

function openMenu(open) {
  document.documentElement.classList.toggle("menu-open", open);
  menu.setAttribute("aria-expanded", String(open));
}

menu.addEventListener("click", () => openMenu(menu.getAttribute("aria-expanded") !== "true"));
navigation.addEventListener("click", (event) => event.target.closest("a") && openMenu(false));
document.addEventListener("keydown", (event) => event.key === "Escape" && openMenu(false));

// Copying

function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  return Promise.reject(new Error("no clipboard"));
}

function copyBySelection(text) {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = button.dataset.copy ?? button.closest(".code").querySelector("code").textContent;
  await copy(text).catch(() => copyBySelection(text));
  const name = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = name), 1200);
});

// On paper nothing is folded

let folded = [];
addEventListener("beforeprint", () => {
  folded = Array.from(document.querySelectorAll("main details:not([open])"));
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
});

if (location.hash) reveal();
