import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { composeFiles } from "../../compose/files";
import { composeYaml } from "../../compose/services";
import { composedStack, settingsOf } from "../../compose/stack";
import { filesBelow } from "../../compose/write";
import { IMAGES } from "../../config/pins";
import { planRam } from "../../config/ram";
import { root } from "../../setup/paths";

// What compose.yaml does on a real engine: test/docker/compose.test.ts.

interface Service {
  readonly image: string;
  readonly mem_limit?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly user?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

const text = readFileSync(join(root, "compose.yaml"), "utf8");
const { services } = parse(text) as { readonly services: Readonly<Record<string, Service>> };
const stack = composedStack("dev");

test("compose.yaml and compose/config are what the dev stack gives; if not, run `npm run compose`", () => {
  assert.equal(text, composeYaml(stack));
  const directory = join(root, "compose/config");
  const read = filesBelow(directory).map((path) => [path, readFileSync(join(directory, path), "utf8")]);
  assert.deepEqual(Object.fromEntries(read), composeFiles(stack));
});

test("compose.yaml has the programs of the dev stack in its versions, under the caps of its budget", () => {
  const { byComponent, plannedBytes } = planRam(stack, false);
  const caps = { nats: "nats", pulsar: "pulsar", benthos: "benthos" } as const;
  const mebibytes = (service: string) => Number(services[service]?.mem_limit?.replace("m", ""));
  for (const [service, component] of Object.entries(caps))
    assert.equal(mebibytes(service), Math.floor((byComponent[component] ?? 0) / 2 ** 20), service);
  assert.ok(Object.keys(caps).reduce((sum, service) => sum + mebibytes(service), 0) * 2 ** 20 <= plannedBytes);
  assert.ok(services["nats"]?.image.includes(`:-nats:${stack.nats.version}-`), services["nats"]?.image);
  assert.ok(services["pulsar"]?.image.includes(`:${stack.pulsar.version}`), services["pulsar"]?.image);
  assert.ok(services["benthos"]?.image.endsWith(`:${stack.benthos.version}`), services["benthos"]?.image);
  for (const image of [IMAGES.base, IMAGES.go, IMAGES.nats]) assert.match(image, /@sha256:[0-9a-f]{64}$/);
});

test("compose.yaml runs the pipelines of the dev stack and no others", () => {
  const mounted = (services["benthos"]?.volumes ?? []).flatMap((volume) => /^\.\/pipelines\/(\w+\/\w+)\.yaml:/.exec(volume)?.[1] ?? []);
  assert.deepEqual(mounted.sort(), Object.keys(stack.benthos.pipelines).sort());
});

test("every container is confined, mounts config read-only and publishes on loopback only", () => {
  for (const [name, service] of Object.entries(services)) {
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ["ALL"], name);
    if (name !== "nats-volume") assert.match(service.user ?? "", /^[1-9]\d*:/, name);
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/, name);
    for (const volume of service.volumes ?? []) if (volume.startsWith(".")) assert.match(volume, /:ro$/, name);
  }
});

test(".env.example documents every variable of compose.yaml with its default", () => {
  const used = new Map([...text.matchAll(/\$\{(\w+):-([^}]*)\}/g)].map(([, name, value]) => [name, value]));
  assert.ok(used.size > 5);
  const example = readFileSync(join(root, ".env.example"), "utf8");
  assert.deepEqual(new Map([...example.matchAll(/^#(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])), used);
});

test("a stack with keys, tokens or certificates is none for compose.yaml, where secrets would stand", () => {
  const settings = settingsOf("dev");
  for (const [component, option] of [
    ["nats", "auth"],
    ["nats", "tls"],
    ["pulsar", "auth"],
    ["pulsar", "tls"],
  ] as const) {
    const secret = { ...settings, [component]: { ...(settings[component] as object), [option]: {} } };
    assert.throws(() => composedStack("dev", secret), /keys, tokens, certificates or secrets/, `${component}.${option}`);
  }
});
