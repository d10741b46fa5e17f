// Answers of Prometheus as Grafana's data frames, with the panel's field
// configuration applied. Resolving overrides is the part of Grafana that its
// packages do not have; ours knows "byName" only, which is all that we use.

import {
  FieldType,
  getDisplayProcessor,
  getMinMaxAndDelta,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from "@grafana/data";
import { firstValueFrom } from "rxjs";

standardTransformersRegistry.setInit(() =>
  [
    standardTransformers.mergeTransformer,
    standardTransformers.organizeFieldsTransformer,
  ].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: async () => transformation,
    editor: () => null,
  })),
);

function setPath(object, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  const parent = keys.reduce((at, key) => (at[key] ??= {}), object);
  parent[last] = value;
}

function configOf(panel, name) {
  const config = structuredClone(panel.fieldConfig.defaults);
  config.custom ??= {};
  for (const { matcher, properties } of panel.fieldConfig.overrides) {
    if (matcher.id !== "byName") throw new Error(`matcher ${matcher.id}`);
    if (matcher.options !== name) continue;
    properties.forEach(({ id, value }) => setPath(config, id, value));
  }
  return config;
}

function configure(panel, theme, field, name, index) {
  field.config = { ...configOf(panel, name), displayNameFromDS: name };
  field.state = { displayName: name, seriesIndex: index };
  field.display = getDisplayProcessor({ field, theme });
  return field;
}

function legendOf(target, metric) {
  return target.legendFormat.replace(/{{(\w+)}}/g, (_, label) => metric[label]);
}

/** One frame a series, on the whole grid: what is missing is null. */
export function timeFrames(panel, answers, range, theme) {
  const times = [];
  for (let t = range.start; t <= range.end; t += range.step) {
    times.push(t * 1000);
  }
  let index = 0;
  return panel.targets.flatMap((target, nth) =>
    answers[nth].map(({ metric, values }) => {
      const byTime = new Map(values.map(([t, value]) => [t * 1000, +value]));
      const numbers = times.map((t) => {
        const value = byTime.get(t);
        return Number.isFinite(value) ? value : null;
      });
      const name = legendOf(target, metric);
      const frame = toDataFrame({
        refId: target.refId,
        name,
        fields: [
          { name: "Time", type: FieldType.time, values: times },
          { name, type: FieldType.number, values: numbers, labels: metric },
        ],
      });
      const field = configure(panel, theme, frame.fields[1], name, index++);
      // For sparklines; Grafana's application computes it, too.
      field.state.range = getMinMaxAndDelta(field);
      return frame;
    }),
  );
}

/** The table that the panel's transformations make of its instant queries. */
export async function tableFrame(panel, answers, theme) {
  const frames = panel.targets.map((target, nth) => {
    const rows = answers[nth];
    const labels = [...new Set(rows.flatMap(({ metric }) => Object.keys(metric)))];
    return toDataFrame({
      refId: target.refId,
      fields: [
        {
          name: "Time",
          type: FieldType.time,
          values: rows.map(({ values }) => values[0][0] * 1000),
        },
        ...labels.map((label) => ({
          name: label,
          type: FieldType.string,
          values: rows.map(({ metric }) => metric[label]),
        })),
        {
          name: `Value #${target.refId}`,
          type: FieldType.number,
          values: rows.map(({ values }) => +values[0][1]),
        },
      ],
    });
  });
  const [frame] = await firstValueFrom(
    transformDataFrame(panel.transformations, frames, {
      interpolate: (text) => text,
    }),
  );
  for (const field of frame.fields) {
    const name = field.config.displayName ?? field.name;
    configure(panel, theme, field, name, 0);
    // Links need the rest of Grafana.
    field.config.links = undefined;
    field.getLinks = () => [];
  }
  return frame;
}
