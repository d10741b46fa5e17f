// The live page in Chromium, from calm to exhaustion and back. Run by
// dbpool_page_stage, whose environment it reads: with_database.cc.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { Exporter, Lock } from "./exporter.mjs";

const kAxe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const kPictures = process.argv.includes("--pictures");
const kFolder = fileURLToPath(new URL("screenshots", import.meta.url));
const kSchemes = ["light", "dark"];
const kSizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const kCalm = "No request waits for long";

const exporter = new Exporter(
  [
    "--workload.sql=read_stock=SELECT count(*) FROM stock",
    "--workload.sql=checkout=SELECT pg_sleep(0.004)",
    "--workload.rate=120",
    "--workload.hold=5ms",
  ],
  { DB_POOL_MAX: "8", DB_POOL_MIN: "2" },
);
let browser;
let page;
const errors = [];

async function open(options = {}) {
  const context = await browser.newContext({ viewport: kSizes.desktop, ...options });
  const opened = await context.newPage();
  opened.on("pageerror", (error) => errors.push(`${error}`));
  opened.on("console", (message) => {
    // What a browser says of an exporter that is away is the test's intent.
    const isOfNetwork = /Failed to load resource|ERR_/.test(message.text());
    if (message.type() === "error" && !isOfNetwork) {
      errors.push(`${message.text().slice(0, 200)} (${JSON.stringify(message.location())})`);
    }
  });
  return opened;
}

function shows(where, selector, text, timeout = 30000) {
  return where.waitForFunction(
    ([css, wanted]) => document.querySelector(css)?.textContent.includes(wanted),
    [selector, text],
    { timeout, polling: 50 },
  );
}

async function faultsOf(where) {
  await where.evaluate(kAxe);
  const { violations } = await where.evaluate(() => axe.run(document));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Of the charts: those on which nothing is drawn but the axes. */
function emptyCharts(where) {
  return where.evaluate(() =>
    [...document.querySelectorAll(".chart")]
      .filter((chart) => {
        const canvas = chart.querySelector("canvas");
        const { data } = canvas
          .getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) {
          const colours = data.slice(i, i + 3);
          if (data[i + 3] > 20 && Math.max(...colours) - Math.min(...colours) > 40) return false;
        }
        return true;
      })
      .map((chart) => chart.getAttribute("aria-label")),
  );
}

before(async () => {
  await exporter.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--font-render-hinting=none", "--enable-precise-memory-info"],
  });
  page = await open();
});

after(async () => {
  await browser?.close();
  await exporter.stop();
});

test("The page opens in calm, live, with all its parts", async () => {
  await page.goto(exporter.url);
  await shows(page, ".verdict .cause", kCalm);
  await shows(page, "#connection", "Live");
  await shows(page, ".pool", "read_stock");
  assert.equal(await page.textContent("#connection"), "Live");
  assert.match(await page.getAttribute(".bar", "aria-label"), /of at most 8 connections/);
  assert.equal(await page.locator("#plain").count(), 0);
  for (const link of ["/metrics", "/health", "/stats", "/debug/pools"]) {
    assert.equal(await page.locator(`a[href="${link}"]`).count(), 1, link);
  }
  if (kPictures) await page.waitForTimeout(60000);
});

test("It shows exhaustion within 2 s of its start", async () => {
  const before = (await exporter.live()).pools[0].stats.exhaustedSeconds;
  await page.evaluate(noteNextHeadline);
  const lock = await Lock.take("migrate");
  try {
    await page.waitForFunction(() => window.headlineAt !== undefined);
    const shownAt = await page.evaluate(() => window.headlineAt);
    const { time, pools } = await exporter.live();
    // The oldest came when the last connection was gone, unless it has given
    // up; and no more of the time can be it than the pool was exhausted for.
    const { exhaustedSeconds, oldestWaitingRequestAgeSeconds } = pools[0].stats;
    const lasted = Math.min(exhaustedSeconds - before, oldestWaitingRequestAgeSeconds);
    assert.ok(lasted > 0 && lasted < 4.9, `${lasted} s`);
    const startedAt = time - lasted * 1000;
    assert.ok(shownAt < startedAt + 2000, `after ${shownAt - startedAt} ms`);

    await shows(page, "td.lock", "blocks");
    await shows(page, ".pool", "blocked by");
    await shows(page, ".reports", "Report 1");
    await shows(page, ".verdict", "migrate");
    assert.equal(await page.title(), "✕ Blocked by a lock – dbpool_exporter");
    assert.deepEqual(await emptyCharts(page), []);
    if (kPictures) await page.waitForTimeout(4000);
    await lookFromEverywhere();
  } finally {
    await lock.release();
  }
});

function isInView(where, selector) {
  return where.evaluate((css) => {
    const { top, left, bottom, right } = document.querySelector(css).getBoundingClientRect();
    return top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
  }, selector);
}

/** In the page: when its verdict is another one than now. */
function noteNextHeadline() {
  const headline = document.querySelector(".verdict .cause");
  const now = headline.textContent;
  new MutationObserver(() => {
    if (headline.textContent !== now) window.headlineAt ??= Date.now();
  }).observe(headline, { childList: true, characterData: true, subtree: true });
}

/** With the exhaustion before it: no fault of axe, and the pictures. */
async function lookFromEverywhere() {
  if (kPictures) mkdirSync(kFolder, { recursive: true });
  for (const colorScheme of kSchemes) {
    for (const [name, viewport] of Object.entries(kSizes)) {
      const seen = await open({ colorScheme, viewport });
      await seen.goto(exporter.url);
      await shows(seen, "td.lock", "blocks");
      assert.deepEqual(await faultsOf(seen), [], `${name}, ${colorScheme}`);
      assert.equal(await overflowOf(seen), 0, `${name} scrolls sideways`);
      if (kPictures) {
        const path = `${kFolder}/${name}-${colorScheme}.png`;
        await seen.screenshot({ path, fullPage: true, timeout: 120000 });
      }
      for (const path of ["/debug/pools", "/debug/pools?report=1"]) {
        await seen.goto(`${exporter.url}${path}`);
        assert.equal(await overflowOf(seen), 0, `${path} scrolls sideways, ${name}`);
        assert.deepEqual(await faultsOf(seen), [], `${path}, ${name}, ${colorScheme}`);
      }
      await seen.context().close();
    }
  }
}

/** By how many pixels the page is wider than what shows it. */
function overflowOf(where) {
  return where.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
}

test("It says that calm is back", async () => {
  await shows(page, ".verdict .cause", kCalm);
  await shows(page, "#announcement", kCalm);
  assert.equal(await page.title(), "dbpool_exporter");
});

test("It says since when there is no data, and goes on after a restart", async () => {
  await exporter.kill();
  await shows(page, "#connection", "No data since ");
  assert.match(await page.textContent("#connection"), /No data since \d\d:\d\d:\d\d$/);
  assert.match(await page.title(), /^✕ No data since \d\d:\d\d:\d\d – /);
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.locator("#connection").waitFor({ state: "visible" });
  assert.equal(await isInView(page, "#connection"), true);
  assert.deepEqual(await faultsOf(page), []);
  await exporter.start();
  await shows(page, "#connection", "Live");
  await page.waitForFunction(() => document.querySelector("#connection").textContent === "Live");
  await shows(page, ".verdict .cause", kCalm);
});

test("Charts show a gap where samples are missing", async () => {
  const shown = await page.evaluate(async () => {
    const { withGaps } = await import("/assets/history.js");
    return withGaps([{ time: 1000 }, { time: 2100 }, { time: 42000 }, { time: 43000 }]);
  });
  assert.deepEqual(
    shown.map((row) => row?.time ?? null),
    [1000, 2100, null, 42000, 43000],
  );
});

test("Past the most streams it polls", async () => {
  const controllers = [];
  for (let i = 0; i < 4; ++i) {
    const controller = new AbortController();
    await fetch(`${exporter.url}/live`, { signal: controller.signal });
    controllers.push(controller);
  }
  const polling = await open();
  await polling.goto(exporter.url);
  await shows(polling, "#connection", "Live, by polling");
  await shows(polling, ".verdict .cause", kCalm);
  for (const controller of controllers) controller.abort();
  await polling.waitForFunction(() => document.querySelector("#connection").textContent === "Live");
  await polling.context().close();
});

test("A day of samples does not grow its memory", async () => {
  const filled = await open();
  await filled.goto(exporter.url);
  await shows(filled, ".pool", "read_stock");
  const session = await filled.context().newCDPSession(filled);
  const collected = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { jsEventListeners, nodes } = await session.send("Memory.getDOMCounters");
    return { usedSize, jsEventListeners, nodes };
  };
  // Nodes whose scripts' part is gone are found by the next collection.
  const sizes = async () => {
    let least = await collected();
    for (let next = await collected(); next.nodes < least.nodes; next = await collected()) {
      least = next;
    }
    return least;
  };
  await filled.context().setOffline(true); // no other samples than these
  const live = (seconds) => filled.evaluate(liveFor, seconds);
  await live(3600);
  const afterAnHour = await sizes();
  await live(23 * 3600);
  const afterADay = await sizes();
  const grown = afterADay.usedSize - afterAnHour.usedSize;
  // The samples of a day take over 30 MB; that it is offline is noted, too.
  assert.ok(grown < 8 << 20, `${grown} bytes more`);
  assert.ok(afterADay.nodes <= afterAnHour.nodes + 50, `${afterADay.nodes} nodes`);
  const listeners = afterADay.jsEventListeners;
  assert.ok(listeners <= afterAnHour.jsEventListeners, `${listeners} listeners`);
  await filled.context().close();
});

/** In the page: takes so many seconds of documents, and shows some of them. */
async function liveFor(seconds) {
  const { take } = await import("/assets/live.js");
  const sample = (time) => ({
    time,
    connections: [0, 0, time % 5, 8 - (time % 5), 0],
    max: 8,
    waiting: [time % 70, 0, 0, 0],
    oldestWaiting: (time % 1000) / 500,
    acquires: 100,
    failures: 0,
    waits: [0.001, 0.01 + (time % 7) / 10, 0.25],
    queries: [[0.004, 0.01], null, [0.1, 0.2]],
  });
  window.next ??= Date.now() + 1e6;
  for (let second = 0; second < seconds; ++second) {
    window.next += 1000;
    const time = window.next;
    const holders = Array.from({ length: time % 9 }, (_, index) => ({
      state: "active",
      inStateSeconds: index + (time % 60),
      tag: `job ${time % 100}`,
      backendPid: 1000 + index,
    }));
    take({
      version: document.querySelector("h1 small").textContent,
      cursor: "x",
      time,
      pools: [
        {
          name: "default",
          database: "d",
          health: { status: "ok", reason: "" },
          verdict: { cause: "too_small", headline: "too small", finding: `finding ${time}`, action: "", since: time },
          stats: {
            connectionsByState: { opening: 0, checking: 0, idle: 0, active: 8, closing: 0 },
            waitingRequestsByReason: { capacity: time % 70, opening: 0, backend_down: 0, server_slots: 0 },
            maxConnections: 8,
            minConnections: 0,
            totalConnections: 8,
            maxWaitingRequests: 10,
            waitingRequests: time % 70,
            waitingRequestsPeak: 70,
            oldestWaitingRequestAgeSeconds: 1,
            exhaustedSeconds: 1,
            overdueLeases: 0,
            connectionFailures: 0,
          },
          holders,
          moreHolders: 0,
          blockers: [],
          reports: [{ number: second, takenAt: time, finding: "f" }],
          queryNames: ["probe", "read_stock", "checkout"],
          samples: [sample(time)],
        },
      ],
    });
    if (second % 300 === 0) await new Promise(requestAnimationFrame);
  }
  // The last one is shown then, which has as many holders each time.
  await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
}

test("What database users name shows as text", async () => {
  const hostile = new Exporter(
    [
      "--workload.sql=SELECT '<script>hit()</script>\"<b onclick>', count(*) FROM stock",
      "--workload.rate=50",
    ],
    { DB_POOL_MAX: "1", DB_POOL_MIN: "0" },
  );
  await hostile.start();
  const lock = await Lock.take("<script>hit()</script>");
  const seen = await open();
  let hits = 0;
  try {
    await seen.exposeFunction("hit", () => ++hits);
    await seen.goto(hostile.url);
    await shows(seen, "td.lock", "blocks");
    await shows(seen, ".pool table", "<script>hit()</script>");
    await shows(seen, ".pool table", "SELECT '<script>hit()</script>\"<b onclick>'");
    assert.equal(await seen.locator("main script, main b[onclick]").count(), 0);
    assert.equal(hits, 0);
  } finally {
    await seen.context().close();
    await lock.release();
    await hostile.stop();
  }
});

test("Without JavaScript the facts and links show", async () => {
  const plain = await open({ javaScriptEnabled: false, viewport: kSizes.phone });
  await plain.goto(exporter.url);
  assert.match(await plain.textContent("#plain"), /default/);
  const status = await plain.locator("#plain td", { hasText: /^(ok|degraded)$/ }).boundingBox();
  assert.ok(status.x + status.width <= kSizes.phone.width, `${status.x}`);
  assert.equal(await plain.locator('a[href="/debug/pools"]').isVisible(), true);
  await plain.context().close();
});

test("It is used by keyboard: the first Tab skips to the pools", async () => {
  const keyed = await open();
  await keyed.goto(exporter.url);
  await shows(keyed, ".verdict .cause", "");
  await keyed.keyboard.press("Tab");
  assert.equal(await keyed.evaluate(() => document.activeElement.className), "skip");
  await keyed.keyboard.press("Enter");
  assert.equal(await keyed.evaluate(() => document.activeElement.id), "pools");
  await keyed.context().close();
});

test("Nothing was refused by its policy, and no script failed", () => {
  assert.deepEqual([...new Set(errors)], []);
});
