import type { Service } from "./service";
import { lines, MANAGED_BY } from "./text";

/**
 * Whose manager runs a unit. `system` units run as the given user and log to the journal of the given namespace. `user` units run as the user whose manager it is, which cannot sandbox as much, and caps memory
 * only where the system has delegated that.
 */
export type SystemdScope =
  | { readonly manager: "system"; readonly user: string; readonly journal: string }
  | { readonly manager: "user"; readonly capsMemory: boolean };

/** Above this part of the cap the kernel takes memory back and slows the process down, before it ends it at the cap. */
const HIGH = 0.95;

/** The limit of open files goes by steps: a changed unit takes a restart, and a few more connections should not. */
const OPEN_FILES_STEP = 16_384;

/** Ten restarts with pauses up to this are still within the five minutes of the start limit. */
const RESTART_MAX_DELAY_SECONDS = 30;

/**
 * A systemd unit. Type=exec because none of our services speaks sd_notify; the memory cap is the cgroup's, without swap, so that the budget is
 * honest. man 5 systemd.service, systemd.exec, systemd.resource-control
 */
export function systemdUnit(service: Service, scope: SystemdScope): string {
  const system = scope.manager === "system";
  const online = system ? "network-online.target" : undefined;
  const unit = {
    Description: service.description,
    Wants: online,
    After: online,
    StartLimitIntervalSec: 300,
    StartLimitBurst: 10,
  };
  const environment = Object.fromEntries(Object.entries(service.environment).map(([key, value]) => [`Environment=${key}`, value]));
  const capped = system || scope.capsMemory;
  const run = {
    Type: "exec",
    User: system ? scope.user : undefined,
    ExecStart: service.command.join(" "),
    ExecReload: service.reloads === true ? "/bin/kill -HUP $MAINPID" : undefined,
    ...environment,
    EnvironmentFile: service.environmentFile?.path,
    "EnvironmentFile=": service.environmentFile?.secret,
    KillSignal: `SIG${service.stopSignal}`,
    // What Java says when a signal ends it in an orderly way.
    SuccessExitStatus: service.compiles === true ? 143 : undefined,
    TimeoutStopSec: service.stopTimeoutSeconds,
    Restart: "always",
    RestartSec: 1,
    // Pauses that grow to the maximum. A systemd before 254 logs that it does not know the two and keeps to the first pause.
    RestartSteps: 5,
    RestartMaxDelaySec: RESTART_MAX_DELAY_SECONDS,
    LimitNOFILE: Math.ceil(service.openFiles / OPEN_FILES_STEP) * OPEN_FILES_STEP,
    MemoryMax: capped ? service.memoryBytes : undefined,
    MemoryHigh: capped ? Math.floor(service.memoryBytes * HIGH) : undefined,
    MemorySwapMax: capped ? 0 : undefined,
    OOMPolicy: "stop",
    // A user's manager may not go below its own.
    OOMScoreAdjust: system ? service.oomScoreAdjust : undefined,
    UMask: "0077",
    LogNamespace: system ? scope.journal : undefined,
  };
  return (
    `# ${MANAGED_BY}\n` +
    section("Unit", unit) +
    section("Service", { ...run, ...(system ? systemSandbox(service) : { NoNewPrivileges: "true" }) }) +
    section("Install", { WantedBy: system ? "multi-user.target" : "default.target" })
  );
}

function systemSandbox(service: Service): Record<string, string | undefined> {
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
    // Java sizes itself by what /proc says of the machine.
    ProcSubset: service.compiles === true ? undefined : "pid",
    RestrictAddressFamilies: "AF_INET AF_INET6",
    RestrictNamespaces: "true",
    RestrictRealtime: "true",
    RestrictSUIDSGID: "true",
    RemoveIPC: "true",
    // Everything we run listens on loopback and talks to nobody beyond it.
    IPAddressDeny: "any",
    IPAddressAllow: "localhost",
    LockPersonality: "true",
    MemoryDenyWriteExecute: service.compiles === true ? undefined : "true",
    CapabilityBoundingSet: "",
    SystemCallArchitectures: "native",
    SystemCallFilter: "@system-service",
    // A second line, because systemd drops denials that share a line with a permission.
    "SystemCallFilter=": "~@privileged @resources",
    SystemCallErrorNumber: "EPERM",
  };
}

/**
 * Limits of the journal that the system units of a stack write to: what it keeps at most, in files of a size at which it begins another, and for how long. A
 * service that floods it loses its own lines beyond the rate, and says so. man 5 journald.conf
 */
export function journaldConf(): string {
  const limits = {
    Storage: "persistent",
    SystemMaxUse: "512M",
    SystemMaxFileSize: "32M",
    MaxRetentionSec: "30day",
    RateLimitIntervalSec: "30s",
    RateLimitBurst: 20_000,
  };
  return `# ${MANAGED_BY}\n${section("Journal", limits)}`;
}

function section(name: string, entries: Readonly<Record<string, string | number | undefined>>): string {
  return `[${name}]\n${lines(entries, (key, value) => (key.endsWith("=") ? `${key}${value}` : `${key}=${value}`))}`;
}
