// Draws one dashboard from window.job, which render.mjs puts there: {dashboard,
// answers by panel id, range, theme}. Sets window.drawn at the end.

import {
  createTheme,
  dateTime,
  FieldType,
  reduceField,
  ThemeContext,
} from "@grafana/data";
import { BigValue, GlobalStyles, PanelChrome, TimeSeries } from "@grafana/ui";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

import { tableFrame, timeFrames } from "./fields.js";

const { dashboard, answers, range, theme: mode } = window.job;
const theme = createTheme({ colors: { mode } });
const timeRange = {
  from: dateTime(range.start * 1000),
  to: dateTime(range.end * 1000),
  raw: { from: "now-2m", to: "now" },
};

// As Grafana lays panels out.
const kWidth = 1400;
const kColumn = kWidth / 24;
const kRow = 38;
const kGap = 8;

function Graph({ panel, width, height }) {
  return (
    <TimeSeries
      frames={timeFrames(panel, answers[panel.id], range, theme)}
      timeRange={timeRange}
      timeZone="utc"
      legend={panel.options.legend}
      options={panel.options}
      width={width}
      height={height}
    />
  );
}

function Stat({ panel, width, height }) {
  const [frame] = timeFrames(panel, answers[panel.id], range, theme);
  const field = frame.fields[1];
  const reducer = panel.options.reduceOptions.calcs[0];
  const value = reduceField({ field, reducers: [reducer] })[reducer];
  return (
    <BigValue
      theme={theme}
      width={width}
      height={height}
      value={field.display(value)}
      colorMode={panel.options.colorMode}
      graphMode={panel.options.graphMode}
      textMode={panel.options.textMode}
      justifyMode={panel.options.justifyMode}
      sparkline={{
        y: { ...field, type: FieldType.number },
        x: frame.fields[0],
        timeRange,
      }}
    />
  );
}

function Rows({ panel, width }) {
  const [frame, setFrame] = useState();
  useEffect(() => {
    tableFrame(panel, answers[panel.id], theme).then(setFrame);
  }, [panel]);
  if (frame === undefined) return null;
  // Grafana's own table does not settle outside its application: this one is
  // ours, of the values, texts and colours that Grafana's packages make.
  const [{ displayName, desc }] = panel.options.sortBy;
  const key = frame.fields.find(({ state }) => state.displayName === displayName);
  const order = [...Array(frame.length).keys()].sort(
    (a, b) => (desc ? -1 : 1) * (key.values[a] - key.values[b]),
  );
  const cell = { textAlign: "left", padding: "6px 12px" };
  return (
    <table style={{ width, color: theme.colors.text.primary }}>
      <tbody>
        <tr role="row">
          {frame.fields.map(({ state }) => (
            <th key={state.displayName} style={cell}>{state.displayName}</th>
          ))}
        </tr>
        {order.map((row) => (
          <tr key={row} role="row">
            {frame.fields.map(({ type, state, display, values }) => {
              const { prefix, text, suffix, color } = display(values[row]);
              const isText = type === FieldType.string;
              return (
                <td key={state.displayName} style={{ ...cell, color: isText ? undefined : color }}>
                  {isText ? values[row] : [prefix, text, suffix].join("")}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Note({ children }) {
  return (
    <div style={{ padding: 16, color: theme.colors.text.secondary }}>
      {children}
    </div>
  );
}

const kKinds = { timeseries: Graph, stat: Stat, table: Rows };

/** Grafana's application says so in place of the panel. */
function isEmpty(panel) {
  return answers[panel.id].every((series) => series.length === 0);
}

function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const width = w * kColumn - kGap;
  const height = h * kRow - kGap;
  const Kind = kKinds[panel.type];
  return (
    <div
      id={`panel-${panel.id}`}
      style={{ position: "absolute", left: x * kColumn + kGap / 2, top: y * kRow, width, height }}
    >
      <PanelChrome title={panel.title} width={width} height={height}>
        {(innerWidth, innerHeight) =>
          Kind === undefined ? (
            <Note>Grafana draws a {panel.type} here.</Note>
          ) : isEmpty(panel) ? (
            <Note>No data</Note>
          ) : (
            <Kind panel={panel} width={innerWidth} height={innerHeight} />
          )
        }
      </PanelChrome>
    </div>
  );
}

function Heading({ panel }) {
  return (
    <div
      style={{ position: "absolute", left: kGap, top: panel.gridPos.y * kRow + 8, ...theme.typography.h5, color: theme.colors.text.primary }}
    >
      {panel.title}
    </div>
  );
}

function Page() {
  const bottom = Math.max(
    ...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h),
  );
  useEffect(() => {
    const timer = setTimeout(() => (window.drawn = true), 500);
    return () => clearTimeout(timer);
  }, []);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div
        id="page"
        style={{ position: "relative", width: kWidth, height: bottom * kRow, background: theme.colors.background.canvas }}
      >
        {dashboard.panels.map((panel) =>
          panel.type === "row" ? (
            <Heading key={panel.id} panel={panel} />
          ) : (
            <Panel key={panel.id} panel={panel} />
          ),
        )}
      </div>
    </ThemeContext.Provider>
  );
}

createRoot(document.getElementById("root")).render(<Page />);
