// The rules of grafana/dashboard-linter that apply, by their names there, and
// a few of our own. That PromQL parses is for queries_test.cc.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as units from "@grafana/grafana-foundation-sdk/units";

import {
  bareNames,
  Dashboard,
  isCounter,
  kNames,
  load,
  Panel,
  questions,
  selectors,
  Variable,
} from "./dashboards.js";

/** What is recorded of a fleet names no target, but its exporter. */
function placeOf({ uid }: Dashboard): string {
  return uid === "dbpool-fleet" ? "exporter" : "instance";
}

type Rule = (dashboard: Dashboard) => string[];

function variableRule(name: string): Rule {
  return ({ templating }) => {
    const variable = templating.list.find((each) => each.name === name);
    if (variable === undefined) return [`no variable ${name}`];
    const wanted: Partial<Variable> = {
      type: "query",
      label: name,
      multi: true,
      includeAll: true,
      allValue: ".+",
      datasource: { uid: "${datasource}" },
    };
    return Object.entries(wanted)
      .filter(([key, value]) =>
        key === "datasource"
          ? variable.datasource?.uid !== "${datasource}"
          : variable[key as keyof Variable] !== value,
      )
      .map(([key]) => `${name}: ${key}`);
  };
}

function drawn(dashboard: Dashboard): Panel[] {
  return dashboard.panels.filter((panel) => panel.type !== "row");
}

function panelRule(isGood: (panel: Panel) => boolean): Rule {
  return (dashboard) =>
    drawn(dashboard)
      .filter((panel) => !isGood(panel))
      .map((panel) => panel.title);
}

function exprRule(isGood: (expr: string) => boolean): Rule {
  return (dashboard) =>
    questions(dashboard)
      .filter(({ target }) => !isGood(target.expr))
      .map(({ where }) => where);
}

function matcherRule(label: string): Rule {
  return exprRule(
    (expr) =>
      bareNames(expr).length === 0 &&
      selectors(expr).every(({ matchers }) =>
        matchers.includes(`${label}=~"$${label}"`),
      ),
  );
}

const knownUnits = new Set<unknown>(Object.values(units));

const rules: Record<string, Rule> = {
  "template-datasource-rule": ({ templating }) => {
    const sources = templating.list.filter((each) => each.type === "datasource");
    const [source] = sources;
    return sources.length === 1 &&
      source!.name === "datasource" &&
      source!.label === "Data source" &&
      source!.query === "prometheus"
      ? []
      : ["datasource"];
  },
  "template-job-rule": variableRule("job"),
  "template-instance-rule": (dashboard) =>
    variableRule(placeOf(dashboard))(dashboard),
  "template-pool-rule": variableRule("pool"),
  "template-on-time-change-reload-rule": ({ templating }) =>
    templating.list
      .filter((each) => each.type === "query" && each.refresh !== 2)
      .map((each) => each.name),
  "panel-datasource-rule": panelRule((panel) =>
    [panel, ...(panel.targets ?? [])].every(
      ({ datasource }) => datasource?.uid === "${datasource}",
    ),
  ),
  "panel-title-description-rule": panelRule(
    (panel) => Boolean(panel.title) && Boolean(panel.description),
  ),
  "panel-units-rule": panelRule((panel) =>
    knownUnits.has(panel.fieldConfig.defaults.unit ?? ""),
  ),
  "panel-thresholds-rule": panelRule(
    (panel) => (panel.fieldConfig.defaults.thresholds?.steps.length ?? 0) > 0,
  ),
  "panel-no-targets-rule": panelRule((panel) =>
    Boolean(panel.targets?.length),
  ),
  "panel-legend-rule": panelRule(
    (panel) =>
      panel.type === "table" ||
      panel.targets!.every((target) => target.legendFormat !== "__auto"),
  ),
  "panel-overlap-rule": (dashboard) => {
    const cells = new Map<string, string>();
    const faults: string[] = [];
    for (const { title, gridPos } of dashboard.panels) {
      if (gridPos.x + gridPos.w > 24) faults.push(title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; ++x) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; ++y) {
          if (cells.has(`${x},${y}`)) faults.push(title);
          cells.set(`${x},${y}`, title);
        }
      }
    }
    return faults;
  },
  "target-rate-interval-rule": exprRule((expr) =>
    selectors(expr).every(
      ({ range, callee }) =>
        range === undefined ||
        (["rate", "irate", "increase"].includes(callee ?? "")
          ? range === "$__rate_interval"
          : range !== "$__rate_interval"),
    ),
  ),
  "target-counter-agg-rule": exprRule((expr) =>
    selectors(expr).every(
      ({ metric, callee }) =>
        !isCounter(metric) ||
        ["rate", "irate", "increase"].includes(callee ?? ""),
    ),
  ),
  "target-job-rule": matcherRule("job"),
  "target-instance-rule": (dashboard) =>
    matcherRule(placeOf(dashboard))(dashboard),
  "target-pool-rule": exprRule((expr) =>
    selectors(expr)
      .filter(
        ({ metric }) =>
          /^dbpool[_:]/.test(metric) &&
          !/^dbpool(_exporter_|:targets)/.test(metric),
      )
      .every(
        ({ metric, matchers }) =>
          matchers.includes('pool=~"$pool"') ||
          // Whether a target had pools at all.
          (metric === "dbpool_max_connections" && expr.includes("up{")),
      ),
  ),
  "uneditable-dashboard": (dashboard) =>
    dashboard.editable ? [dashboard.title] : [],
};

for (const [name, rule] of Object.entries(rules)) {
  test(`${name} holds`, () => {
    assert.deepEqual(kNames.flatMap((each) => rule(load(each))), []);
  });
}

/** For each rule what it must find. */
const breakages: Record<string, (dashboard: Dashboard) => void> = {
  "template-datasource-rule": ({ templating }) => templating.list.shift(),
  "template-job-rule": ({ templating }) => {
    templating.list[1]!.allValue = ".*";
  },
  "template-instance-rule": ({ templating }) => {
    templating.list[2]!.multi = false;
  },
  "template-pool-rule": ({ templating }) => {
    templating.list = templating.list.filter(({ name }) => name !== "pool");
  },
  "template-on-time-change-reload-rule": ({ templating }) => {
    templating.list[1]!.refresh = 1;
  },
  "panel-datasource-rule": (dashboard) => {
    drawn(dashboard)[0]!.targets![0]!.datasource = { uid: "mine" };
  },
  "panel-title-description-rule": (dashboard) => {
    delete drawn(dashboard)[0]!.description;
  },
  "panel-units-rule": (dashboard) => {
    drawn(dashboard)[0]!.fieldConfig.defaults.unit = "parsecs";
  },
  "panel-thresholds-rule": (dashboard) => {
    delete drawn(dashboard)[0]!.fieldConfig.defaults.thresholds;
  },
  "panel-no-targets-rule": (dashboard) => {
    drawn(dashboard)[0]!.targets = [];
  },
  "panel-legend-rule": (dashboard) => {
    drawn(dashboard)[0]!.targets![0]!.legendFormat = "__auto";
  },
  "panel-overlap-rule": (dashboard) => {
    ++drawn(dashboard)[0]!.gridPos.w;
  },
  "target-rate-interval-rule": replacing("[$__rate_interval]", "[5m]"),
  "target-counter-agg-rule": replacing("rate(", "avg_over_time("),
  "target-job-rule": replacing('job=~"$job", ', ""),
  "target-instance-rule": replacing('instance=~"$instance"', 'a="b"'),
  "target-pool-rule": replacing(', pool=~"$pool"', ""),
  "uneditable-dashboard": (dashboard) => {
    dashboard.editable = true;
  },
};

function replacing(what: string, by: string) {
  return (dashboard: Dashboard) => {
    const target = drawn(dashboard)
      .flatMap((panel) => panel.targets!)
      .find(({ expr }) => expr.includes(what))!;
    target.expr = target.expr.replace(what, by);
  };
}

for (const [name, rule] of Object.entries(rules)) {
  test(`${name} finds what breaks it`, () => {
    const dashboard = load("pool");
    breakages[name]!(dashboard);
    assert.notDeepEqual(rule(dashboard), []);
  });
}
