import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObservation } from "../../hosts/observe";
import {
  exitCode,
  hostFindings,
  observationFindings,
  prerequisiteFinding,
  serviceFindings,
  supportFinding,
} from "../../operations/doctor-checks";

const NOW = new Date("2026-11-22T12:00:00Z");
const SECONDS = NOW.getTime() / 1000;

/** Self-signed, valid until 2036-11-19. */
const CERTIFICATE =
  "MIIBXzCCAQagAwIBAgIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARuYXRzMB4XDTI2MTEyMjIxMTQzNVoXDTM2MTExOTIxMTQzNVowDzENMAsGA1UEAwwEbmF0czBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJAnvphSgR8kZ7dIbFiktxj6ISRLu4OP4zeq0znTHvEkBs9xELLIOnf/rhetd8mdlO9KC7v+gFaGWAqDR/2+fhWjUzBRMB0GA1UdDgQWBBT2rPXDUTEI/7PpqJ3rmTLEJ69D0DAfBgNVHSMEGDAWgBT2rPXDUTEI/7PpqJ3rmTLEJ69D0DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFy4uwygWN8YcbeSBOwahhbx+6gaLuNQFtitE2pr/9QzAiBqhfOs627OBHg38cJGdA4YHXz+GqWTMiNtJuGpIWNdVQ==";

const severities = (report: string, now = NOW) => hostFindings(report, now).map(({ check, severity }) => `${check} ${severity}`);

test("bounds of a host: clock, memory, disk and open files", () => {
  assert.deepEqual(severities(`clock\t${SECONDS}\tyes\nmemory\t100\t50\nspace\t/p\t/\t100\t50\nfiles\tpulsar\t400\t20000\n`), [
    "clock ok",
    "memory ok",
    "disk / ok",
    "pulsar files ok",
  ]);
  assert.deepEqual(
    severities(`clock\t${SECONDS - 10}\tunknown\nmemory\t100\t9\nspace\t/p\t/data disk\t100\t14\nfiles\tpulsar\t85\t100\n`),
    ["clock warning", "memory warning", "disk /data disk warning", "pulsar files warning"],
  );
  assert.deepEqual(
    severities(`clock\t${SECONDS + 100}\tyes\nmemory\t100\t1\nspace\t/p\t/\t100\t4\nspace\t/q\t/\t100\t4\nfiles\tpulsar\t99\t100\n`),
    ["clock error", "memory error", "disk / error", "pulsar files error"],
  );
  assert.deepEqual(severities(`clock\t${SECONDS}\tno\nmemory\t100\t\nfiles\tpulsar\t99\tunlimited\n`), [
    "clock warning",
    "pulsar files ok",
  ]);
});

test("a certificate is a warning from 30 days before its end on, and then an error", () => {
  const at = (now: string) => severities(`certificate\t/p/etc/nats/cert.pem\t${CERTIFICATE}\n`, new Date(now));
  assert.deepEqual(at("2026-11-23"), ["certificate /p/etc/nats/cert.pem ok"]);
  assert.deepEqual(at("2036-11-01"), ["certificate /p/etc/nats/cert.pem warning"]);
  assert.deepEqual(at("2036-12-01"), ["certificate /p/etc/nats/cert.pem error"]);
});

test("a version is a warning from 90 days before its end on", () => {
  assert.equal(supportFinding("pulsar", "4.0.8", NOW).severity, "ok");
  assert.equal(supportFinding("pulsar", "4.0.8", new Date("2027-08-01")).severity, "warning");
  assert.match(supportFinding("pulsar", "3.3.6", NOW).found, /got its last fixes on 2024-12-05/);
});

test("what does not run or answer, or is near its cap, is told with what to do", () => {
  const product = { version: "2.12.8", endpoint: "", received: { messages: 0 }, sent: { messages: 0 } };
  const sample = { service: "nats-server", state: "running", memoryBytes: 95, uptime: "1", product };
  const findings = serviceFindings([sample, { ...sample, state: "fatal", memoryBytes: undefined, product: undefined }], () => 100);
  assert.deepEqual(
    findings.map(({ severity, found }) => `${severity} ${found}`),
    ["ok running, version 2.12.8", "warning 95B of 100B, 95 %", "error fatal, does not answer"],
  );
  assert.match(findings[2]?.advice ?? "", /npm run logs -- nats-server/);
});

test("strangers on our ports and drift are found; our own processes are not strangers", () => {
  const observation = parseObservation(
    "own\t7\nlistener\t4222\t7\tnats-server\nlistener\t8080\t9\tpython3\ntask\tlocal-nats-config\t2026-01-01T00:00:00Z\t1\ndifference\tlocal-nats-config\tfound:    other\n",
  );
  assert.deepEqual(
    observationFindings(observation).map(({ severity, check, found }) => `${severity} ${check}: ${found}`),
    ["error port 8080: held by python3", "warning drift: local-nats-config: found:    other"],
  );
});

test("a missing program is an error only where it is needed in any case; the exit code is that of the worst", () => {
  const missing = { name: "Go", least: "1.21", found: undefined, good: false, ways: "apt install golang-go" };
  assert.equal(prerequisiteFinding(missing, true).severity, "error");
  const optional = prerequisiteFinding(missing, false);
  assert.equal(optional.severity, "ok");
  const warning = { ...optional, severity: "warning" } as const;
  assert.deepEqual(
    [exitCode([optional]), exitCode([optional, warning]), exitCode([warning, prerequisiteFinding(missing, true)])],
    [0, 1, 2],
  );
});
