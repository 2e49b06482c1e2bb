import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "yaml";
import { TestStack } from "../../support/test-stack";
import { fixtures } from "../fixtures";
import { FixtureStack } from "./fixture-stack";

/** `messaging:*` settings of a stack of this repository. */
function ownSettings(stack: string): Record<string, unknown> {
  const { config } = parse(readFileSync(join(__dirname, "../../..", `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("messaging:", ""), value]));
}

/** As root, services run as root too, which production refuses. */
function asThisUser({ policies, ...settings }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (userInfo().uid !== 0 || policies === undefined) return { ...settings, ...(policies === undefined ? {} : { policies }) };
  return { ...settings, policies: { set: policies, "services-not-root": "advisory" } };
}

describe("the pack under the real engine", { timeout: 1_200_000 }, () => {
  let fixture: FixtureStack;
  before(async () => {
    fixture = await FixtureStack.open();
  });
  after(() => fixture.dispose());

  for (const { name, what, says = [], ...stack } of fixtures("bad")) {
    test(`${what} is refused by ${name}`, async () => {
      const { status, output } = await fixture.preview(stack);
      assert.notEqual(status, 0, output);
      assert.match(output, new RegExp(`\\[mandatory\\] +${name} `));
      for (const pattern of says) assert.match(output, new RegExp(pattern));
      const mandatory = [...output.matchAll(/\[mandatory\] +(\S+)/g)].map(([, policy]) => policy);
      assert.deepEqual([...new Set(mandatory)], [name]);
      assert.equal(fixture.touched, false);
    });
  }

  const good = [
    ...["dev", "small", "production"].map((stack) => ({ what: `Pulumi.${stack}.yaml`, settings: asThisUser(ownSettings(stack)) })),
    ...fixtures("good").map(({ what, settings = {} }) => ({ what, settings: asThisUser(settings) })),
  ];
  for (const { what, settings } of good) {
    test(`${what} passes`, async () => {
      const { status, output } = await fixture.preview({ settings });
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /\[mandatory\]|can't run policy/);
      assert.match(output, /messaging@v\d+\.\d+\.\d+ \(local: policies\)|messaging@v\d+\.\d+\.\d+ \(local: .*policies\)/);
    });
  }

  test("a set or a policy that does not exist is named with those that do", async () => {
    const { status, output } = await fixture.preview({ settings: { policies: "prod", nats: {} } });
    assert.notEqual(status, 0);
    assert.match(output, /messaging:policies: there is no set "prod"; allowed: dev, production/);
  });

  test("a setting of a policy that is out of bounds is refused", async () => {
    const { status, output } = await fixture.preview({ settings: { policies: { "disk-budget": { headroom: 7 } }, nats: {} } });
    assert.notEqual(status, 0);
    assert.match(output, /disk-budget.*headroom/s);
  });

  test("a long config reaches program and pack", async () => {
    const allowDataLoss = Array.from(
      { length: 1000 },
      (_, index) => `topic/arc/agents/a-topic-with-a-name-that-is-rather-long-${"x".repeat(40)}-${index}`,
    );
    const size = JSON.stringify(allowDataLoss).length;
    assert.ok(size > 90_000 && size < 120_000, String(size));
    const { status, output } = await fixture.preview({ settings: { nats: { memory: "200MB" }, allowDataLoss } });
    assert.equal(status, 0, output.slice(-2000));
    assert.match(output, /messaging@v/);
  });

  describe("npm run", () => {
    let stack: TestStack;
    before(async () => {
      stack = await TestStack.forNpmScripts();
      stack.configure({ durability: "interval" });
    });
    after(() => stack.dispose());

    for (const script of ["preview", "up"]) {
      test(`${script} is judged by the pack, and nothing is touched`, () => {
        const { status, output } = stack.npmScript(script);
        assert.notEqual(status, 0);
        assert.match(output, /\[mandatory\] +durable-storage /);
        assert.doesNotMatch(output, /\[mandatory\] +(?!durable-storage)\S/);
        assert.equal(existsSync(stack.prefix), false);
      });
    }

    for (const option of ["--skip-preview", "-f", "-yf", "--skip-preview=true"]) {
      test(`up ${option} is refused: policies on the whole stack would speak afterwards`, () => {
        const { status, output } = stack.npmScript("up", option);
        assert.equal(status, 1);
        assert.match(output, /an up without its preview would be judged by the policies when all is done; leave it out/);
      });
    }
  });
});
