import assert from "node:assert/strict";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { artifactDir, cacheDir, dataDir, platform, platforms, stateDir } from "../../setup/paths.js";

const variables = ["MESSAGING_CACHE", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];

describe("paths", () => {
  const before = { ...process.env };
  const unset = () => {
    for (const name of variables) Reflect.deleteProperty(process.env, name);
  };
  beforeEach(unset);
  afterEach(() => {
    unset();
    Object.assign(process.env, before);
  });

  it("are below the home folder by default", () => {
    assert.equal(cacheDir(), path.join(os.homedir(), ".cache", "messaging"));
    assert.equal(stateDir(), path.join(os.homedir(), ".local", "state", "messaging"));
    assert.equal(dataDir(), path.join(os.homedir(), ".local", "share", "messaging"));
  });

  it("follow the XDG variables, and ignore relative ones as the specification says", () => {
    process.env.XDG_CACHE_HOME = "/x/cache";
    process.env.XDG_STATE_HOME = "/x/state";
    process.env.XDG_DATA_HOME = "relative";
    assert.equal(cacheDir(), "/x/cache/messaging");
    assert.equal(stateDir(), "/x/state/messaging");
    assert.equal(dataDir(), path.join(os.homedir(), ".local", "share", "messaging"));
  });

  it("let MESSAGING_CACHE name the cache folder itself", () => {
    process.env.XDG_CACHE_HOME = "/x/cache";
    process.env.MESSAGING_CACHE = "/elsewhere";
    assert.equal(cacheDir(), "/elsewhere");
    assert.equal(artifactDir("gojq", "0.12.17", "linux-arm64"), "/elsewhere/artifacts/gojq/0.12.17/linux-arm64");
  });

  it("know this machine", () => assert.ok(platforms.includes(platform())));
});
