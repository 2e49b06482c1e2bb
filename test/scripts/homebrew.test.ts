import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { HostShell, USERLANDS } from "../support/host-shell";

/** What of Homebrew's command line the task uses, on a folder: a formula installs the version that stable says, `pin` is a file. */
const BREW = (home: string) => `#!/bin/sh
set -eu
cd ${home}
echo "$*" >>calls
for formula in "$@"; do :; done
formula=\${formula##*/}
case "$1 $2" in
"--cellar "*) echo ${home}/Cellar/$formula ;;
"list --pinned") ls pinned ;;
"list --versions") echo $formula $(ls Cellar/$formula) ;;
"info --json=v2") printf '{"formulae":[{"versions":{"stable":"%s"}}]}' "$(cat stable)" ;;
"install "*)
	version=$(cat stable)
	mkdir -p Cellar/$formula/$version/bin
	printf '#!/bin/sh\\necho "%s: v%s"\\n' $formula $version >Cellar/$formula/$version/bin/$formula
	chmod 755 Cellar/$formula/$version/bin/$formula
	;;
"pin "*) [ -d Cellar/$formula ] && : >pinned/$formula ;;
"unpin "*) rm pinned/$formula ;;
"uninstall "*) rm -r Cellar/$formula ;;
*) exit 64 ;;
esac
`;

for (const userland of USERLANDS) {
  describe(`a program from a stand-in for Homebrew, ${userland.name}`, { timeout: 120_000 }, () => {
    let host: HostShell;
    let home: string;

    before(() => {
      host = new HostShell(userland);
      home = join(host.directory, "homebrew");
      mkdirSync(join(home, "pinned"), { recursive: true });
      mkdirSync(host.programs);
      writeFileSync(join(host.programs, "brew"), BREW(home), { mode: 0o755 });
      host.installArtifact("gojq", true);
    });
    after(() => host.dispose());

    const offer = (version: string) => writeFileSync(join(home, "stable"), version);
    const task = (verb: "apply" | "differences" | "refusals" | "remove") =>
      host.task(verb, "homebrew", {
        NAME: "nats-server",
        VERSION: "2.10.29",
        LINK: "yes",
        FORMULA: "nats-io/tap/nats-server",
        EXECUTABLE: "nats-server",
      });
    const link = () => join(host.prefix, "opt/nats-server/2.10.29/nats-server");

    test("another version than the wanted one is refused before anything is installed", () => {
      offer("2.11.0");
      assert.match(task("refusals").stdout, /nats-server: 2\.10\.29 is wanted, Homebrew offers 2\.11\.0 as nats-io\/tap\/nats-server/);
      assert.match(task("apply").stderr, /refused, nothing was changed/);
      assert.equal(existsSync(join(home, "Cellar")), false);
    });

    test("the wanted one is installed and pinned; a second run changes nothing", () => {
      offer("2.10.29");
      const outcome = task("apply");
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.equal(readlinkSync(link()), join(home, "Cellar/nats-server/2.10.29/bin/nats-server"));
      assert.ok(existsSync(join(home, "pinned/nats-server")));
      assert.match(task("apply").stdout, /^unchanged$/m);
      offer("2.11.0");
      assert.equal(task("refusals").stdout, "", "what Homebrew offers does not matter once it is installed");
    });

    test("an unpinned formula, one that is another program by now, and one that is gone are drift", () => {
      rmSync(join(home, "pinned/nats-server"));
      assert.match(task("differences").stdout, /found: {4}nats-server 2\.10\.29 of Homebrew, which is 2\.10\.29, not pinned/);
      assert.equal(task("apply").status, 0);
      const binary = join(home, "Cellar/nats-server/2.10.29/bin/nats-server");
      const intact = readFileSync(binary);
      writeFileSync(binary, "#!/bin/sh\necho nats-server: v2.11.0\n");
      assert.match(task("differences").stdout, /found: {4}nats-server 2\.10\.29 of Homebrew, which is another version, pinned/);
      writeFileSync(binary, intact);
      rmSync(join(home, "Cellar"), { recursive: true });
      assert.match(task("differences").stdout, /found: {4}nats-server 2\.10\.29 absent from Homebrew/);
    });

    test("what we installed goes with the task, what was there stays, unpinned", () => {
      offer("2.10.29");
      assert.equal(task("apply").status, 0);
      assert.equal(task("remove").status, 0);
      assert.equal(existsSync(join(home, "Cellar/nats-server")), false);
      assert.equal(existsSync(join(host.prefix, "opt/nats-server")), false);
      assert.equal(spawnSync(join(host.programs, "brew"), ["install", "--formula", "nats-server"]).status, 0);
      assert.equal(task("apply").status, 0);
      assert.equal(task("remove").status, 0);
      assert.ok(existsSync(join(home, "Cellar/nats-server/2.10.29")));
      assert.equal(existsSync(join(home, "pinned/nats-server")), false);
    });
  });
}
