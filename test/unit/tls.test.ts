import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { parseConfig } from "../../config/load";
import { certificateProblems } from "../../config/own-certificate";
import { certificateText, clientsOf } from "../../config/tls";
import { natsServerConf } from "../../render/nats-server";
import { issuedByStranger } from "../support/certificates";
import { removeDirectory, temporaryDirectory } from "../support/temporary";

const DAY = 86_400_000;

test("a certificate has the names of loopback, that for its neighbours and those asked for, and is renewed half-way", () => {
  const tls = { names: ["broker.example.com", "10.0.0.1", "localhost"], lifetimeMilliseconds: 90 * DAY };
  const first = certificateText(tls, "nats-server", Date.UTC(2026, 0, 1));
  assert.equal(first.subjectAltNames, "DNS:localhost, IP Address:127.0.0.1, DNS:nats-server, DNS:broker.example.com, IP Address:10.0.0.1");
  assert.equal(first.lifetimeDays, 90);
  assert.ok(first.validUntil > Date.UTC(2026, 0, 1) / 1000 + 45 * 86_400);
  assert.equal(certificateText(tls, "nats-server", Date.UTC(2026, 0, 1) + 45 * DAY).validUntil, first.validUntil + 45 * 86_400);
});

/** What a config is refused with. */
function refused(config: Record<string, unknown>): string {
  try {
    parseConfig(config);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("names, lifetimes and ports that cannot be are refused", () => {
  assert.match(refused({ nats: { tls: { names: ["a b"] } } }), /nats\.tls\.names\.0: got "a b"/);
  assert.match(refused({ nats: { tls: { lifetime: "1h" } } }), /nats\.tls\.lifetime/);
  assert.match(refused({ pulsar: { tls: { ports: { web: 8080 } } } }), /pulsar\.tls\.ports/);
  assert.match(
    refused({ nats: { ports: { client: 6651 } }, pulsar: { tls: {} } }),
    /pulsar\.tls\.ports\.broker: .*a port other than nats\.ports\.client/,
  );
  assert.equal(refused({ nats: { tls: {} }, pulsar: { tls: {} } }), "");
});

test("nats-server.conf names certificate and key, and no TLS without", () => {
  const { nats } = parseConfig({ nats: { tls: {} } });
  assert.ok(nats);
  const paths = { storeDir: "/d", pidFile: undefined };
  const text = natsServerConf(nats, "n", { ...paths, tls: { certificate: "/e/server.pem", key: "/e/server.key" } });
  assert.match(text, /^tls \{\n {2}cert_file: "\/e\/server.pem" # restart\n {2}key_file: "\/e\/server.key" # restart\n\}$/m);
  assert.doesNotMatch(natsServerConf(nats, "n", paths), /tls/);
});

const directory = temporaryDirectory();
after(() => removeDirectory(directory));

test("a certificate that clients would refuse is refused with the key that it is about", () => {
  const issued = issuedByStranger(directory, "one");
  const text = (path: string) => readFileSync(path, "utf8");
  const own = { certificate: text(issued.certificate), key: text(issued.key), ca: text(issued.ca) };
  const other = issuedByStranger(directory, "other");
  const now = Date.now();
  const found = (changed: Partial<typeof own>, names: string[] = [], at = now) =>
    certificateProblems({ ...own, ...changed }, names, at).map(({ key, message }) => `${key}: ${message}`);
  assert.deepEqual(found({}), []);
  assert.match(found({}, [], now + 3 * DAY).join(), /^certificate: allowed: one that is valid now; this one is from /);
  assert.match(
    found({}, ["*.example.com"]).join(),
    /^certificate: allowed: one for \*\.example\.com as well; this one is for IP Address:127\.0\.0\.1/,
  );
  assert.match(found({ key: text(other.key) }).join(), /^key: allowed: the private key of the certificate/);
  assert.match(found({ ca: text(other.ca) }).join(), /^ca: allowed: the authority that has signed the certificate/);
  assert.deepEqual(found({ certificate: own.certificate + own.ca }), []);
  const problems = refused({ nats: { tls: { own: { ...issued, key: other.key } } }, pulsar: { tls: { own: { ...own, ca: "/nowhere" } } } });
  assert.match(problems, /messaging:nats\.tls\.own\.key: got \[secret\]; allowed: the private key of the certificate/);
  assert.match(problems, /messaging:pulsar\.tls\.own\.ca: got "\/nowhere"; allowed: the certificate of the authority in PEM/);
  assert.doesNotMatch(problems, /PRIVATE KEY/);
  const contained = { hosts: { local: { services: "docker" } }, nats: { tls: { own } } };
  assert.doesNotThrow(() => parseConfig(contained));
  const benthos = { pipelines: { "ingestion/http_to_jetstream": {} } };
  assert.match(refused({ ...contained, benthos }), /nats\.tls\.own\.certificate: .*allowed: one for nats-server as well/);
});

test("clients of all servers get certificates, the stack's own first of all; none where no server asks", () => {
  const { nats, pulsar } = parseConfig({ nats: { tls: { clients: ["agents"], lifetime: "10d" } }, pulsar: { tls: { clients: ["llm"] } } });
  assert.deepEqual(clientsOf(nats?.tls, pulsar?.tls), { names: ["agents", "llm", "operator"], lifetimeMilliseconds: 10 * DAY });
  assert.equal(clientsOf(parseConfig({ nats: { tls: {} } }).nats?.tls, undefined), undefined);
  assert.match(refused({ nats: { tls: { clients: ["operator"] } } }), /nats\.tls\.clients\.0: got "operator"/);
});
