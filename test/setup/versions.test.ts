import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { platforms, root } from "../../setup/paths.js";
import { versions } from "../../setup/versions.js";

const read = (...parts: string[]) => fs.readFileSync(path.join(root, ...parts), "utf8");
const goMod = (...module: string[]) => read("offline", ...module, "go.mod");

describe("config/versions.json", () => {
  for (const [name, artifact] of Object.entries(versions.artifacts)) {
    for (const [version, builds] of Object.entries(artifact.versions)) {
      it(`pins the ${name} ${version} that offline/${name}/${version} builds`, () => {
        const text = goMod(name, version);
        const required = [...text.matchAll(/^\t(\S+) v(\S+)( \/\/ indirect)?$/gm)].map(([, module = "", found = ""]) => ({
          module,
          found,
        }));
        // A program of ours has sources beside its go.mod, and a version that ends in our own revision.
        const ours = artifact.package === ".";
        if (!ours) assert.match(text, new RegExp(`^tool ${artifact.package}$`, "m"));
        assert.ok(
          required.some(({ module, found }) =>
            ours
              ? module.includes(`/${name}/`) && version.startsWith(`${found}-`)
              : artifact.package.startsWith(module) && found === version,
          ),
          `offline/${name}/${version}/go.mod requires no v${version} of ${artifact.package}`,
        );
        assert.deepEqual(Object.keys(builds), [...platforms]);
        for (const { url, sha256, built } of Object.values(builds)) {
          assert.match(built, /^[0-9a-f]{64}$/);
          assert.equal(url === undefined, sha256 === undefined);
        }
      });
    }
  }

  for (const [name, archive] of Object.entries(versions.archives)) {
    it(`pins where ${name} comes from, for every platform; packages of Debian are for Linux`, () => {
      for (const builds of Object.values(archive.versions)) {
        const pinned = Object.keys(builds);
        const debian = Object.values(builds)
          .flat()
          .some(({ from }) => from.debian !== undefined);
        const all = debian ? platforms.filter((platform) => platform.startsWith("linux-")) : [...platforms];
        assert.deepEqual(pinned, pinned.includes("any") ? ["any"] : all);
        for (const { from, digest } of Object.values(builds).flat()) {
          assert.equal(Object.keys(from).length, 1);
          assert.match(digest, /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/);
        }
      }
    });
  }

  it("names the toolchain of every module in offline/", () => {
    const artifacts = Object.entries(versions.artifacts).flatMap(([name, pin]) =>
      Object.keys(pin.versions).map((version) => [name, version]),
    );
    for (const module of [...artifacts, ["pulumi"], ["pulumi-language-nodejs"], ["docker-compose"]]) {
      assert.match(goMod(...module), new RegExp(`^toolchain go${versions.go}$`, "m"), module.join("/"));
    }
  });

  it("pins the same Pulumi and plugins as the packages", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
    assert.equal(dependencies["@pulumi/pulumi"], versions.pulumi);
    for (const [name, version] of Object.entries(versions.plugins)) assert.equal(dependencies[`@pulumi/${name}`], version);
    assert.match(goMod("pulumi"), new RegExp(`github.com/pulumi/pulumi/pkg/v3 v${versions.pulumi} `));
  });
});
