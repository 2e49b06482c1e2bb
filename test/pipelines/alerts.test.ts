import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { artifactDir, platform } from "../../setup/paths";

const MONITORING = join(__dirname, "../../monitoring");

describe("alert rules and dashboard", () => {
  const directory = mkdtempSync(join(tmpdir(), "m-promtool-"));
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(join(directory, "usr/bin/promtool"), args, { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  };

  before(() => {
    const cached = artifactDir("prometheus", pinnedVersions("prometheus")[0], platform());
    const [archive = ""] = readdirSync(cached).filter((file) => file.endsWith(".deb"));
    const { status, stderr } = spawnSync("dpkg-deb", ["-x", join(cached, archive), directory], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
  after(() => rmSync(directory, { recursive: true }));

  test("promtool finds nothing wrong with the rules, and each alert fires on its condition only", () => {
    promtool("check", "rules", join(MONITORING, "alerts.yaml"));
    promtool("test", "rules", join(MONITORING, "alerts_test.yaml"));
  });

  test("every query of the dashboard is one that Prometheus takes", () => {
    const { panels } = JSON.parse(readFileSync(join(MONITORING, "dashboard.json"), "utf8")) as {
      panels: { targets: { expr: string }[] }[];
    };
    const rules = panels.flatMap(({ targets }, panel) => targets.map(({ expr }, target) => ({ record: `panel:${panel}:${target}`, expr })));
    assert.ok(rules.length > 10);
    const file = join(directory, "dashboard.yaml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    promtool("check", "rules", file);
  });
});
