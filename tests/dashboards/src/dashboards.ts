// The committed dashboards, and what is asked in them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const kFolder = join(__dirname, "../../../dashboards");
export const kNames = ["overview", "pool", "database", "workload", "fleet"];

export interface Target {
  expr: string;
  refId: string;
  legendFormat?: string;
  format?: string;
  instant?: boolean;
  datasource?: { uid?: string };
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid?: string };
  targets?: Target[];
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: {
    defaults: { unit?: string; thresholds?: { steps: unknown[] } };
  };
}

export interface Variable {
  name: string;
  label?: string;
  type: string;
  query: string;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  refresh?: number;
  datasource?: { uid?: string };
}

export interface Dashboard {
  uid: string;
  title: string;
  editable: boolean;
  panels: Panel[];
  templating: { list: Variable[] };
  annotations: { list: { name: string; expr: string }[] };
}

export function load(name: string): Dashboard {
  return JSON.parse(readFileSync(join(kFolder, `${name}.json`), "utf8"));
}

export interface Question {
  where: string;
  target: Target;
}

/** All queries of a dashboard, those of annotations too. */
export function questions(dashboard: Dashboard): Question[] {
  const ofPanels = dashboard.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({
      where: `${dashboard.title}: ${panel.title}, ${target.refId}`,
      target,
    })),
  );
  const ofAnnotations = dashboard.annotations.list.map((annotation) => ({
    where: `${dashboard.title}: annotations ${annotation.name}`,
    target: { expr: annotation.expr, refId: "A" },
  }));
  return [...ofPanels, ...ofAnnotations];
}

export interface Selector {
  metric: string;
  matchers: string;
  /** The function whose argument it is, with a range only. */
  callee?: string;
  range?: string;
}

/** All series that an expression selects; ours always have braces. */
export function selectors(expr: string): Selector[] {
  const form =
    /(?:([a-z_]+)\()?([a-zA-Z_:][\w:]*)\{([^}]*)\}(?:\[([^\]]+)\])?/g;
  return [...expr.matchAll(form)].map(([, callee, metric, matchers, range]) => ({
    metric: metric!,
    matchers: matchers!,
    callee: range === undefined ? undefined : callee,
    range,
  }));
}

/** Names that look like a series but stand without braces. */
export function bareNames(expr: string): string[] {
  const withoutStrings = expr.replace(/"[^"]*"/g, '""');
  return [
    ...withoutStrings.matchAll(
      /\b(?:dbpool[_:]|process_)[\w:]+(?![\w:{])/g,
    ),
  ].map(([name]) => name);
}

export function isCounter(metric: string): boolean {
  return /_(total|bucket|sum|count)$/.test(metric);
}
