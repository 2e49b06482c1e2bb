import type { Service } from "./service";
import { lines, MANAGED_BY } from "./text";

/** `system` units run as the given user; `user` units as the user whose manager it is, and a user manager cannot sandbox as much. */
export type SystemdScope = { readonly manager: "system"; readonly user: string } | { readonly manager: "user" };

/**
 * A systemd unit. Type=exec because none of our services speaks sd_notify; the memory cap is the cgroup's, without swap, so that the budget is
 * honest. man 5 systemd.service, systemd.exec, systemd.resource-control
 */
export function systemdUnit(service: Service, scope: SystemdScope): string {
  const online = scope.manager === "system" ? "network-online.target" : undefined;
  const unit = {
    Description: service.description,
    Wants: online,
    After: online,
    StartLimitIntervalSec: 300,
    StartLimitBurst: 10,
  };
  const environment = Object.fromEntries(Object.entries(service.environment).map(([key, value]) => [`Environment=${key}`, value]));
  const run = {
    Type: "exec",
    User: scope.manager === "system" ? scope.user : undefined,
    ExecStart: service.command.join(" "),
    ...environment,
    KillSignal: `SIG${service.stopSignal}`,
    TimeoutStopSec: service.stopTimeoutSeconds,
    Restart: "always",
    RestartSec: 1,
    LimitNOFILE: service.openFiles,
    MemoryMax: service.memoryBytes,
    MemorySwapMax: 0,
    OOMPolicy: "stop",
    UMask: "0077",
  };
  const sandbox = scope.manager === "system" ? systemSandbox(service) : { NoNewPrivileges: "true" };
  return (
    `# ${MANAGED_BY}\n` +
    section("Unit", unit) +
    section("Service", { ...run, ...sandbox }) +
    section("Install", { WantedBy: scope.manager === "system" ? "multi-user.target" : "default.target" })
  );
}

function systemSandbox(service: Service): Record<string, string> {
  return {
    NoNewPrivileges: "true",
    ProtectSystem: "strict",
    ReadWritePaths: service.writableDirectories.join(" "),
    ProtectHome: "true",
    PrivateTmp: "true",
    PrivateDevices: "true",
    PrivateUsers: "true",
    ProtectClock: "true",
    ProtectHostname: "true",
    ProtectKernelLogs: "true",
    ProtectKernelModules: "true",
    ProtectKernelTunables: "true",
    ProtectControlGroups: "true",
    ProtectProc: "invisible",
    ProcSubset: "pid",
    RestrictAddressFamilies: "AF_INET AF_INET6",
    RestrictNamespaces: "true",
    RestrictRealtime: "true",
    RestrictSUIDSGID: "true",
    LockPersonality: "true",
    MemoryDenyWriteExecute: "true",
    CapabilityBoundingSet: "",
    SystemCallArchitectures: "native",
    SystemCallFilter: "@system-service",
    // A second line, because systemd drops denials that share a line with a permission.
    "SystemCallFilter=": "~@privileged @resources",
  };
}

function section(name: string, entries: Readonly<Record<string, string | number | undefined>>): string {
  return `[${name}]\n${lines(entries, (key, value) => (key.endsWith("=") ? `${key}${value}` : `${key}=${value}`))}`;
}
