// Serves a file on 127.0.0.1 and answers ranges: file-server.mjs FILE [PORT [cut|altered [BYTES_PER_SECOND]]]. `cut` breaks the first answer off in the middle,
// `altered` changes the last byte. Prints its port, and on standard error the path and the first byte of each request.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const [file = "", port = "0", mode = "", rate = "Infinity"] = process.argv.slice(2);
const data = readFileSync(file);
if (mode === "altered") data.writeUInt8(data.readUInt8(data.length - 1) ^ 1, data.length - 1);
let cut = mode === "cut";

/** Sends the bytes up to an end, at the wanted rate. @param {import("node:http").ServerResponse} response @param {number} start @param {number} end */
async function send(response, start, end) {
  const piece = Math.min(data.length, Math.ceil(Number(rate) / 10));
  for (let at = start; at < end && !response.destroyed; at += piece) {
    await new Promise((resolve) => response.write(data.subarray(at, Math.min(at + piece, end)), resolve));
    if (rate !== "Infinity") await sleep(100);
  }
}

const server = createServer((request, response) => {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  process.stderr.write(`${request.url} ${start}\n`);
  const headers = { "Content-Length": data.length - start, "Content-Range": `bytes ${start}-${data.length - 1}/${data.length}` };
  response.writeHead(start > 0 ? 206 : 200, headers);
  const breaks = cut;
  cut = false;
  const sent = send(response, start, breaks ? Math.floor(data.length / 2) : data.length);
  void sent.then(() => (breaks ? response.destroy() : response.end()));
});
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : address}\n`);
});
