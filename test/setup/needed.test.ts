import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { allArtifacts, stackArtifacts } from "../../setup/needed.js";

const needed = (settings: string) => stackArtifacts(settings).map(({ name, version }) => `${name} ${version}`);
const [cli, server] = [pinnedVersions("nats")[0], pinnedVersions("nats-server")];
const ALWAYS = [`gojq ${pinnedVersions("gojq")[0]}`, `supervisor ${pinnedVersions("supervisor")[0]}`];

describe("the artefacts of a stack", () => {
  it("are the JSON reader and supervisord alone when no component is configured", () => {
    for (const settings of ["", "config:\n", "config:\n  messaging:ramBudget: 4GiB\n", "encryptionsalt: v1:x\n"]) {
      assert.deepEqual(needed(settings), ALWAYS, settings);
    }
  });

  it("are those of each component, in the default version", () => {
    for (const value of ["{}", "{ memory: 500MB }", `'{"memory":"500MB"}'`]) {
      assert.deepEqual(needed(`config:\n  messaging:nats: ${value}\n`), [...ALWAYS, `nats-server ${server[0]}`, `nats ${cli}`], value);
    }
  });

  it("follow the version that the settings name", () => {
    for (const version of server) {
      assert.ok(needed(`config:\n  messaging:nats:\n    version: ${version}\n`).includes(`nats-server ${version}`), version);
    }
  });

  it("have the offloaders of Pulsar only with tiered storage", () => {
    const [pulsar, jre] = [pinnedVersions("pulsar")[0], pinnedVersions("jre")[0]];
    assert.deepEqual(needed("config:\n  messaging:pulsar: {}\n"), [...ALWAYS, `pulsar ${pulsar}`, `jre ${jre}`]);
    assert.ok(needed("config:\n  messaging:pulsar: { tieredStorage: {} }\n").includes(`pulsar-offloaders ${pulsar}`));
  });

  it("have the DuckDB CLI with Benthos", () => {
    const [benthos, duckdb] = [pinnedVersions("benthos")[0], pinnedVersions("duckdb")[0]];
    assert.deepEqual(needed("config:\n  messaging:benthos: {}\n"), [...ALWAYS, `benthos ${benthos}`, `duckdb ${duckdb}`]);
  });

  it("have Prometheus with monitoring", () => {
    const [prometheus] = pinnedVersions("prometheus");
    assert.deepEqual(needed("config:\n  messaging:monitoring: {}\n"), [...ALWAYS, `prometheus ${prometheus}`]);
  });

  it("leave out what the settings choose a source for", () => {
    const [pulsar, jre] = [pinnedVersions("pulsar")[0], pinnedVersions("jre")[0]];
    const tiered = `config:\n  messaging:pulsar: { version: ${pulsar}, tieredStorage: {}, source: { sha512: x } }\n`;
    assert.deepEqual(needed(tiered), [...ALWAYS, `pulsar-offloaders ${pulsar}`, `jre ${jre}`]);
    const both = tiered.replace("sha512: x", "sha512: x, offloaders: { sha512: x }");
    assert.deepEqual(needed(both), [...ALWAYS, `jre ${jre}`]);
  });

  it("leave a version that is not pinned, and settings that cannot be read, to the program", () => {
    assert.deepEqual(needed("config:\n  messaging:nats: { version: 1.0.0 }\n"), [...ALWAYS, `nats ${cli}`]);
    assert.deepEqual(needed("config: [\n"), ALWAYS);
  });

  it("are some of all that are pinned", () => {
    const all = allArtifacts().map(({ name, version }) => `${name} ${version}`);
    assert.deepEqual(all, [...new Set(all)]);
    for (const one of [...ALWAYS, `nats ${cli}`, ...server.map((version) => `nats-server ${version}`)]) assert.ok(all.includes(one), one);
  });
});
