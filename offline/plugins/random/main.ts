import { main } from "@pulumi/pulumi/provider";
import { randomBytesProvider } from "./random-bytes";

const parentPollMilliseconds = 500;

// An engine killed with SIGKILL says nothing: its plugins only find that they have another parent.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit(0);
}, parentPollMilliseconds);

main(randomBytesProvider, process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`fatal: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
