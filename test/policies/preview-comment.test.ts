import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MARKER, previewComment, withoutSecrets } from "../../operations/preview-comment";
import { removeDirectory, temporaryDirectory } from "../support/temporary";

const SCRIPT = join(__dirname, "../../.github/comment.sh");

describe("the comment on a pull request", () => {
  test("says for each stack what changes or what is refused, with the preview below it", () => {
    const comment = previewComment(
      [
        { stack: "dev", passed: true, output: "Resources:\n    + 2 to create\n    ~ 1 to update\n    3 changes. 14 unchanged\n" },
        { stack: "idle", passed: true, output: "Resources:\n    17 unchanged\n" },
        {
          stack: "prod",
          passed: false,
          output: "  - [mandatory]  ram-budget  (x)\n  - [mandatory]  ram-budget  (y)\n  - [mandatory]  disk-budget  (z)\n",
        },
        { stack: "odd", passed: false, output: "error: no such thing\n```\nquoted\n```" },
      ],
      {},
    );
    assert.ok(comment.startsWith(`${MARKER}\n`));
    assert.match(comment, /✅ <code>dev<\/code>: 2 to create, 1 to update</);
    assert.match(comment, /✅ <code>idle<\/code>: no changes</);
    assert.match(comment, /<details open><summary>❌ <code>prod<\/code>: refused by ram-budget, disk-budget</);
    assert.match(comment, /❌ <code>odd<\/code>: failed<[^]*\n````diff\nerror: no such thing\n```\nquoted\n```\n````/);
  });

  test("fits GitHub's limit", () => {
    const output = "x".repeat(80_000);
    const comment = previewComment(
      ["a", "b", "c"].map((stack) => ({ stack, passed: true, output })),
      {},
    );
    assert.ok(comment.length < 65_536, String(comment.length));
    assert.match(comment, /… 60000 characters more in the log of the run/);
  });

  test("holds no value of a secret variable and no colour", () => {
    const environment = { PULUMI_CONFIG_PASSPHRASE: "canary-one", GITHUB_TOKEN: "canary-one-and-more", HOME: "/home/me", API_KEY: "short" };
    assert.equal(
      withoutSecrets("\u001b[31mcanary-one\u001b[0m canary-one-and-more /home/me short", environment),
      "[secret] [secret] /home/me short",
    );
  });
});

describe(".github/comment.sh", () => {
  let directory: string;
  before(() => {
    directory = temporaryDirectory();
    // Records what gh is asked, and knows the comment that the file of this name says.
    const gh = `#!/bin/sh\nprintf '%s\\n' "$*" >>"${directory}/asked"\ncase $* in *--paginate*) cat "${directory}/known" ;; esac\n`;
    writeFileSync(join(directory, "gh"), gh, { mode: 0o755 });
    writeFileSync(join(directory, "comment.md"), `${MARKER}\ntext\n`);
  });
  after(() => removeDirectory(directory));

  for (const [what, known, asked] of [
    ["posts a comment where there is none", "", "--method POST repos/owner/name/issues/7/comments"],
    ["updates its own comment", "42\n43\n", "--method PATCH repos/owner/name/issues/comments/42"],
  ] as const) {
    test(what, () => {
      writeFileSync(join(directory, "known"), known);
      writeFileSync(join(directory, "asked"), "");
      const { status, stderr } = spawnSync("sh", [SCRIPT, "owner/name", "7", join(directory, "comment.md")], {
        encoding: "utf8",
        env: { ...process.env, PATH: `${directory}:${process.env["PATH"] ?? ""}` },
      });
      assert.equal(status, 0, stderr);
      const last = readFileSync(join(directory, "asked"), "utf8").trim().split("\n").at(-1) ?? "";
      assert.ok(last.includes(asked), last);
      assert.ok(last.endsWith(`--field body=@${join(directory, "comment.md")}`), last);
    });
  }
});
