/** A long-running process in words that each service manager's definition is rendered from. */
export interface Service {
  /** Name of the unit, program or label. */
  readonly name: string;
  readonly description: string;
  /** Absolute path of the executable and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** More of it in a file of KEY="value" lines, which changes without the definition; undefined: none. */
  readonly environmentFile?: {
    readonly path: string;
    /** One more, with secrets, which is there before the service; undefined: none. */
    readonly secret?: string | undefined;
    /** What comes before the command under a manager that reads no such file. */
    readonly launcher: readonly string[];
  };
  /** Does SIGHUP make it read its config again? */
  readonly reloads?: boolean;
  /** Does it compile code while it runs, as Java does? Such a process may not be kept from writing what it executes. */
  readonly compiles?: boolean;
  /** Cap of the process's memory in bytes, where the manager can enforce one. */
  readonly memoryBytes: number;
  /** Limit of open file descriptors. */
  readonly openFiles: number;
  /** Who goes first when the host runs out of memory: from -1000, never, to 1000. What holds no messages goes before what does. */
  readonly oomScoreAdjust: number;
  /** Seconds that the process has to run for a start to count: one that ends earlier is tried three times more and then given up. */
  readonly startSeconds: number;
  /** Signal that stops the process in an orderly way. */
  readonly stopSignal: "INT" | "TERM";
  /** Seconds after the stop signal until the process is killed. */
  readonly stopTimeoutSeconds: number;
  /** Absolute paths of the directories that the process writes. */
  readonly writableDirectories: readonly string[];
  /** What a manager has to know that gives the service a network of its own. */
  readonly network: {
    /** Ports that clients use. */
    readonly ports: readonly number[];
    /** What answers 200 over HTTP while the service is well, and the file with the token that it asks for, if it does. */
    readonly health: { readonly port: number; readonly path: string; readonly tokenFile?: string | undefined };
  };
  /** Absolute path of the log, for managers that capture standard output to a file. */
  readonly logFile: string;
}
