// The fleet: is anybody waiting anywhere, and in which pool most.

import {
  dashboard,
  graphPanel,
  kAlerts,
  statPanel,
  tablePanel,
} from "./build.js";
import {
  countOf,
  dropNaN,
  ofExporter,
  ofPool,
  poolRate,
  quantileOfEachPool,
} from "./promql.js";
import { kFailed } from "./shared.js";

const kPool = "{{pool}} · {{instance}}";

const kMeanQueue = `sum without (reason) (${poolRate("dbpool_waiting_seconds_total")})`;
const kFailures = `sum without (reason) (${poolRate("dbpool_acquire_failures_total", kFailed)})`;
const kUtilisation = `${poolRate("dbpool_connection_seconds_total", { state: '="active"' })} / ignoring (state) ${poolRate("dbpool_max_connection_seconds_total")}`;
// Not `> 0`: that would drop the rows of pools that hand out nothing, the
// worst of all. Their mean wait is infinite.
const kMeanWait = dropNaN(
  `${kMeanQueue} / ${poolRate("dbpool_acquires_total")}`,
);

const isAnybodyWaiting = {
  title: "Is anybody waiting?",
  panels: [
    statPanel({
      title: "Exhausted pools",
      description:
        "Pools in which requests waited because leases filled the limit, at any moment of the interval: bursts between two scrapes count. The table names them.",
      unit: "none",
      width: 4,
      steps: ["green", [1, "orange"]],
      queries: [
        {
          expr: countOf(`${poolRate("dbpool_exhausted_seconds_total")} > 0`),
          legend: "pools",
        },
      ],
    }),
    statPanel({
      title: "Mean queue",
      description:
        "Requests waiting for a connection in all selected pools, whatever the reason: the exact mean over the interval, not a sample.",
      unit: "short",
      decimals: 1,
      width: 4,
      steps: ["green", [1, "yellow"], [10, "red"]],
      queries: [
        {
          expr: `sum(${poolRate("dbpool_waiting_seconds_total")})`,
          legend: "waiting",
        },
      ],
    }),
    statPanel({
      title: "Failed acquires",
      description:
        "Share of acquires that ended without a connection. What the caller cancelled and what a closing pool refused do not count.",
      unit: "percentunit",
      decimals: 2,
      width: 4,
      steps: ["green", [0.001, "yellow"], [0.01, "red"]],
      noValue: "no acquires",
      queries: [
        {
          expr: dropNaN(
            `sum(${poolRate("dbpool_acquire_failures_total", kFailed)}) / sum(${poolRate("dbpool_acquires_total")})`,
          ),
          legend: "failed",
        },
      ],
    }),
    statPanel({
      title: "Busiest pool",
      description:
        "Highest utilisation of a pool: connection time on lease over connection time allowed, exact also when the limit changes.",
      unit: "percentunit",
      decimals: 0,
      width: 3,
      steps: ["green", [0.8, "yellow"], [0.95, "red"]],
      queries: [{ expr: `max(${kUtilisation})`, legend: "utilisation" }],
    }),
    statPanel({
      title: "Databases down",
      description:
        "Pools whose last connection probe reached no usable session; several pools of one database count each. A database that is down is never counted as exhaustion.",
      unit: "none",
      width: 3,
      steps: ["green", [1, "red"]],
      queries: [
        { expr: countOf(`${ofPool("dbpool_up")} == 0`), legend: "down" },
      ],
    }),
    statPanel({
      title: "Targets down",
      alerts: ["DbpoolExporterDown"],
      description:
        "Processes that had a pool within the last day and do not answer Prometheus: these dashboards say nothing about them.",
      unit: "none",
      width: 3,
      steps: ["green", [1, "red"]],
      queries: [
        {
          expr: countOf(
            `(${ofExporter("up")} == 0) and on (job, instance) last_over_time(${ofExporter("dbpool_max_connections")}[1d])`,
          ),
          legend: "down",
        },
      ],
    }),
    statPanel({
      title: "Alerts firing",
      description:
        "Alerts of dbpool that fire now, the watchdog excepted; 0 also when the rules are not loaded.",
      unit: "none",
      width: 3,
      steps: ["green", [1, "red"]],
      queries: [{ expr: countOf(kAlerts), legend: "firing" }],
    }),
  ],
};

const kByRow = (expression: string) =>
  `sum by (job, instance, pool) (${expression})`;

const worstFirst = {
  title: "Which pools, worst first",
  panels: [
    tablePanel({
      title: "Pools, the longest mean queue first",
      description:
        "One row for each pool of each process: click its name for its story. Mean wait is infinite where requests wait and none is served.",
      labels: ["pool", "instance", "job"],
      sortBy: "Mean queue",
      link: { label: "pool", uid: "dbpool-pool", title: "Story of this pool" },
      width: 24,
      height: 8,
      columns: [
        {
          title: "Mean queue",
          unit: "short",
          decimals: 1,
          steps: ["green", [1, "yellow"], [10, "red"]],
          expr: kByRow(poolRate("dbpool_waiting_seconds_total")),
        },
        {
          title: "Exhausted",
          unit: "percentunit",
          decimals: 0,
          steps: ["green", [0.1, "yellow"], [0.5, "red"]],
          expr: kByRow(poolRate("dbpool_exhausted_seconds_total")),
        },
        {
          title: "Mean wait",
          unit: "s",
          steps: ["green", [0.1, "yellow"], [1, "red"]],
          expr: kByRow(kMeanWait),
        },
        {
          title: "Oldest wait",
          unit: "s",
          decimals: 1,
          steps: ["green", [0.5, "yellow"], [2, "red"]],
          expr: kByRow(ofPool("dbpool_oldest_waiting_request_age_seconds")),
        },
        {
          title: "Failed/s",
          unit: "short",
          decimals: 2,
          steps: ["green", [0.001, "red"]],
          expr: kByRow(kFailures),
        },
        {
          title: "Utilisation",
          unit: "percentunit",
          decimals: 0,
          steps: ["green", [0.8, "yellow"], [0.95, "red"]],
          expr: kByRow(kUtilisation),
        },
        {
          title: "Connections",
          unit: "none",
          steps: ["text"],
          expr: kByRow(ofPool("dbpool_total_connections")),
        },
        {
          title: "Limit",
          unit: "none",
          steps: ["text"],
          expr: kByRow(ofPool("dbpool_max_connections")),
        },
        {
          title: "Database",
          unit: "none",
          steps: ["red", [1, "green"]],
          texts: {
            "0": { text: "down", color: "red" },
            "1": { text: "up", color: "green" },
          },
          expr: kByRow(ofPool("dbpool_up")),
        },
      ],
    }),
  ],
};

const sinceWhen = {
  title: "Since when?",
  panels: [
    graphPanel({
      title: "Time exhausted",
      description:
        "Share of time with at least one request waiting for capacity. Above the line more than half of the time.",
      unit: "percentunit",
      max: 1,
      width: 12,
      showSteps: true,
      steps: ["transparent", [0.5, "red"]],
      queries: [
        { expr: poolRate("dbpool_exhausted_seconds_total"), legend: kPool },
      ],
    }),
    graphPanel({
      title: "Mean queue",
      description:
        "Requests waiting for a connection, whatever the reason: the exact mean over each interval.",
      unit: "short",
      width: 12,
      steps: ["green", [1, "yellow"], [10, "red"]],
      queries: [{ expr: kMeanQueue, legend: kPool }],
    }),
    graphPanel({
      title: "Acquire wait, 99th percentile",
      description:
        "All finished acquires, the failed ones too. The line is the objective: 99 % within 100 ms.",
      unit: "s",
      width: 12,
      logarithmic: true,
      showSteps: true,
      steps: ["transparent", [0.1, "red"]],
      queries: [
        {
          expr: quantileOfEachPool(
            0.99,
            "dbpool_acquire_wait_seconds",
            "outcome",
          ),
          legend: kPool,
        },
      ],
    }),
    graphPanel({
      title: "Failed acquires",
      description:
        "Acquires that ended without a connection, a second; cancelled and closed ones do not count.",
      unit: "ops",
      width: 12,
      steps: ["green", [0.001, "red"]],
      queries: [{ expr: kFailures, legend: kPool }],
    }),
    graphPanel({
      title: "Utilisation",
      description:
        "Connection time on lease over connection time allowed: near 100 % there is no connection to spare. The line is at 80 %.",
      unit: "percentunit",
      max: 1,
      width: 12,
      showSteps: true,
      steps: ["transparent", [0.8, "orange"]],
      queries: [{ expr: kUtilisation, legend: kPool }],
    }),
    graphPanel({
      title: "Slots used of the database",
      description:
        "Client sessions of the database over the slots that it grants to ordinary roles: the budget that all pools share. The line is at 80 %.",
      unit: "percentunit",
      width: 12,
      showSteps: true,
      steps: ["transparent", [0.8, "orange"]],
      queries: [
        {
          expr: `sum without (state) (${ofPool("dbpool_server_connections")}) / (${ofPool("dbpool_server_max_connections")} - ${ofPool("dbpool_server_reserved_connections")})`,
          legend: kPool,
        },
      ],
    }),
  ],
};

export const overview = dashboard({
  uid: "dbpool-overview",
  title: "dbpool / Overview",
  description:
    "Are requests waiting for a connection, in which pool, and since when? Canary pools show what the database and the network do to a pool like the service's; the queue inside a service shows where the pool is embedded.",
  rows: [isAnybodyWaiting, worstFirst, sinceWhen],
});
