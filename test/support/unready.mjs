// Usage: node unready.mjs PORT URL
// A proxy on 127.0.0.1:PORT for the HTTP server at URL that answers 500 to the first request of each path but
// the root, as a broker does that does not own the bundle yet.
import { createServer, request } from "node:http";

const [port, url] = process.argv.slice(2);
/** @type {Set<string>} */
const refused = new Set();
createServer((asked, answer) => {
  const path = asked.url ?? "";
  const about = `${asked.method} ${path}`;
  if (path !== "/" && !refused.has(about)) {
    refused.add(about);
    asked.resume().on("end", () => {
      answer
        .writeHead(500)
        .end(JSON.stringify({ reason: "\n --- An unexpected error occurred in the server ---\n\nMessage: not ready\n\nStacktrace:\n" }));
    });
    return;
  }
  const { method, headers } = asked;
  const forwarded = request(`${url ?? ""}${path}`, { method, headers }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(answer);
  });
  asked.pipe(forwarded);
}).listen(Number(port), "127.0.0.1");
