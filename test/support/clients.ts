import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { goEnvironment } from "../../setup/go";
import { platform } from "../../setup/paths";
import { commandsOf } from "./commands";
import type { TestStack } from "./test-stack";

const CLIENTS = join(__dirname, "../../examples/clients");

/**
 * Runs the commands of the clients' README on a stack.
 * @returns what each client says that was as it should be, in the order of the README
 */
export function runClients(stack: TestStack): string[][] {
  const clients = join(stack.directory, "clients");
  cpSync(CLIENTS, clients, { recursive: true });
  // The caches of the setup hold most of what the client in Go is built from.
  const go = Object.entries(goEnvironment(platform())).filter(([name]) => /^(GO|CGO_)/.test(name));
  const variables = [...go, ["GOFLAGS", "-mod=readonly -trimpath"]].map(([name, value]) => `${name}=${value}`);
  const own: readonly (readonly [string, string])[] = [
    ["npm run -s outputs -- --json", "pulumi stack output --json --stack test"],
    ["/tmp/client", join(stack.directory, "python")],
    ["examples/clients", clients],
  ];
  return commandsOf(readFileSync(join(CLIENTS, "README.md"), "utf8")).flatMap((command) => {
    const text = own.reduce((line, [written, value]) => line.replaceAll(written, value), command);
    const { status, output } = stack.run("env", ...variables, "sh", "-c", text);
    assert.equal(status, 0, `${command}\n${output}`);
    return command.includes("outputs") ? [[...(output.match(/^\w+(?=: as it should be$)/gm) ?? [])]] : [];
  });
}

/** What the clients say when all was as it should be. */
export const EVERY_PATTERN = [
  ["publish_subscribe", "queue_group", "request_reply", "stream", "topic"],
  ["publishSubscribe", "queueGroup", "requestReply", "stream", "topic"],
  ["publishSubscribe", "queueGroup", "requestReply", "stream", "topic"],
];
