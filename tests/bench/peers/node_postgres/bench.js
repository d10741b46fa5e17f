// node-postgres, whose Pool reads PGHOST, PGPORT, PGUSER and PGDATABASE.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import pg from "pg";

const kClients = Number(process.env.BENCH_CLIENTS);
const kQuery = { name: "one", text: "SELECT 1" };

const pool = new pg.Pool({
  max: Number(process.env.BENCH_CONNECTIONS),
  idleTimeoutMillis: 0,
});

let phase = "warm-up";
let operations = 0;
const waits = [];

async function runClient() {
  while (phase !== "over") {
    const start = performance.now();
    const client = await pool.connect();
    const wait = performance.now() - start;
    await client.query(kQuery);
    client.release();
    if (phase === "measured") {
      ++operations;
      waits.push(wait * 1000);
    }
  }
}

const clients = Array.from({ length: kClients }, runClient);
await sleep(Number(process.env.BENCH_WARM_UP) * 1000);
const before = process.cpuUsage();
const start = performance.now();
phase = "measured";
await sleep(Number(process.env.BENCH_SECONDS) * 1000);
phase = "over";
const seconds = (performance.now() - start) / 1000;
const cpu = process.cpuUsage(before);
await Promise.all(clients);
await pool.end();

waits.sort((a, b) => a - b);
const quantile = (share) => waits[Math.floor(share * (waits.length - 1))];
const status = readFileSync("/proc/self/status", "utf8");
console.log(
  JSON.stringify({
    per_second: operations / seconds,
    cpu_ms_per_1000: (cpu.user + cpu.system) / operations,
    wait_us: [quantile(0.5), quantile(0.99), quantile(1)],
    peak_memory_kib: Number(/VmHWM:\s+(\d+)/.exec(status)[1]),
  }),
);
