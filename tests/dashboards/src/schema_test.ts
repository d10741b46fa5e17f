// The dashboards against a JSON Schema derived from Grafana's own types.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import Ajv from "ajv";
import { createGenerator } from "ts-json-schema-generator";

import { kNames, load } from "./dashboards.js";

// Any JSON: what is spoilt has no type.
type Loose = any;

const kSources = join(__dirname, "../src");

const generator = createGenerator({
  path: join(kSources, "schema_types.ts"),
  tsconfig: join(kSources, "../tsconfig.json"),
  additionalProperties: false,
  skipTypeCheck: true,
});

const ajv = new Ajv({ strict: false, allErrors: true });

function validator(type: string) {
  const schema = generator.createSchema(type);
  return ajv.compile({ ...schema, $id: type });
}

const validateDashboard = validator("CheckedDashboard");
const validatePanel: Record<string, ReturnType<typeof validator>> = {
  row: validator("CheckedRow"),
  stat: validator("StatPanel"),
  timeseries: validator("TimeseriesPanel"),
  heatmap: validator("HeatmapPanel"),
  table: validator("TablePanel"),
};

function faultsBy(validate: ReturnType<typeof validator>, value: unknown) {
  validate(value);
  return (validate.errors ?? []).map(
    (error) =>
      `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

function faults(dashboard: Loose): string[] {
  const panels: { type: string }[] = dashboard.panels;
  const ofTypes = panels.map(({ type }) => ({ type }));
  return [
    ...faultsBy(validateDashboard, { ...dashboard, panels: ofTypes }),
    ...panels.flatMap((panel) => {
      const validate = validatePanel[panel.type];
      return validate === undefined ? [] : faultsBy(validate, panel);
    }),
  ];
}

for (const name of kNames) {
  test(`${name}.json is a dashboard by Grafana's types`, () => {
    assert.deepEqual(faults(load(name)), []);
  });
}

function firstOf(dashboard: Loose, type: string): Loose {
  return dashboard.panels.find((panel: Loose) => panel.type === type);
}

const breakages: Record<string, (dashboard: Loose) => void> = {
  "an option of a graph that does not exist": (dashboard) => {
    firstOf(dashboard, "timeseries").fieldConfig.defaults.custom.lineWeight = 1;
  },
  "a value that an option cannot have": (dashboard) => {
    firstOf(dashboard, "stat").options.colorMode = "rainbow";
  },
  "a number in place of a text": (dashboard) => {
    firstOf(dashboard, "heatmap").title = 7;
  },
  "a panel of a kind that we do not use": (dashboard) => {
    firstOf(dashboard, "stat").type = "singlestat";
  },
  "a query without an expression": (dashboard) => {
    delete firstOf(dashboard, "stat").targets[0].expr;
  },
  "a variable that never heard of Grafana": (dashboard) => {
    dashboard.templating.list[1].type = "guess";
  },
};

for (const [what, spoil] of Object.entries(breakages)) {
  test(`${what} is refused`, () => {
    const dashboard = load("pool");
    spoil(dashboard);
    assert.notDeepEqual(faults(dashboard), []);
  });
}
