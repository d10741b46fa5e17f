// What the pool sees of its database, and how the exporter itself fares.

import { dashboard, graphPanel, kWaitColors, statPanel } from "./build.js";
import { mean, ofExporter, ofPool, poolRate, quantile, rate } from "./promql.js";
import { failedOpenings, timeToOpen } from "./shared.js";

const kGranted = `(${ofPool("dbpool_server_max_connections")} - ${ofPool("dbpool_server_reserved_connections")})`;

const canOneConnect = {
  title: "Can one connect?",
  panels: [
    statPanel({
      title: "Database",
      alerts: ["DbpoolDatabaseDown"],
      description:
        "Whether the last connection probe reached a usable session; of several pools the worst.",
      unit: "none",
      width: 4,
      steps: ["red", [1, "green"]],
      texts: {
        "0": { text: "DOWN", color: "red" },
        "1": { text: "up", color: "green" },
      },
      noValue: "not probed",
      queries: [{ expr: `min(${ofPool("dbpool_up")})`, legend: "database" }],
    }),
    statPanel({
      title: "Last success of a probe",
      description:
        "Time since the last success of each probe; the longest is shown.",
      unit: "s",
      decimals: 0,
      width: 5,
      steps: ["green", [60, "yellow"], [300, "red"]],
      noValue: "never",
      queries: [
        {
          expr: `max(time() - ${ofPool("dbpool_probe_last_success_timestamp_seconds")})`,
          legend: "ago",
        },
      ],
    }),
    statPanel({
      title: "Slots used",
      alerts: ["DbpoolServerSlotsLow"],
      description:
        "Client sessions over the slots that the database grants to ordinary roles; of several databases the worst.",
      unit: "percentunit",
      decimals: 0,
      width: 5,
      steps: ["green", [0.8, "yellow"], [0.95, "red"]],
      noValue: "not probed",
      queries: [
        {
          expr: `max(sum without (state) (${ofPool("dbpool_server_connections")}) / ${kGranted})`,
          legend: "used",
        },
      ],
    }),
    statPanel({
      title: "Slots left",
      description:
        "Slots that ordinary roles may still take; of several databases the fewest.",
      unit: "none",
      width: 5,
      steps: ["red", [3, "yellow"], [10, "green"]],
      noValue: "not probed",
      queries: [
        {
          expr: `min(${kGranted} - sum without (state) (${ofPool("dbpool_server_connections")}))`,
          legend: "left",
        },
      ],
    }),
    statPanel({
      title: "First certificate expires in",
      alerts: ["DbpoolCertificateExpiring"],
      description:
        "Days and time until the first of the certificates in use expires: the server's, the client's or the authority's.",
      unit: "dtdhms",
      width: 5,
      steps: ["red", [259200, "yellow"], [1814400, "green"]],
      noValue: "no TLS",
      queries: [
        {
          expr: `min(${ofPool("dbpool_tls_certificate_expiry_timestamp_seconds")} - time())`,
          legend: "expires in",
        },
      ],
    }),
  ],
};

const connecting = {
  title: "Connecting, phase by phase",
  panels: [
    graphPanel({
      title: "Mean time of the phases",
      description:
        "Of the pool's openings: resolving the name, TCP, TLS, authentication. The tallest part says where the time goes; no bar: none was opened.",
      unit: "s",
      width: 8,
      bars: true,
      stacked: true,
      steps: ["green", [0.1, "yellow"], [1, "red"]],
      queries: [
        {
          expr: mean("dbpool_connect_phase_duration_seconds", ["phase"]),
          legend: "{{phase}}",
        },
      ],
    }),
    timeToOpen(8),
    failedOpenings(8),
  ],
};

const slots = {
  title: "Slots: the budget that all clients share",
  panels: [
    graphPanel({
      title: "Sessions of the database by state",
      description:
        "All client sessions, those of others included; at the red line ordinary roles get no more. Of several databases the largest numbers. hidden: states that the role may not see; grant pg_monitor to see them.",
      unit: "none",
      width: 12,
      stacked: true,
      steps: ["green"],
      colors: { active: "orange", idle: "green", hidden: "purple" },
      limits: { "granted to ordinary roles": "red", "all slots": "text" },
      queries: [
        {
          expr: `max by (state) (${ofPool("dbpool_server_connections")})`,
          legend: "{{state}}",
        },
        { expr: `max(${kGranted})`, legend: "granted to ordinary roles" },
        {
          expr: `max(${ofPool("dbpool_server_max_connections")})`,
          legend: "all slots",
        },
      ],
    }),
    graphPanel({
      title: "Requests waiting for the database",
      description:
        "Mean queue for reasons that are not the pool's. opening: a session takes long to open; backend_down: none lives and none can be opened; server_slots: the database refuses more.",
      unit: "short",
      width: 12,
      stacked: true,
      steps: ["green", [1, "red"]],
      colors: kWaitColors,
      queries: [
        {
          expr: `sum by (reason) (${poolRate("dbpool_waiting_seconds_total", { reason: '!="capacity"' })})`,
          legend: "{{reason}}",
        },
      ],
    }),
  ],
};

const tls = {
  title: "TLS to the database",
  panels: [
    graphPanel({
      title: "Days until certificates expire",
      description:
        "Of each certificate in use, of several pools the first: server, the database's; client, the pool's own; ca, the authority that is trusted. The line is at 21 days.",
      unit: "none",
      decimals: 0,
      width: 12,
      showSteps: true,
      steps: ["red", [21, "transparent"]],
      queries: [
        {
          expr: `min by (certificate) (${ofPool("dbpool_tls_certificate_expiry_timestamp_seconds")} - time()) / 86400`,
          legend: "{{certificate}}",
        },
      ],
    }),
    graphPanel({
      title: "Pools by TLS version and cipher",
      description:
        "Pools by what their last opened connection agreed on; those without TLS are not counted.",
      unit: "none",
      decimals: 0,
      width: 12,
      stacked: true,
      steps: ["green"],
      queries: [
        {
          expr: `count by (version, cipher) (${ofPool("dbpool_tls_info")})`,
          legend: "{{version}}, {{cipher}}",
        },
      ],
    }),
  ],
};

const probes = {
  title: "Probes",
  panels: [
    graphPanel({
      title: "Success by probe",
      description:
        "1: the last run succeeded; 0: it failed. connect opens a fresh connection, select_1 runs a query through the pool and feels its queue, server reads the slots over a connection of its own.",
      unit: "none",
      max: 1,
      decimals: 0,
      width: 8,
      steps: ["red", [1, "green"]],
      queries: [
        {
          expr: `min by (probe) (${ofPool("dbpool_probe_success")})`,
          legend: "{{probe}}",
        },
      ],
    }),
    graphPanel({
      title: "Duration by probe, 99th percentile",
      description: "All runs, the failed ones too.",
      unit: "s",
      width: 8,
      logarithmic: true,
      steps: ["green", [0.1, "yellow"], [1, "red"]],
      queries: [
        {
          expr: quantile(0.99, "dbpool_probe_duration_seconds", {
            by: ["probe"],
          }),
          legend: "{{probe}}",
        },
      ],
    }),
    graphPanel({
      title: "Failed runs by probe and reason",
      alerts: ["DbpoolProbeFailing"],
      description:
        "Runs that failed, a second. timeout_capacity of select_1 is the pool's queue, not the database.",
      unit: "ops",
      width: 8,
      bars: true,
      stacked: true,
      steps: ["green", [0.001, "red"]],
      queries: [
        {
          expr: `sum by (probe, reason) (${poolRate("dbpool_probe_failures_total")}) > 0`,
          legend: "{{probe}}: {{reason}}",
        },
        // Otherwise there would be "No data" while all is well.
        {
          expr: `sum(${poolRate("dbpool_probe_failures_total")}) == 0`,
          legend: "none",
        },
      ],
    }),
  ],
};

const theExporter = {
  title: "The exporter itself",
  panels: [
    graphPanel({
      title: "CPU",
      description: "Processor time that the process uses, in cores.",
      unit: "short",
      width: 8,
      steps: ["green", [1, "yellow"]],
      queries: [
        {
          expr: rate(ofExporter("process_cpu_seconds_total")),
          legend: "{{instance}}",
        },
      ],
    }),
    graphPanel({
      title: "Memory",
      description: "Resident memory of the process.",
      unit: "bytes",
      width: 8,
      steps: ["green"],
      queries: [
        {
          expr: ofExporter("process_resident_memory_bytes"),
          legend: "{{instance}}",
        },
      ],
    }),
    graphPanel({
      title: "File descriptors used",
      description:
        "Open descriptors over those allowed. Each connection takes one, each HTTP client too.",
      unit: "percentunit",
      width: 8,
      steps: ["green", [0.8, "red"]],
      queries: [
        {
          expr: `${ofExporter("process_open_fds")} / ${ofExporter("process_max_fds")}`,
          legend: "{{instance}}",
        },
      ],
    }),
    graphPanel({
      title: "HTTP requests",
      description: "Requests that the exporter answered, a second.",
      unit: "reqps",
      width: 12,
      steps: ["green"],
      queries: [
        {
          expr: `sum by (handler, code) (${rate(ofExporter("dbpool_exporter_http_requests_total"))})`,
          legend: "{{handler}} {{code}}",
        },
      ],
    }),
    graphPanel({
      title: "Last reload of the settings",
      alerts: ["DbpoolReloadFailed"],
      description:
        "1: the last reload was taken; 0: it was refused, and the settings before it are in force.",
      unit: "none",
      max: 1,
      decimals: 0,
      width: 12,
      steps: ["red", [1, "green"]],
      queries: [
        {
          expr: ofExporter("dbpool_exporter_config_last_reload_successful"),
          legend: "{{instance}}",
        },
      ],
    }),
  ],
};

export const database = dashboard({
  uid: "dbpool-database",
  title: "dbpool / Database & probes",
  description:
    "Can one connect to the database, how long does each phase take, how many slots are left, and when do certificates expire? Of several databases the worst is shown where it matters.",
  rows: [canOneConnect, connecting, slots, tls, probes, theExporter],
});
