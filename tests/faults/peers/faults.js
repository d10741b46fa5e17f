// The service of client_main.cc with node-postgres' pool: the same requests,
// told in the same lines (client.h).

import { createInterface } from "node:readline";

import pg from "pg";

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const kAcquireMs = number("FAULTS_ACQUIRE_MS", 1000);
const kStatementMs = number("FAULTS_STATEMENT_MS", 2000);
const kRate = number("FAULTS_RATE", 200);
// A pooler in transaction mode knows neither names nor start-up parameters.
const kPrepares = number("FAULTS_PREPARED", 100) > 0;
const kMostInFlight = 4000;

const kKinds = {
  insert: "INSERT INTO ledger (number) VALUES ($1) RETURNING number",
  query:
    "SELECT $1::bigint AS number, " +
    "repeat(chr(97 + ($1::bigint % 26)::int), 3000), pg_sleep(0.01)",
  large:
    "SELECT $1::bigint AS number, repeat('x', 1000) " +
    "FROM generate_series(1, 200000)",
  forever: "SELECT $1::bigint AS number, pg_sleep(1000000)",
};

const pool = new pg.Pool({
  max: number("FAULTS_CONNECTIONS", 10),
  connectionTimeoutMillis: kAcquireMs,
  query_timeout: kStatementMs,
  statement_timeout: kPrepares ? kStatementMs : undefined,
  keepAlive: true,
});
// Without it the loss of an idle connection ends the process.
pool.on("error", () => {});

let next = 1;
let inFlight = 0;
let ends = false;

const micros = () => process.hrtime.bigint() / 1000n;

// As the pool under test tells them apart.
function reasonOf(error, acquired) {
  if (!acquired) {
    return /timeout/i.test(error.message) ? "timeout" : "connect";
  }
  if (/timeout/i.test(error.message)) return "timeout";
  return error.code?.length === 5 ? "server_error" : "connection_lost";
}

async function request(kind) {
  const own = next++;
  ++inFlight;
  const start = micros();
  let got = 0n;
  let result = "ok";
  let outcome = "-";
  let client;
  try {
    client = await pool.connect();
    got = micros();
    // A client that breaks between two events tells nobody else.
    client.once("error", () => {});
    const rows = await client.query({
      name: kPrepares ? kind : undefined,
      text: kKinds[kind],
      values: [own],
    });
    if (Number(rows.rows[0]?.number) !== own) result = "crossed";
    client.removeAllListeners("error");
    client.release();
  } catch (error) {
    result = reasonOf(error, client !== undefined);
    outcome = client === undefined ? "not_sent" : "in_doubt";
    client?.release(error);
  }
  got ||= micros();
  console.log(
    `request ${kind} ${own} ${start} ${got} ${micros()} ${result} ${outcome}`,
  );
  --inFlight;
}

function offer() {
  if (ends) return;
  if (inFlight < kMostInFlight) {
    request(Math.random() < 0.5 ? "insert" : "query");
  }
  setTimeout(offer, (-Math.log(1 - Math.random()) / kRate) * 1000);
}

let due = micros() + 20000n;
const lag = setInterval(() => {
  const now = micros();
  console.log(`lag ${now > due ? now - due : 0n}`);
  due = now + 20000n;
}, 20);

createInterface({ input: process.stdin })
  .on("line", (line) => {
    request(line);
    request(line);
  })
  .on("close", async () => {
    ends = true;
    const deadline = Date.now() + 20000;
    while (inFlight > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    clearInterval(lag);
    const closed = pool.end().then(() => "clean");
    const late = new Promise((resolve) =>
      setTimeout(() => resolve("late"), 5000).unref(),
    );
    console.log(`closed ${await Promise.race([closed, late])}`);
    process.exit(0);
  });

offer();
