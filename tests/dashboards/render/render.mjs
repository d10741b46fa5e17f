// Draws all dashboards, dark and light, checks each panel, and writes
// dashboards/screenshots/. Run by dbpool_dashboards_stage, whose environment
// it reads: with_stage.cc.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { build, preview } from "vite";

import dashboards from "../out/dashboards.js";
import { Prometheus, substitute } from "./prometheus.mjs";

const { kFolder, kNames, load } = dashboards;

const {
  DBPOOL_PROMETHEUS,
  DBPOOL_LOAD_SECONDS,
  DBPOOL_DEMO_INSTANCE,
} = process.env;

const prometheus = new Prometheus(DBPOOL_PROMETHEUS);
// A label of the time axis at its very end would be cut off.
const now = Math.floor(Date.now() / 1000) - 1;
const end = now % 15 < 6 ? now - (now % 15) - 1 : now;
const range = { start: end - Number(DBPOOL_LOAD_SECONDS) + 5, end, step: 1 };

/**
 * Of the whole stage, but for those that are about one pool; only the fleet has
 * a database that is not there.
 */
function variablesFor(name) {
  const isOfOne = name === "pool" || name === "workload";
  return {
    __rate_interval: "4s",
    job: name === "fleet" ? ".+" : "dbpool-(shop|stock|targets)",
    instance: isOfOne ? DBPOOL_DEMO_INSTANCE : ".+",
    exporter: ".+",
    pool: ".+",
  };
}

async function ask(target, variables) {
  const expr = substitute(target.expr, variables);
  return target.instant
    ? prometheus.instant(expr, range.end)
    : prometheus.range(expr, range);
}

async function answersOf(dashboard, variables) {
  const answers = {};
  for (const { id, targets } of dashboard.panels) {
    answers[id] = await Promise.all(
      (targets ?? []).map((target) => ask(target, variables)),
    );
  }
  return answers;
}

/** In the page: what is wrong with a panel, or nothing. */
function faultOf({ id, type, isFlat }) {
  const panel = document.getElementById(`panel-${id}`);
  if (panel === null) return "not drawn";
  if (/no data|NaN|undefined/i.test(panel.innerText)) return panel.innerText;
  if (type === "table") {
    const rows = panel.querySelectorAll('[role="row"]').length;
    return rows >= 2 ? "" : `${rows} rows`;
  }
  if (type === "stat") {
    const value = panel.innerText.split("\n").slice(1).join("");
    return /\d|up/i.test(value) ? "" : `value "${value}"`;
  }
  const canvas = panel.querySelector(".u-over")?.parentElement.querySelector("canvas");
  if (!canvas) return "no canvas";
  // Bars of nothing but zeros have no height: the axes are all there is.
  if (isFlat) return "";
  // Inside the axes there must be more than the grid: several colours.
  const { data } = canvas
    .getContext("2d")
    .getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.subarray(i, i + 4);
    if (a > 20 && Math.max(r, g, b) - Math.min(r, g, b) > 40) ++coloured;
  }
  return coloured > 50 ? "" : `${coloured} coloured pixels`;
}

async function draw(page, url, job, file) {
  const errors = [];
  page.on("pageerror", (error) => errors.push(`${error}`));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.addInitScript((given) => (window.job = given), job);
  await page.goto(url);
  await page
    .waitForFunction(() => window.drawn, undefined, { timeout: 60000 })
    .catch((error) => errors.push(`${error}`));
  const drawn = job.dashboard.panels.filter(({ type }) =>
    ["stat", "timeseries", "table"].includes(type),
  );
  for (const { id, type, title } of drawn) {
    const isFlat = job.answers[id]
      .flat()
      .every(({ values }) => values.every(([, value]) => Number(value) === 0));
    const fault = await page.evaluate(faultOf, { id, type, isFlat });
    if (fault !== "") errors.push(`${title}: ${fault}`);
  }
  if (file !== undefined) {
    await page
      .locator("#page")
      .screenshot({ path: file, animations: "disabled", timeout: 15000 })
      .catch((error) => errors.push(`${error}`));
  }
  return { errors, drawn: drawn.length };
}

async function drawOnPage(browser, url, job, file) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const result = await draw(page, url, job, file);
  await page.close();
  return result;
}

/** Without answers each panel must be found empty: the check can fail. */
async function checkTheCheck(browser, url) {
  const dashboard = load("overview");
  const answers = Object.fromEntries(
    dashboard.panels.map(({ id, targets }) => [id, targets?.map(() => [])]),
  );
  const job = { dashboard, answers, range, theme: "dark" };
  const { errors, drawn } = await drawOnPage(browser, url, job);
  console.log(`without answers: ${errors.length} faults in ${drawn} panels`);
  const empty = errors.filter((error) => /: .*no data/is.test(error)).length;
  return empty === drawn ? 0 : 1;
}

async function drawAll(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--font-render-hinting=none"],
  });
  let failures = await checkTheCheck(browser, url);
  for (const name of kNames) {
    const dashboard = load(name);
    const answers = await answersOf(dashboard, variablesFor(name));
    for (const theme of ["dark", "light"]) {
      const job = { dashboard, answers, range, theme };
      const file = join(kFolder, "screenshots", `${name}-${theme}.png`);
      const { errors, drawn } = await drawOnPage(browser, url, job, file);
      console.log(`${name}, ${theme}: ${drawn} panels, ${errors.length} faults`);
      errors.forEach((error) => console.log(`  ${error}`));
      failures += errors.length;
    }
  }
  await browser.close();
  return failures;
}

const root = fileURLToPath(new URL("app", import.meta.url));
const outDir = mkdtempSync(join(tmpdir(), "dbpool_render."));
let failures = 1;
try {
  const common = { root, configFile: false, logLevel: "error", base: "./" };
  await build({ ...common, build: { outDir, emptyOutDir: true, minify: false } });
  const server = await preview({
    ...common,
    build: { outDir },
    preview: { host: "127.0.0.1", port: 21800 },
  });
  mkdirSync(join(kFolder, "screenshots"), { recursive: true });
  failures = await drawAll(server.resolvedUrls.local[0]);
  await server.close();
} finally {
  rmSync(outDir, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);
