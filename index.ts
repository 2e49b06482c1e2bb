import { loadConfig } from "./config/load";
import { planRam } from "./config/ram";
import { HostTools } from "./components/host-tools";
import { natsGuarded, NatsJetStream } from "./components/nats-jetstream";
import { openHost } from "./hosts/open";

/** The stack: checks the config, observes the hosts, declares what they carry, and returns the endpoints. */
export = async () => {
  const config = loadConfig();
  const hosts: Record<string, object> = {};
  for (const [key, hostConfig] of Object.entries(config.hosts)) {
    const { plannedBytes, byComponent } = planRam(config);
    const host = await openHost(key, hostConfig, {
      plannedBytes,
      ports: wantedPorts(config.nats),
      guarded: (layout) => (config.nats === undefined ? [] : natsGuarded(config.nats, layout)),
      allowDataLoss: config.allowDataLoss,
    });
    const tools = new HostTools({ host, allowDataLoss: config.allowDataLoss }, { parent: host });
    const nats = config.nats === undefined ? undefined : new NatsJetStream({ host, tools, nats: config.nats }, { parent: host });
    hosts[key] = {
      ...(nats === undefined ? {} : { nats: nats.endpoints }),
      ram: { budget: config.ramBudgetBytes, planned: plannedBytes, enforcement: "runtime", byComponent },
      paths: { prefix: host.layout.prefix, logs: host.layout.logs },
    };
  }
  const [only] = Object.values(hosts);
  return { ...only, hosts };
};

function wantedPorts(nats: ReturnType<typeof loadConfig>["nats"]) {
  if (nats === undefined) return [];
  return Object.entries(nats.ports).map(([name, port]) => ({ port, configPath: `messaging:nats.ports.${name}` }));
}
