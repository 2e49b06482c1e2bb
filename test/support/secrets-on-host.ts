import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine";

const PATTERNS = "/root/canaries";
const SEEN = "/root/processes";

/** A user of the host who is nobody in particular. */
const NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups";

/** Writes down what every process of a machine shows to whoever looks, until it is asked. @returns what asks: all of it */
export function watchProcesses(machine: Machine): () => string {
  machine.exec(
    `systemd-run --quiet --unit watcher sh -c 'while :; do for f in /proc/[0-9]*/cmdline; do tr "\\000" " " <"$f"; echo; done; sleep 0.1; done >${SEEN} 2>/dev/null'`,
  );
  return () => machine.exec(`systemctl stop watcher; cat ${SEEN}`);
}

/** What the journals of a machine have, those of its sshd and of the services among them. */
export function journals(machine: Machine): string {
  return machine.exec("journalctl --no-pager --namespace='*'");
}

/** Files below the prefix that have one of some secrets, each with its permissions. */
export function holders(machine: Machine, secrets: readonly string[]): { readonly path: string; readonly mode: string }[] {
  const file = join(machine.directory, "canaries");
  writeFileSync(file, secrets.join("\n"), { mode: 0o600 });
  machine.copy(file, PATTERNS);
  const found = machine.exec(`grep -rlF -f ${PATTERNS} /opt/messaging | xargs ls -l | awk '{ print $1, $NF }'`);
  return lines(found).map((line) => {
    const [mode = "", path = ""] = line.split(" ");
    return { path, mode: mode.slice(0, 10) };
  });
}

/** Asserts that a user without rights reads no file that has a secret (after `holders`), and changes nothing below the prefix. */
export function assertNobodyMay(machine: Machine): void {
  const mayOf = (test: "-r" | "-w", what: string) =>
    lines(
      machine.exec(
        `find /opt/messaging ${what} > /tmp/all; chmod 644 /tmp/all; ${NOBODY} sh -c 'while IFS= read -r path; do if [ ${test} "$path" ]; then echo "$path"; fi; done' < /tmp/all`,
      ),
    );
  const read = mayOf("-r", "-type f");
  const leaked = read.filter((path) => machine.exec(`grep -lF -f ${PATTERNS} '${path}' || :`) !== "");
  assert.deepEqual(leaked, []);
  // Configs and the ledger are nobody's business either.
  assert.deepEqual(
    read.filter((path) => /\/etc\/|\/ledger\//.test(path) && !/\.pem$/.test(path)),
    [],
  );
  assert.deepEqual(mayOf("-w", "! -type l"), []);
  assert.match(machine.exec(`${NOBODY} sh -c 'cat /proc/$(pgrep -o nats-server)/environ' 2>&1 || :`), /Permission denied/);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
