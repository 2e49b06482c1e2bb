import type { TaskText } from "../hosts/task";

/** A service that pipelines need and that is not of this stack. */
export interface Downstream {
  readonly host: string;
  readonly port: number;
  /** What the config says about it, for messages. */
  readonly what: string;
}

/** The question to a host whether it reaches what its pipelines need. It is asked and never declared. */
export function benthosGuard(downstreams: readonly Downstream[]): TaskText {
  return {
    name: "benthos-guard",
    script: "benthos-guard",
    inputs: {},
    body: downstreams.map(({ host, port, what }) => `${host} ${port} ${what}\n`).join(""),
  };
}
