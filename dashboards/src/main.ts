// usage: node out/main.js FOLDER
// Writes the dashboards to FOLDER.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { database } from "./database.js";
import { fleet } from "./fleet.js";
import { overview } from "./overview.js";
import { pool } from "./pool.js";
import { workload } from "./workload.js";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node out/main.js FOLDER");

for (const [name, dashboard] of Object.entries({
  overview,
  pool,
  database,
  workload,
  fleet,
})) {
  writeFileSync(
    join(folder, `${name}.json`),
    `${JSON.stringify(dashboard, null, 2)}\n`,
  );
}
