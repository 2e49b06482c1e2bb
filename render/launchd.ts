import plist from "plist";
import type { Service } from "./service";

/** launchd has no cgroups: the memory cap is not in the property list, the runtime's own limits are all there is. */
export function launchdPlist(service: Service, label: string): string {
  const limits = { NumberOfFiles: service.openFiles };
  return (
    plist.build({
      Label: label,
      ProgramArguments: [...(service.environmentFile?.launcher ?? []), ...service.command],
      EnvironmentVariables: { ...service.environment },
      RunAtLoad: true,
      KeepAlive: true,
      // Seconds between two starts, the smallest launchd honours for a job that ends at once.
      ThrottleInterval: 1,
      ExitTimeOut: service.stopTimeoutSeconds,
      ProcessType: "Background",
      // 0o077: launchd takes a decimal integer.
      Umask: 0o077,
      StandardOutPath: service.logFile,
      StandardErrorPath: service.logFile,
      SoftResourceLimits: limits,
      HardResourceLimits: limits,
    }) + "\n"
  );
}
