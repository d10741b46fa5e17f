// The manifests of exporter/deploy/kubernetes by the schemas of Kubernetes and
// of the Prometheus operator, as the packages kubernetes-models and
// @kubernetes-models/prometheus-operator have them: the values by their
// validators, unknown fields, which those let pass, by their types. And that
// what refers to something means it.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript";
import { parse, parseAllDocuments } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "exporter/deploy/kubernetes");
const out = join(root, "tests/deploy/out");

const modules = {
  "v1 ConfigMap": "kubernetes-models/v1/ConfigMap",
  "v1 Secret": "kubernetes-models/v1/Secret",
  "apps/v1 Deployment": "kubernetes-models/apps/v1/Deployment",
  "monitoring.coreos.com/v1 PodMonitor":
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor",
  "monitoring.coreos.com/v1 PrometheusRule":
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule",
};

function load(file) {
  return parseAllDocuments(readFileSync(join(folder, file), "utf8")).map(
    (document) => {
      assert.deepEqual(document.errors, [], file);
      return document.toJS();
    },
  );
}

function moduleOf({ apiVersion, kind }) {
  const name = modules[`${apiVersion} ${kind}`];
  assert.ok(name, `${apiVersion} ${kind} is known to this test`);
  return name;
}

async function schemaErrors(manifest) {
  const { [manifest.kind]: Model } = await import(moduleOf(manifest));
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// The compiler refuses a field in a literal that its type does not have. All
// manifests at once, since it reads the types each time: errors by name.
function typeErrors(manifests) {
  mkdirSync(out, { recursive: true });
  const errors = {};
  for (const [name, manifest] of Object.entries(manifests)) {
    errors[name] = [];
    writeFileSync(
      join(out, `${name}.mts`),
      `import type { I${manifest.kind} } from "${moduleOf(manifest)}";\n` +
        `export const manifest: I${manifest.kind} = ${JSON.stringify(manifest, null, 1)};\n`,
    );
  }
  const names = Object.keys(manifests).map((name) => join(out, `${name}.mts`));
  const program = ts.createProgram(names, {
    module: ts.ModuleKind.Node16,
    moduleResolution: ts.ModuleResolutionKind.Node16,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
    const text = ts.flattenDiagnosticMessageText(messageText, "\n");
    assert.ok(file, text);
    errors[basename(file.fileName, ".mts")].push(text);
  }
  return errors;
}

const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
const manifests = Object.fromEntries(files.map((file) => [file, load(file)]));

for (const [file, documents] of Object.entries(manifests)) {
  test(`the values of ${file} are valid`, async () => {
    assert.notEqual(documents.length, 0);
    for (const manifest of documents) {
      assert.deepEqual(await schemaErrors(manifest), [], manifest.kind);
    }
  });
}

test("a value of the wrong type is found", async () => {
  const mistyped = structuredClone(manifests["standalone.yaml"].at(-1));
  mistyped.spec.replicas = "1";
  assert.match((await schemaErrors(mistyped)).join(), /replicas/);
});

test("all fields are known, and unknown ones are found", () => {
  const checked = {};
  for (const [file, documents] of Object.entries(manifests)) {
    for (const [index, manifest] of documents.entries()) {
      checked[`${basename(file, ".yaml")}_${index}`] = manifest;
    }
  }
  const broken = structuredClone(manifests["standalone.yaml"].at(-1));
  broken.spec.template.spec.containers[0].readOnly = true;
  const rule = structuredClone(manifests["prometheusrule.yaml"][0]);
  rule.spec.groups[0].rules[0].exprs = "1";
  const { broken_1, broken_2, ...errors } = typeErrors({
    ...checked,
    broken_1: broken,
    broken_2: rule,
  });
  assert.match(broken_1.join(), /"readOnly"' does not exist/);
  assert.match(broken_2.join(), /"exprs"' does not exist/);
  for (const [name, found] of Object.entries(errors)) {
    assert.deepEqual(found, [], name);
  }
});

test("the rules and dashboards are those of alerts/ and dashboards/", () => {
  const [rule] = manifests["prometheusrule.yaml"];
  const rules = readFileSync(join(root, "alerts/dbpool.rules.yml"), "utf8");
  assert.deepEqual(rule.spec, parse(rules));
  const dashboards = manifests["dashboards.yaml"].map(({ data }) => data);
  assert.deepEqual(
    dashboards.flatMap((data) => Object.values(data).map((text) => JSON.parse(text))),
    ["overview", "pool", "database", "workload", "fleet"].map((name) =>
      JSON.parse(readFileSync(join(root, `dashboards/${name}.json`), "utf8")),
    ),
  );
});

test("each monitor selects pods that have its port", () => {
  const pods = ["standalone.yaml", "sidecar.yaml"].map(
    (file) => manifests[file].at(-1).spec.template,
  );
  for (const { spec } of manifests["podmonitor.yaml"]) {
    const selected = pods.filter(({ metadata }) =>
      Object.entries(spec.selector.matchLabels).every(
        ([key, value]) => metadata.labels[key] === value,
      ),
    );
    assert.equal(selected.length, 1);
    const ports = selected[0].spec.containers.flatMap(({ ports }) => ports);
    for (const { port } of spec.podMetricsEndpoints) {
      assert.ok(ports.some(({ name }) => name === port));
    }
  }
});

test("the images are of this version", () => {
  const [, version] = readFileSync(join(root, "CMakeLists.txt"), "utf8").match(
    /VERSION (\d+\.\d+\.\d+)/,
  );
  for (const file of ["standalone.yaml", "sidecar.yaml"]) {
    const [{ image }] = manifests[file].at(-1).spec.template.spec.containers;
    assert.ok(image.endsWith(`:${version}`), image);
  }
});

after(() => rmSync(out, { force: true, recursive: true }));
