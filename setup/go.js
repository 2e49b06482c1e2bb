"use strict";
// Builds from the modules in offline/; their go.sum files pin every source.

const { spawnSync } = require("node:child_process");
const path = require("node:path");
const { cacheDir, root } = require("./paths.js");
const { withProgress } = require("./progress.js");
const { SetupError, logLines, runLogged } = require("./processes.js");
const { versions } = require("./versions.js");

/** Settings that say where modules come from: a mirror or a proxy of the user's is honoured. */
const fetching = ["GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOAUTH", "GOVCS"];

/** Settings that would change the binary. */
const shaping = ["GOAMD64", "GOARM64", "GOEXPERIMENT", "GODEBUG", "GOFIPS140", "GOTOOLDIR", "GOROOT", "GO111MODULE"];

/**
 * The environment of a reproducible build. The user's settings file is left out, since it may hold build flags;
 * what it says about fetching is kept.
 * @param {import("./paths.js").Platform} target
 * @returns {NodeJS.ProcessEnv}
 * @throws {SetupError} when Go does not answer
 */
function goEnvironment(target) {
  const { stdout, status, stderr } = spawnSync("go", ["env", "-json", ...fetching], { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`go env failed: ${stderr}`);
  const outside = Object.entries(process.env).filter(([name]) => !shaping.includes(name));
  const env = { ...Object.fromEntries(outside), .../** @type {Record<string, string>} */ (JSON.parse(stdout)) };
  const [goos, goarch] = target.split("-");
  return Object.assign(env, {
    GOENV: "off",
    GOFLAGS: "-mod=readonly",
    GOWORK: "off",
    GOTOOLCHAIN: `go${versions.go}`,
    CGO_ENABLED: "0",
    GOOS: goos,
    GOARCH: goarch,
    GOCACHE: process.env.GOCACHE || path.join(cacheDir(), "go-build"),
    GOMODCACHE: process.env.GOMODCACHE || path.join(cacheDir(), "go-mod"),
  });
}

/**
 * Builds one command from the module offline/<module>.
 * @param {string} module path of the folder below offline/, and of the log
 * @param {{ package: string, ldflags: string, target: import("./paths.js").Platform, output: string }} build
 * @throws {SetupError} when the build fails
 */
function goBuild(module, build) {
  const args = ["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", build.ldflags, "-o", build.output, build.package];
  const progress = () => {
    const lines = logLines(module);
    const fetched = lines.filter((line) => line.startsWith("go: downloading")).length;
    return `${fetched} modules fetched, ${lines.filter((line) => !line.startsWith("go: ")).length} packages compiled`;
  };
  const options = {
    cwd: path.join(root, "offline", module),
    env: goEnvironment(build.target),
    fix: "check that the Go module proxy can be reached (go env GOPROXY), then run the same command again",
  };
  return withProgress(`${module}: building with Go ${versions.go}`, progress, () => runLogged(module, "go", args, options));
}

module.exports = { goBuild, goEnvironment };
