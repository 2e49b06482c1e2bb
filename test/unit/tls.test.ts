import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/load";
import { certificateText } from "../../config/tls";
import { natsServerConf } from "../../render/nats-server";

const DAY = 86_400_000;

test("a certificate has the names of loopback and those asked for, and is renewed half-way", () => {
  const tls = { names: ["broker.example.com", "10.0.0.1", "localhost"], lifetimeMilliseconds: 90 * DAY };
  const first = certificateText(tls, Date.UTC(2026, 0, 1));
  assert.equal(first.subjectAltNames, "DNS:localhost, IP Address:127.0.0.1, DNS:broker.example.com, IP Address:10.0.0.1");
  assert.equal(first.lifetimeDays, 90);
  assert.ok(first.validUntil > Date.UTC(2026, 0, 1) / 1000 + 45 * 86_400);
  assert.equal(certificateText(tls, Date.UTC(2026, 0, 1) + 45 * DAY).validUntil, first.validUntil + 45 * 86_400);
});

test("names, lifetimes and ports that cannot be are refused", () => {
  const refused = (config: Record<string, unknown>) => {
    try {
      parseConfig(config);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
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
