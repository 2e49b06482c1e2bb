// Usage: npm run bench -- [name ...]; without a name, every benchmark. They print, put what they print into docs/speed.md, and judge nothing.
import { benchBridge } from "./bridge";
import { benchFetch } from "./fetch";
import { benchGrowth } from "./growth";
import { benchMemory } from "./memory";
import { benchNamespaces } from "./namespaces";
import { benchNats } from "./nats";
import { benchPeers } from "./peers";
import { benchPulsar } from "./pulsar";
import { showInDocs } from "./report";
import { recordSession } from "./session";
import { benchUp } from "./up";
import { benchWrapper } from "./wrapper";

const BENCHMARKS: Readonly<Record<string, () => Promise<void> | void>> = {
  nats: benchNats,
  pulsar: benchPulsar,
  bridge: benchBridge,
  namespaces: benchNamespaces,
  fetch: benchFetch,
  up: benchUp,
  peers: benchPeers,
  growth: benchGrowth,
  memory: benchMemory,
  wrapper: benchWrapper,
};

/** No benchmark, but a picture of what people run. */
const SESSION = "session";

async function main(names: readonly string[]): Promise<void> {
  for (const name of names.length === 0 ? [...Object.keys(BENCHMARKS), SESSION] : names) {
    if (name === SESSION) {
      await recordSession();
      continue;
    }
    const benchmark = BENCHMARKS[name];
    if (benchmark === undefined) throw new Error(`no benchmark ${name}: use ${[...Object.keys(BENCHMARKS), SESSION].join(", ")}`);
    await benchmark();
    showInDocs(name);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
