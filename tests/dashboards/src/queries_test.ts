// Each query of the dashboards against the Prometheus of $DBPOOL_PROMETHEUS,
// which has scraped a dbpool_exporter under load since $DBPOOL_LOAD_START.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bareNames,
  kNames,
  kNotThere,
  load,
  Question,
  questions,
  selectors,
} from "./dashboards.js";
import { Prometheus, Range, Series, substitute } from "./prometheus.js";

const prometheus = new Prometheus(process.env["DBPOOL_PROMETHEUS"]!);
const end = Math.floor(Date.now() / 1000);
const range: Range = {
  start: Number(process.env["DBPOOL_LOAD_START"]),
  end,
  step: 1,
};

/** Not scraped: made by Prometheus itself. */
const kMadeByPrometheus = ["up", "ALERTS"];

const kAll = { __rate_interval: "5s", job: ".+", instance: ".+", pool: ".+" };

const types = prometheus.types();

function typeFault(
  selector: ReturnType<typeof selectors>[number],
  known: Map<string, string>,
): string | undefined {
  const { metric, callee } = selector;
  if (kMadeByPrometheus.includes(metric)) return undefined;
  const type =
    known.get(metric) ?? known.get(metric.replace(/_(bucket|sum|count)$/, ""));
  const isRated = ["rate", "irate", "increase"].includes(callee ?? "");
  if (type === undefined) return `${metric}: no such metric`;
  if (isRated !== (type !== "gauge")) return `${metric} is a ${type}`;
  return undefined;
}

function labelsNamed(expr: string): string[] {
  const lists = expr.matchAll(/\b(?:by|without|on|ignoring) \(([^)]*)\)/g);
  return [...lists].flatMap(([, list]) => list!.split(/, */));
}

function hasNumber(series: Series[]): boolean {
  return series.some(({ values }) =>
    values.some(([, value]) => Number.isFinite(Number(value))),
  );
}

async function answer(question: Question, variables: Record<string, string>) {
  const { target } = question;
  const expr = substitute(target.expr, variables);
  return target.instant && target.format === "table"
    ? prometheus.instant(expr, end)
    : prometheus.range(expr, range);
}

/** What is wrong with a query; nothing when it is good. */
async function faults(
  question: Question,
  variables: Record<string, string> = kAll,
): Promise<string[]> {
  const { target } = question;
  const known = await types;
  const used = selectors(target.expr);
  const awaited = used.filter(
    ({ metric }) => kNotThere.includes(metric) && !known.has(metric),
  );
  let series: Series[];
  try {
    series = await answer(question, variables);
  } catch (error) {
    return [`${(error as Error).message}`];
  }
  if (awaited.length > 0) return [];

  const found = bareNames(target.expr).map((name) => `${name}: no braces`);
  const labels = new Set(["le"]);
  for (const selector of used) {
    const fault = typeFault(selector, known);
    if (fault !== undefined) found.push(fault);
    const text = `${selector.metric}{${selector.matchers}}`;
    const selected = await prometheus.series(
      substitute(text, variables),
      range,
    );
    // A count of what should not be there is 0 without any series at all:
    // so each selector by itself must find some.
    if (selected.length === 0) found.push(`${text} selects nothing`);
    selected.forEach((each) => Object.keys(each).forEach((l) => labels.add(l)));
  }
  for (const label of labelsNamed(target.expr)) {
    if (!labels.has(label)) found.push(`no label ${label}`);
  }
  // What is filtered by value may rightly be empty.
  const mayBeEmpty = /[<>=]=? 0$|> 0$/.test(target.expr.replace(/>= 0$/, ""));
  if (!mayBeEmpty && !hasNumber(series)) found.push("returns no data");
  const inLegend = [...(target.legendFormat ?? "").matchAll(/{{(\w+)}}/g)];
  for (const [, label] of inLegend) {
    if (series.some(({ metric }) => !(label! in metric))) {
      found.push(`the legend's ${label} is not in the result`);
    }
  }
  return found.map((fault) => `${question.where}: ${fault}`);
}

const all = kNames.flatMap((name) => questions(load(name)));

async function faultsOfAll(
  list: Question[],
  variables?: Record<string, string>,
) {
  const found: string[][] = [];
  for (const each of list) found.push(await faults(each, variables));
  return found;
}

test(`all ${all.length} queries return data from a real Prometheus`, async () => {
  assert.deepEqual((await faultsOfAll(all)).flat(), []);
});

async function choices(query: string, variables: Record<string, string>) {
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query)!;
  return prometheus.labelValues(label!, substitute(selector!, variables));
}

test("each variable has values, and the queries data for one of each", async () => {
  const variables: Record<string, string> = { ...kAll };
  for (const variable of load("pool").templating.list) {
    if (variable.type !== "query") continue;
    const values = await choices(variable.query, variables);
    assert.ok(values.length > 0, variable.name);
    variables[variable.name] = `(${values[0]!.replaceAll(".", "\\\\.")})`;
  }
  assert.deepEqual((await faultsOfAll(all, variables)).flat(), []);
});

test("the same variables stand on all dashboards", () => {
  for (const name of kNames) {
    assert.deepEqual(load(name).templating, load("pool").templating);
  }
});

/** Queries that the test must find fault with, each query broken so. */
const breakages: Record<string, (expr: string) => string> = {
  "a metric that does not exist": (expr) =>
    expr.replace(/(\w)(\w)\{/, "$2$1x{"),
  "a label value that does not exist": (expr) =>
    expr.replace("{", '{pool="of another", '),
  "a syntax error": (expr) => `${expr} )`,
};

for (const [what, spoil] of Object.entries(breakages)) {
  test(`${what} is found in each query`, async () => {
    const known = await types;
    const checked = all.filter(({ target }) =>
      selectors(target.expr).every(
        ({ metric }) => !kNotThere.includes(metric) || known.has(metric),
      ),
    );
    const broken = checked.map(({ where, target }) => ({
      where,
      target: { ...target, expr: spoil(target.expr) },
    }));
    const found = await faultsOfAll(broken);
    const missed = checked.filter((_, index) => found[index]!.length === 0);
    assert.deepEqual(
      missed.map(({ where }) => where),
      [],
    );
  });
}
