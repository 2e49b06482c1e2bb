import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { verifyDigest } from "../../setup/artifacts.js";
import { replaceFolder, sha256, sha256Tree } from "../../setup/files.js";
import { missing } from "../../setup/missing.js";
import { planTable } from "../../setup/plan.js";
import { checkPrerequisites } from "../../setup/prerequisites.js";
import { versions } from "../../setup/versions.js";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "install-"));
after(() => fs.rmSync(dir, { recursive: true }));

describe("an artefact", () => {
  const destination = path.join(dir, "artifacts", "linux-amd64");
  const write = (text: string, expected: string) =>
    replaceFolder(destination, async (temporary) => {
      fs.writeFileSync(path.join(temporary, "tool"), text);
      verifyDigest(path.join(temporary, "tool"), `sha256:${expected}`);
    });

  it("with a wrong digest is refused, both digests are named, and nothing is left", async () => {
    await assert.rejects(write("evil", sha256("good")), (error: Error) => {
      assert.ok(error.message.includes(sha256("good")) && error.message.includes(sha256("evil")), error.message);
      return true;
    });
    assert.deepEqual(fs.readdirSync(path.dirname(destination)), []);
  });

  it("appears whole, and clears what a killed run has left", async () => {
    fs.mkdirSync(path.join(path.dirname(destination), ".linux-amd64.new-killed"), { recursive: true });
    await write("good", sha256("good"));
    assert.deepEqual(fs.readdirSync(path.dirname(destination)), ["linux-amd64"]);
  });

  it("stays as it was when its replacement fails", async () => {
    await assert.rejects(write("evil", sha256("good")));
    assert.equal(fs.readFileSync(path.join(destination, "tool"), "utf8"), "good");
  });
});

describe("the digest of a folder", () => {
  it("changes with names and contents", () => {
    const tree = path.join(dir, "tree");
    fs.mkdirSync(path.join(tree, "a"), { recursive: true });
    fs.writeFileSync(path.join(tree, "a", "x"), "1");
    const digests = [sha256Tree(tree)];
    fs.writeFileSync(path.join(tree, "a", "x"), "2");
    digests.push(sha256Tree(tree));
    fs.renameSync(path.join(tree, "a", "x"), path.join(tree, "x"));
    digests.push(sha256Tree(tree));
    assert.equal(new Set(digests).size, 3);
  });
});

describe("the setup", () => {
  it("names everything that is missing in an empty cache, with its price", (t) => {
    const { env } = process;
    process.env = { ...env, MESSAGING_CACHE: path.join(dir, "empty"), PULUMI_HOME: "" };
    t.after(() => (process.env = env));
    const artifacts = [{ name: "gojq", version: "0.12.17" }];
    const tools = missing({ pulumi: true, development: true, artifacts });
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["pulumi", "policy pack starter", ...Object.keys(versions.plugins).map((name) => `plugin ${name}`), "gojq", "development tools"],
    );
    const table = planTable(tools, ({ kind }) => kind === "cli");
    assert.match(table, /pulumi 3\.\S+ +get\.pulumi\.com +~\d+ +~\d+ +~\d+/);
    assert.match(table, /gojq \S+ +built with Go/);
    assert.match(table.split("\n").at(-1) ?? "", /^together/);
  });

  it("names every missing program at once, with the packages that bring it", () => {
    const bare = { PATH: path.join(dir, "no-programs") };
    const message = (building: boolean) => {
      try {
        checkPrerequisites(building ? ["go", "maven"] : [], bare);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    assert.match(message(false), /Python >= 3\.8 \(not found\): apt install python3 \| dnf install python3 \| brew install python/);
    assert.match(message(false), /curl >= /);
    assert.doesNotMatch(message(false), /Go >= |Node\.js/);
    assert.match(message(true), /Go >= 1\.21[^]*Maven >= 3\.6 \(not found\): apt install maven/);
  });
});
