// All targets of /probe, on however many exporters and Prometheus servers: it
// asks for what the rules recorded, which any server that federates them has.

import {
  alertsWhere,
  dashboard,
  graphPanel,
  queryVariable,
  statPanel,
  tablePanel,
} from "./build.js";
import { countOf, Labels } from "./promql.js";

/** Recorded of targets, whatever their pool. */
function ofTargets(record: string): string {
  return `${record}{job=~"$job", exporter=~"$exporter"}`;
}

/** Recorded by pool. */
function ofPools(record: string, labels: Labels = {}): string {
  const more = Object.entries(labels).map(([name, match]) => `, ${name}${match}`);
  return `${record}{job=~"$job", exporter=~"$exporter", pool=~"$pool"${more.join("")}}`;
}

function sumBy(label: string, expression: string): string {
  return `sum by (${label}) (${expression})`;
}

const kTargets = ofTargets("dbpool:targets:count");
const kSeen = ofTargets("dbpool:targets_seen:sum");
const kDatabases = ofPools("dbpool:databases:count");
const kUp = ofPools("dbpool:databases_up:sum");
const kProbes = ofPools("dbpool:probes:count");
const kSucceeded = ofPools("dbpool:probes_succeeded:sum");
const kConnections = ofPools("dbpool:total_connections:sum");
const kSlots = ofPools("dbpool:server_slots_used:max");
const kExpiry = ofPools("dbpool:tls_certificate_expiry_timestamp_seconds:min");

const kAlerts = alertsWhere(
  'job=~"$job", exporter=~"$exporter", pool=~"$pool|"',
);

function slowest(by: string): string {
  const buckets = ofPools("dbpool:probe_duration_seconds_bucket:rate5m");
  return `histogram_quantile(0.99, sum by (le, ${by}) (${buckets}))`;
}

const isTheFleetWell = {
  title: "Is the fleet seen, and is it up?",
  panels: [
    statPanel({
      title: "Targets",
      description: "Databases that Prometheus is to ask about.",
      unit: "none",
      width: 4,
      steps: ["text"],
      queries: [{ expr: `sum(${kTargets})`, legend: "targets" }],
    }),
    statPanel({
      title: "Unseen targets",
      alerts: ["DbpoolTargetsUnseen"],
      description:
        "Targets without an answer from their exporter: nothing is known of these databases, which may be well.",
      unit: "none",
      width: 4,
      steps: ["green", [1, "orange"]],
      queries: [{ expr: `sum(${kTargets}) - sum(${kSeen})`, legend: "unseen" }],
    }),
    statPanel({
      title: "Databases down",
      alerts: ["DbpoolMostDatabasesDown", "DbpoolDatabaseDown"],
      description:
        "Databases with which the last connection probe reached no usable session. An unseen target is not counted.",
      unit: "none",
      width: 4,
      steps: ["green", [1, "red"]],
      queries: [{ expr: `sum(${kDatabases}) - sum(${kUp})`, legend: "down" }],
    }),
    statPanel({
      title: "Failing probes",
      alerts: ["DbpoolProbeFailing"],
      description: "Probes, of all databases, whose last run failed.",
      unit: "none",
      width: 4,
      steps: ["green", [1, "orange"]],
      queries: [
        { expr: `sum(${kProbes}) - sum(${kSucceeded})`, legend: "failing" },
      ],
    }),
    statPanel({
      title: "Fullest server",
      alerts: ["DbpoolServerSlotsLow"],
      description:
        "Client sessions over the slots that the server grants to ordinary roles, of the fullest of all.",
      unit: "percentunit",
      decimals: 0,
      width: 4,
      steps: ["green", [0.8, "yellow"], [0.95, "red"]],
      noValue: "not probed",
      queries: [{ expr: `max(${kSlots})`, legend: "used" }],
    }),
    statPanel({
      title: "Alerts firing",
      description:
        "Alerts about targets of the fleet that fire now; 0 also when the rules are not loaded.",
      unit: "none",
      width: 4,
      steps: ["green", [1, "red"]],
      queries: [{ expr: countOf(kAlerts), legend: "firing" }],
    }),
  ],
};

const kByExporter = (expression: string) =>
  sumBy("job, exporter", expression);

const who = {
  title: "Which exporters, which databases?",
  panels: [
    tablePanel({
      title: "Exporters, the most unseen targets first",
      description:
        "One row for each exporter. All of its targets unseen: it is gone, or cannot be reached. Nearly all databases down on one exporter alone: its network or credentials.",
      labels: ["exporter", "job"],
      sortBy: "Unseen",
      width: 14,
      height: 8,
      columns: [
        {
          title: "Targets",
          unit: "none",
          steps: ["text"],
          expr: kByExporter(kTargets),
        },
        {
          title: "Unseen",
          unit: "none",
          steps: ["green", [1, "orange"]],
          expr: `${kByExporter(kTargets)} - ${kByExporter(kSeen)}`,
        },
        {
          title: "Databases down",
          unit: "none",
          steps: ["green", [1, "red"]],
          expr: `${kByExporter(kDatabases)} - ${kByExporter(kUp)}`,
        },
        {
          title: "Connections",
          unit: "none",
          steps: ["text"],
          expr: kByExporter(kConnections),
        },
        {
          title: "Probes, 99 %",
          unit: "s",
          steps: ["green", [0.5, "yellow"], [2, "red"]],
          expr: slowest("job, exporter"),
        },
      ],
    }),
    tablePanel({
      title: "Databases told as down",
      description:
        "Each with an alert that it is down. Click it for what its probes say, where Prometheus has the series of the target itself.",
      labels: ["instance", "pool", "exporter", "job"],
      sortBy: "Down",
      link: {
        label: "instance",
        uid: "dbpool-database",
        title: "Probes of this database",
      },
      width: 10,
      height: 8,
      columns: [
        {
          title: "Down",
          unit: "none",
          steps: ["red"],
          expr: sumBy(
            "job, instance, exporter, pool",
            'ALERTS{alertstate="firing", alertname="DbpoolDatabaseDown", job=~"$job", exporter=~"$exporter", pool=~"$pool"}',
          ),
        },
      ],
    }),
  ],
};

const sinceWhen = {
  title: "Since when?",
  panels: [
    graphPanel({
      title: "Unseen targets by exporter",
      alerts: ["DbpoolTargetsUnseen"],
      description:
        "Targets without an answer. A gap in all lines: the Prometheus server of these exporters is gone.",
      unit: "none",
      width: 12,
      steps: ["green", [1, "orange"]],
      queries: [
        {
          expr: `${sumBy("exporter", kTargets)} - ${sumBy("exporter", kSeen)}`,
          legend: "{{exporter}}",
        },
      ],
    }),
    graphPanel({
      title: "Databases down by pool",
      description:
        "Databases that their exporters cannot reach, by the pool's name, which is that of the module.",
      unit: "none",
      width: 12,
      steps: ["green", [1, "red"]],
      queries: [
        {
          expr: `${sumBy("pool", kDatabases)} - ${sumBy("pool", kUp)}`,
          legend: "{{pool}}",
        },
      ],
    }),
    graphPanel({
      title: "Duration by probe, 99th percentile",
      description:
        "Of all databases together, failed runs too, over five minutes.",
      unit: "s",
      width: 12,
      logarithmic: true,
      steps: ["green", [0.1, "yellow"], [1, "red"]],
      queries: [{ expr: slowest("probe"), legend: "{{probe}}" }],
    }),
    graphPanel({
      title: "Failing probes by probe",
      alerts: ["DbpoolProbeFailing"],
      description: "Databases on which the last run of the probe failed.",
      unit: "none",
      width: 12,
      steps: ["green", [1, "orange"]],
      queries: [
        {
          expr: `${sumBy("probe", kProbes)} - ${sumBy("probe", kSucceeded)}`,
          legend: "{{probe}}",
        },
      ],
    }),
    graphPanel({
      title: "Fullest server by pool",
      alerts: ["DbpoolServerSlotsLow"],
      description:
        "Slots used over those granted to ordinary roles, of the fullest server. The line is at 80 %.",
      unit: "percentunit",
      width: 8,
      showSteps: true,
      steps: ["transparent", [0.8, "orange"]],
      queries: [{ expr: `max by (pool) (${kSlots})`, legend: "{{pool}}" }],
    }),
    graphPanel({
      title: "Connections kept by exporter",
      description:
        "Connections that watching the fleet takes of its databases, those for the moment of a probe not counted.",
      unit: "none",
      width: 8,
      steps: ["green"],
      queries: [
        { expr: sumBy("exporter", kConnections), legend: "{{exporter}}" },
      ],
    }),
    graphPanel({
      title: "Days until certificates expire",
      alerts: ["DbpoolCertificateExpiring"],
      description:
        "Of each pool's databases the first. The line is at 21 days.",
      unit: "none",
      decimals: 0,
      width: 8,
      showSteps: true,
      steps: ["red", [21, "transparent"]],
      queries: [
        {
          expr: `(min by (pool, certificate) (${kExpiry}) - time()) / 86400`,
          legend: "{{pool}} {{certificate}}",
        },
      ],
    }),
  ],
};

export const fleet = dashboard({
  uid: "dbpool-fleet",
  title: "dbpool / Fleet",
  description:
    "Databases that Prometheus asks about through /probe: which of them are seen, which are down, and by which exporter. It needs no more than the recorded series dbpool:* and ALERTS.",
  variables: [
    queryVariable(
      "job",
      "job",
      "Scrape jobs of /probe.",
      "label_values(dbpool:targets:count, job)",
    ),
    queryVariable(
      "exporter",
      "exporter",
      "Exporters that answer for the targets.",
      'label_values(dbpool:targets:count{job=~"$job"}, exporter)',
    ),
    queryVariable(
      "pool",
      "pool",
      "Modules of these exporters.",
      'label_values(dbpool:databases:count{job=~"$job", exporter=~"$exporter"}, pool)',
    ),
  ],
  alerts: kAlerts,
  rows: [isTheFleetWell, who, sinceWhen],
});
