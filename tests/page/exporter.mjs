// The exporter, and a session that stands in its way, as processes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const { DATABASE_URL, DBPOOL_EXPORTER_PROGRAM, PATH } = process.env;

/** The first line of a stream that matches; the rest is thrown away. */
async function lineOf(stream, pattern) {
  const seen = [];
  for await (const line of createInterface({ input: stream })) {
    const match = pattern.exec(line);
    if (match) {
      stream.resume();
      return match;
    }
    seen.push(line);
  }
  throw new Error(`no line ${pattern} in:\n${seen.join("\n")}`);
}

export class Exporter {
  #arguments;
  #environment;
  #process = null;
  port = 0; // kept from start to start

  constructor(args, environment = {}) {
    this.#arguments = args;
    this.#environment = environment;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start() {
    const args = [`--web.listen-address=127.0.0.1:${this.port}`, ...this.#arguments];
    const env = { PATH, DATABASE_URL, DB_LOG_QUERIES: "false", ...this.#environment };
    this.#process = spawn(DBPOOL_EXPORTER_PROGRAM, args, {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const [, port] = await lineOf(this.#process.stderr, /listening.*127\.0\.0\.1:(\d+)/);
    this.port = Number(port);
  }

  /** As a crash would. */
  async kill() {
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }

  async live() {
    const response = await fetch(`${this.url}/live.json`);
    return response.json();
  }
}

/** A foreign session that locks the table until release(). */
export class Lock {
  #process;

  static async take(application) {
    const lock = new Lock();
    lock.#process = spawn("psql", ["-qAtX", DATABASE_URL], {
      env: { PATH, PGAPPNAME: application },
      stdio: ["pipe", "pipe", "inherit"],
    });
    lock.#process.stdin.write("BEGIN; LOCK TABLE stock; SELECT 'locked';\n");
    await lineOf(lock.#process.stdout, /locked/);
    return lock;
  }

  async release() {
    this.#process.stdin.end("ROLLBACK;\n");
    await once(this.#process, "exit");
  }
}
