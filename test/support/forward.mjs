// Usage: node forward.mjs PORT PID
// Lets a machine's port 22 be reached as 127.0.0.1:PORT: listens here, and a child in the network namespace of the process PID connects there.
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";

const [port, pid] = process.argv.slice(2);
if (process.send === undefined) {
  const server = createServer().listen(Number(port), "127.0.0.1", () => {
    const child = spawn("nsenter", [`--net=/proc/${pid ?? ""}/ns/net`, process.execPath, ...process.argv.slice(1)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.send("server", server, () => server.close());
    child.on("exit", () => process.exit(1));
    process.on("SIGTERM", () => {
      child.kill();
      process.exit(0);
    });
  });
} else {
  process.on("message", (_, /** @type {import("node:net").Server} */ server) => {
    server.on("connection", (client) => {
      const there = connect(22, "127.0.0.1");
      client.pipe(there).pipe(client);
      for (const [one, other] of [
        [client, there],
        [there, client],
      ]) {
        one?.on("error", () => other?.destroy());
        one?.on("close", () => other?.destroy());
      }
    });
  });
  process.on("disconnect", () => process.exit(0));
}
