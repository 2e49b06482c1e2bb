import * as docker from "@pulumi/docker";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { cachedExecutable } from "../../tasks/artifact";
import { describeWithEngine, TestEngine } from "../support/engine";
import { assertNothingToDo, removeSandboxes, Sandbox } from "./harness";

// What the project relies on from the docker provider, official or not, with a real engine. Steps build on each other.

describeWithEngine("containers, networks, volumes and images", 240_000, () => {
  let engine: TestEngine;
  let sandbox: Sandbox;
  let image: string;

  before(async () => {
    engine = await TestEngine.start();
    sandbox = await Sandbox.create();
    // One static program is an image.
    const tree = join(engine.directory, "tree");
    mkdirSync(tree);
    copyFileSync(cachedExecutable("nats-server", "2.10.29"), join(tree, "nats-server"));
    image = engine.importTree(tree);
  });
  after(async () => {
    await engine.dispose();
    removeSandboxes();
  });

  const program = (edition: { memory?: number; label?: string; start?: boolean }) => async (): Promise<void> => {
    const provider = new docker.Provider("engine", { host: engine.host });
    const options = { provider };
    const found = new docker.RemoteImage("image", { name: image, keepLocally: true }, options);
    const network = new docker.Network("network", { name: "contract" }, options);
    const volume = new docker.Volume("volume", { name: "kept" }, { ...options, retainOnDelete: true });
    new docker.Container(
      "server",
      {
        image: found.imageId,
        command: ["/nats-server", "-p", "4222"],
        memory: edition.memory ?? 64,
        labels: [{ label: "edition", value: edition.label ?? "first" }],
        networksAdvanced: [{ name: network.name, aliases: ["nats"] }],
        mounts: [{ type: "volume", source: volume.name, target: "/data" }],
        start: edition.start ?? false,
        mustRun: false,
      },
      options,
    );
  };

  const containers = () => engine.docker("ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.State}}").trim();

  it("makes everything in order, and a container that is not to be started waits", async () => {
    await sandbox.up(program({}));
    assert.match(containers(), /^[0-9a-f]{64} created$/);
    const state = await sandbox.state();
    assert.equal(state.get("image").outputs.imageId, image);
    assert.match(String(state.get("server").outputs.name), /^server-[0-9a-f]{7}$/);
  });

  it("has nothing to do when nothing changed, named or not", async () => {
    assertNothingToDo(await sandbox.preview(program({})));
  });

  it("updates memory in place, and replaces for a label: the old container goes last", async () => {
    const first = containers();
    const updated = await sandbox.up(program({ memory: 80 }));
    assert.deepEqual(updated.steps("server"), ["update"]);
    assert.equal(containers(), first);
    assert.equal(engine.docker("inspect", "--format", "{{.HostConfig.Memory}}", first.split(" ")[0] ?? "").trim(), String(80 * 2 ** 20));
    const replaced = await sandbox.up(program({ memory: 80, label: "second" }));
    assert.deepEqual(replaced.steps("server"), ["create-replacement", "replace", "delete-replaced"]);
    assert.notEqual(containers(), first);
  });

  it("sees at a refresh that a container is gone, and makes it again", async () => {
    engine.docker("rm", "--force", containers().split(" ")[0] ?? "");
    await sandbox.refresh();
    assert.equal((await sandbox.state()).has("server"), false);
    await sandbox.up(program({ memory: 80, label: "second", start: true }));
    assert.match(containers(), / running$/);
  });

  it("removes all but what is to be retained", async () => {
    await sandbox.destroy();
    assert.equal(containers(), "");
    assert.equal(engine.docker("volume", "ls", "--quiet").trim(), "kept");
    assert.equal(engine.docker("network", "ls", "--quiet", "--filter", "name=contract").trim(), "");
  });

  it("pulls an image by its digest, and refuses one whose registry sends something else", async () => {
    const registry = new Registry();
    const name = await registry.start();
    try {
      const pull = (digest: string) =>
        sandbox.up(async () => {
          const provider = new docker.Provider("engine", { host: engine.host });
          new docker.RemoteImage("pulled", { name: `${name}@${digest}` }, { provider });
        });
      await pull(registry.digest);
      assert.match(String((await sandbox.state()).get("pulled").outputs.repoDigest), new RegExp(registry.digest));
      await sandbox.destroy();
      await assert.rejects(pull(registry.otherDigest), /Unable to pull image .*(verification failed|does not match|invalid)/);
    } finally {
      registry.stop();
    }
  });
});

/** A registry with one image of no files. Asked by another digest it sends the same. */
class Registry {
  readonly #config = Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [] } }),
  );
  readonly #manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: { mediaType: "application/vnd.docker.container.image.v1+json", size: this.#config.length, digest: sha256(this.#config) },
      layers: [],
    }),
  );
  readonly digest = sha256(this.#manifest);
  readonly otherDigest = `sha256:${"0".repeat(64)}`;
  readonly #server: Server = createServer((request, response) => {
    const url = request.url ?? "";
    const [body, type] = url.includes("/manifests/")
      ? [this.#manifest, "application/vnd.docker.distribution.manifest.v2+json"]
      : url.includes("/blobs/")
        ? [this.#config, "application/octet-stream"]
        : [Buffer.from("{}"), "application/json"];
    response.writeHead(200, { "content-type": type, "content-length": body.length, connection: "close" });
    response.end(request.method === "HEAD" ? undefined : body);
  });

  /** @returns the name of its image */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/nothing`;
  }

  stop(): void {
    this.#server.close();
  }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
