// The live page: takes what the exporter tells and shows it, once a frame at
// most; and says since when nothing was told.

import { setClass, setText } from "./dom.js";
import { PoolView } from "./pool_view.js";
import { Source } from "./source.js";
import { clock, headline } from "./words.js";

// As long as that without data the page is not live any more.
const kStale = 3000;

const main = document.getElementById("pools");
const connection = document.getElementById("connection");
const announcement = document.getElementById("announcement");
const views = new Map(); // by pool
const source = new Source(take);
let version = null;
let heardAt = null;
let isDue = false;

function announce(text) {
  setText(announcement, text);
}

function viewOf(name) {
  if (!views.has(name)) {
    const view = new PoolView(announce);
    views.set(name, view);
    main.append(view.element);
  }
  return views.get(name);
}

/** Takes a document of /live.json. */
export function take(given) {
  // Another version of the exporter has another page.
  if (version !== null && version !== given.version) location.reload();
  version = given.version;
  heardAt = Date.now();
  document.getElementById("plain")?.remove();
  for (const pool of given.pools) viewOf(pool.name).take(pool);
  const names = new Set(given.pools.map(({ name }) => name));
  for (const [name, view] of views) {
    if (names.has(name)) continue;
    view.element.remove();
    views.delete(name);
  }
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(show);
}

function show() {
  isDue = false;
  for (const view of views.values()) view.show();
  showConnection();
}

/** What a tab among others shall say; nothing when all is well. */
function titleWords(isLost) {
  if (isLost) return `✕ No data since ${clock(heardAt)} – `;
  const found = [...views.values()].map((view) => view.headline).filter(Boolean);
  const worst =
    found.find(({ level }) => level === "bad") ?? found.find(({ level }) => level === "warn");
  return worst ? `${worst.sign} ${worst.words} – ` : "";
}

function showConnection() {
  const isLost = heardAt !== null && Date.now() - heardAt > kStale;
  setClass(main, isLost ? "stale" : "");
  setClass(connection, isLost ? "lost" : "");
  document.title = `${titleWords(isLost)}dbpool_exporter`;
  if (heardAt === null) {
    setText(connection, "Waiting for data");
  } else if (isLost) {
    setText(connection, `No data since ${clock(heardAt)}`);
  } else {
    setText(connection, source.way === "live" ? "Live" : "Live, by polling");
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const view of views.values()) view.recolour();
});
setInterval(showConnection, 500);
showConnection();
source.start();
