import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { takeStackOptions } from "../../setup/arguments.js";
import { mergeSettings, refreshSettings } from "../../setup/settings.js";

const source = "# why\nconfig:\n  messaging:ramBudget: 4GiB # all of it\n";

describe("the copy of the stack's settings", () => {
  it("is the source, comments included, when there is no copy yet", () => {
    assert.equal(mergeSettings(source, undefined), source);
    assert.equal(mergeSettings("", undefined), "");
  });

  it("keeps the encryption that the CLI has added, and nothing else", () => {
    const copy = "config:\n  messaging:ramBudget: 1GiB\n  messaging:gone: true\nencryptionsalt: v1:old\n";
    assert.equal(mergeSettings(source, copy), `${source}encryptionsalt: v1:old\n`);
    assert.equal(mergeSettings("", "encryptionsalt: v1:old\n"), "encryptionsalt: v1:old\n");
  });

  it("takes the encryption of the source when that has one", () => {
    const own = `${source}encryptionsalt: v1:new\n`;
    assert.equal(mergeSettings(own, "secretsprovider: awskms://x\nencryptedkey: k\nencryptionsalt: v1:old\n"), own);
  });

  it("does not wrap long values", () => {
    const long = `config:\n  messaging:note: ${"word ".repeat(60)}end\n`;
    assert.equal(mergeSettings(long, undefined), long);
  });

  it("is written only when it changes, and for the owner alone", () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "settings-"));
    const copy = path.join(dir, "stacks", "Pulumi.dev.yaml");
    fs.writeFileSync(path.join(dir, "source.yaml"), source);
    refreshSettings(path.join(dir, "source.yaml"), copy);
    const first = fs.statSync(copy);
    assert.equal(first.mode & 0o777, 0o600);
    refreshSettings(path.join(dir, "source.yaml"), copy);
    assert.equal(fs.statSync(copy).ino, first.ino);
    refreshSettings(path.join(dir, "absent.yaml"), copy);
    assert.equal(fs.readFileSync(copy, "utf8"), "");
    fs.rmSync(dir, { recursive: true });
  });
});

describe("the options that the wrapper takes out", () => {
  it("are the stack and the settings file, in every spelling", () => {
    const others = ["--target", "urn:x", "-v=3"];
    const rest = ["--diff", ...others];
    for (const given of [
      ["--stack", "prod", "--config-file", "f.yaml"],
      ["-s", "prod", "--config-file=f.yaml"],
    ]) {
      assert.deepEqual(takeStackOptions(["--diff", ...given, ...others]), { stack: "prod", settings: "f.yaml", rest });
    }
    assert.deepEqual(takeStackOptions(rest), { rest });
  });
});
