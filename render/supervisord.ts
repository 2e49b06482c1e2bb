import type { Service } from "./service";
import { lines, MANAGED_BY } from "./text";

/** Where supervisord keeps its own files. */
export interface SupervisordPaths {
  readonly socket: string;
  readonly pidFile: string;
  readonly logFile: string;
  /** Directory of the program definitions. */
  readonly programsDirectory: string;
}

/** supervisord.conf: control over a socket of the user only, programs from their own files. http://supervisord.org/configuration.html */
export function supervisordConf(paths: SupervisordPaths): string {
  return [
    `; ${MANAGED_BY}\n`,
    section("unix_http_server", { file: paths.socket, chmod: "0700" }),
    section("supervisord", {
      logfile: paths.logFile,
      logfile_maxbytes: "10MB",
      logfile_backups: 3,
      pidfile: paths.pidFile,
      umask: "077",
      identifier: "messaging",
    }),
    section("rpcinterface:supervisor", {
      "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
    }),
    section("supervisorctl", { serverurl: `unix://${paths.socket}` }),
    section("include", { files: `${paths.programsDirectory}/*.conf` }),
  ].join("");
}

/**
 * The program section of a service. supervisord restarts it whenever it ends and rotates its log at 50 MB, five times; it enforces no memory cap.
 */
export function supervisordProgram(service: Service): string {
  return (
    `; ${MANAGED_BY}\n` +
    section(`program:${service.name}`, {
      command: [...(service.environmentFile?.launcher ?? []), ...service.command].join(" "),
      environment: Object.entries(service.environment)
        .map(([key, value]) => `${key}="${value}"`)
        .join(","),
      autorestart: "true",
      startsecs: service.startSeconds,
      startretries: 3,
      stopsignal: service.stopSignal,
      stopwaitsecs: service.stopTimeoutSeconds,
      redirect_stderr: "true",
      stdout_logfile: service.logFile,
      stdout_logfile_maxbytes: "50MB",
      stdout_logfile_backups: 5,
      umask: "077",
    })
  );
}

function section(name: string, entries: Readonly<Record<string, string | number>>): string {
  return `[${name}]\n${lines(entries, (key, value) => `${key}=${value}`)}`;
}
