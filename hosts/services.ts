import type { HostConfig } from "../config/hosts";
import type { Observation } from "./observe";

/** What keeps the services of a host alive: the system's manager, a user's own, a Docker engine, or supervisord, which comes with the stack. */
export type ServiceManager = "supervisord" | "systemd" | "systemd-user" | "launchd" | "launchd-user" | "docker";

/** A manager, or why the one that the config asks for cannot be had. */
type Choice = { readonly manager: ServiceManager } | { readonly problem: string };

/** What the choice goes by. */
type ServiceFacts = Pick<Observation, "init" | "root" | "lingers"> & Partial<Pick<Observation, "platform" | "engine">>;

/**
 * The service manager of a host. `auto` means, over SSH, what the system has: systemd or launchd, of the user without root, else supervisord; on this very
 * machine supervisord, which leaves the system alone.
 * @param configPath of the host, for the words of a problem
 */
export function chooseServices(config: HostConfig, facts: ServiceFacts, configPath: string): Choice {
  const systems = systemServices(facts);
  switch (config.services) {
    case "supervisord":
      return { manager: "supervisord" };
    case "docker":
      return dockerServices(facts, configPath);
    case "auto":
      return { manager: config.connection === "local" ? "supervisord" : (systems ?? "supervisord") };
    default:
      if (systems?.startsWith(config.services) === true) return { manager: systems };
      return { problem: `${configPath}.services: got "${config.services}"; ${missing(config.services, facts)}` };
  }
}

function dockerServices({ platform = "", engine }: ServiceFacts, configPath: string): Choice {
  // The images have the programs of the host.
  if (!platform.startsWith("linux"))
    return { problem: `${configPath}.services: got "docker"; allowed: on Linux, which ${platform} is not` };
  if (engine?.version !== undefined) return { manager: "docker" };
  const why = engine?.problem ?? "it was not asked";
  return { problem: `${configPath}.docker.engine: no Docker engine answers (${why}); start it, or let this user reach its socket` };
}

function systemServices({ init, root, lingers }: Pick<Observation, "init" | "root" | "lingers">): ServiceManager | undefined {
  if (init === "launchd") return root ? "launchd" : "launchd-user";
  if (init === "systemd" && root) return "systemd";
  return init === "systemd" && lingers ? "systemd-user" : undefined;
}

function missing(services: "systemd" | "launchd", { init }: Pick<Observation, "init">): string {
  if (init !== services) return `allowed: auto or supervisord, because ${services} is not what runs as process 1 there`;
  return "without root its user's manager has to outlive sessions: run `loginctl enable-linger USER` there as root once, or take supervisord";
}

/** Do the caps of memory hold by cgroups? Else the runtimes' own limits are all there is. */
export function capsMemory(manager: ServiceManager, { userMemory }: Pick<Observation, "userMemory">): boolean {
  return manager === "systemd" || manager === "docker" || (manager === "systemd-user" && userMemory);
}

/** What is missing for the caps of memory of a user's systemd to hold; undefined where they do, and under other managers. */
export function uncapped(manager: ServiceManager, { userMemory }: Pick<Observation, "userMemory">): string | undefined {
  if (manager !== "systemd-user" || userMemory) return undefined;
  return (
    "its user's systemd cannot cap memory, the runtimes' own limits are all there is (enforcement: runtime); " +
    "caps take cgroup v2 with Delegate=memory for user@.service, or root"
  );
}
