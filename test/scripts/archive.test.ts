import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { HostShell, USERLANDS } from "../support/host-shell";
import { eventually } from "../support/temporary";

/** Another process, because the host shell blocks this one. */
const FILE_SERVER = join(__dirname, "../support/file-server.mjs");

for (const userland of USERLANDS.filter(({ name }) => /^(bash|ash) /.test(name))) {
  describe(`an archive with a signature, ${userland.name}`, { timeout: 120_000 }, () => {
    const hasGpg = userland.path === undefined;
    let host: HostShell;
    let cache: string;
    let archive: string;
    let signer: string;
    let stranger: string;

    const digestOf = (file: string) => `sha512:${createHash("sha512").update(readFileSync(file)).digest("hex")}`;
    const gpg = (...args: string[]) => {
      const home = join(host.directory, "gnupg");
      const { status, stdout, stderr } = spawnSync(
        "gpg",
        ["--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", ...args],
        { encoding: "utf8" },
      );
      assert.equal(status, 0, stderr);
      return stdout;
    };
    /** Makes a key. @returns its fingerprint */
    const makeKey = (name: string) => {
      gpg("--quick-generate-key", name, "ed25519", "sign", "never");
      return /^fpr:+(\w+):/m.exec(gpg("--with-colons", "--fingerprint", name))?.[1] ?? "";
    };
    const sign = (key: string) => gpg("--local-user", key, "--armor", "--output", `${archive}.asc`, "--detach-sign", archive);
    const inputs = (overrides: Record<string, string>) => ({
      NAME: "product",
      VERSION: "1.0",
      ONLY: "",
      LINK: "yes",
      SIGNERS: signer,
      KEYS_URL: "http://127.0.0.1:9/KEYS",
      CACHE: cache,
      ...overrides,
    });
    const table = (digest: string, url = "-") => `product.tar.gz ${digest} product-1.0 ${url}\n`;
    const apply = (overrides: Record<string, string> = {}, body = table(digestOf(archive))) =>
      host.task("apply", "artifact", inputs(overrides), body);
    const nothingInstalled = () => assert.equal(existsSync(join(host.prefix, "opt/product")), false);

    before(() => {
      host = new HostShell(userland);
      cache = join(host.directory, "cache");
      mkdirSync(cache);
      mkdirSync(join(host.directory, "gnupg"), { mode: 0o700 });
      const tree = join(host.directory, "product-1.0");
      mkdirSync(join(tree, "bin"), { recursive: true });
      mkdirSync(join(tree, "lib"));
      writeFileSync(join(tree, "bin/start"), "#!/bin/sh\necho started\n", { mode: 0o755 });
      writeFileSync(join(tree, "lib/large.jar"), Buffer.alloc(300_000, "jar "));
      archive = join(cache, "product.tar.gz");
      spawnSync("tar", ["-czf", archive, "-C", host.directory, "product-1.0"]);
      signer = makeKey("Release Manager <manager@example.org>");
      stranger = makeKey("Stranger <stranger@example.org>");
      sign(signer);
      writeFileSync(join(cache, "KEYS"), gpg("--armor", "--export", signer, stranger));
    });
    after(() => {
      spawnSync("gpgconf", ["--homedir", join(host.directory, "gnupg"), "--kill", "all"]);
      host.dispose();
    });

    test("an altered archive is refused before it is unpacked", () => {
      const digest = digestOf(archive);
      const intact = readFileSync(archive);
      writeFileSync(archive, Buffer.concat([intact, Buffer.from("x")]));
      const outcome = apply({}, table(digest));
      assert.equal(outcome.status, 1);
      assert.match(outcome.stderr, /checksum mismatch in .*product\.tar\.gz\nexpected sha512:[0-9a-f]{128}\nfound {4}sha512:/);
      nothingInstalled();
      if (hasGpg) {
        const signed = apply();
        assert.equal(signed.status, 1, "the digest was changed with the archive, the signature was not");
        assert.match(signed.stderr, /no good signature by a pinned key[^]*BAD signature/);
        nothingInstalled();
      }
      writeFileSync(archive, intact);
    });

    // Without gpg nothing can be refused: the next test shows that the outcome says so.
    if (hasGpg) {
      test("a signature by another key, or by none that is known, is refused", () => {
        sign(stranger);
        assert.match(apply().stderr, /no good signature by a pinned key/);
        copyFileSync(join(cache, "KEYS"), join(host.directory, "KEYS"));
        writeFileSync(join(cache, "KEYS"), gpg("--armor", "--export", signer));
        assert.match(apply().stderr, /no good signature by a pinned key[^]*No public key/);
        copyFileSync(join(host.directory, "KEYS"), join(cache, "KEYS"));
        rmSync(`${archive}.asc`);
        assert.match(apply().stderr, /product\.tar\.gz\.asc is missing; nothing was installed/);
        nothingInstalled();
        sign(signer);
      });
    }

    test("a good one is installed whole, a second run changes nothing", () => {
      const outcome = apply();
      assert.equal(outcome.status, 0, outcome.stderr);
      const word = hasGpg ? `signed by ${signer}` : "signature not checked: this host has no gpg";
      assert.match(outcome.stdout, new RegExp(`product 1.0 installed from product.tar.gz, ${word}`));
      assert.equal(spawnSync(join(host.prefix, "opt/product/current/bin/start"), { encoding: "utf8" }).stdout, "started\n");
      assert.match(apply().stdout, /^unchanged$/m);
    });

    test("where the keys cannot be fetched the digest must match, and the outcome says so", () => {
      copyFileSync(join(cache, "KEYS"), join(host.directory, "KEYS"));
      rmSync(join(cache, "KEYS"));
      assert.match(apply({ VERSION: "1.1" }).stdout, /installed from product\.tar\.gz, signature not checked: \S+KEYS cannot be fetched/);
      copyFileSync(join(host.directory, "KEYS"), join(cache, "KEYS"));
    });

    test("an edited script, a changed mode, an added and a resized file are drift", () => {
      const installed = join(host.prefix, "opt/product/1.0");
      const differences = () => host.task("differences", "artifact", inputs({ LINK: "no" }), table(digestOf(archive))).stdout;
      const cases: (() => void)[] = [
        () => writeFileSync(join(installed, "bin/start"), "#!/bin/sh\necho stopped\n"),
        () => chmodSync(join(installed, "bin/start"), 0o644),
        () => writeFileSync(join(installed, "lib/added.jar"), "added"),
        () => writeFileSync(join(installed, "lib/large.jar"), Buffer.alloc(300_001)),
      ];
      for (const alter of cases) {
        assert.equal(differences(), "");
        alter();
        assert.match(differences(), /^expected: product 1\.0 contents [\w:]+\nfound: {4}product 1\.0 contents [\w:]+\n$/);
        assert.equal(apply().status, 0);
      }
    });

    test("a download that breaks off goes on where it stopped; a wrong one is thrown away", async () => {
      const server: ChildProcess = spawn(process.execPath, [FILE_SERVER, archive, "0", "cut"], { stdio: ["ignore", "pipe", "pipe"] });
      let requests = "";
      server.stderr?.on("data", (chunk: Buffer) => (requests += chunk.toString()));
      try {
        const [line] = (await once(server.stdout ?? server, "data")) as [Buffer];
        const url = `http://127.0.0.1:${line.toString().trim()}/product.tar.gz`;
        const remote = { CACHE: "/nonexistent", VERSION: "2.0", SIGNERS: "" };
        const outcome = apply(remote, table(digestOf(archive), url));
        assert.equal(outcome.status, 0, outcome.stderr);
        assert.match(outcome.stdout, /product 2\.0 installed from product\.tar\.gz/);
        const wrong = apply({ ...remote, VERSION: "2.1" }, table(`sha512:${"0".repeat(128)}`, url));
        assert.match(wrong.stderr, /checksum mismatch in http:/);
        assert.equal(existsSync(join(host.prefix, "var/cache/product/product.tar.gz")), false);
        await eventually("the second request asks for the rest", 5, () =>
          /^\/product\.tar\.gz 0\n\/product\.tar\.gz [1-9]\d+\n/.test(requests),
        );
      } finally {
        server.kill();
        await once(server, "exit");
      }
    });
  });
}
