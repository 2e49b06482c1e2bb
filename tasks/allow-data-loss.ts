import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/** Tells the host which objects may lose messages, before a task that would lose them runs. @param objects such as `stream/orders` */
export function allowDataLoss(host: Host, parent: pulumi.Resource, objects: readonly string[]): Task {
  return host.run(parent, {
    name: "allow-data-loss",
    script: "allow-data-loss",
    inputs: {},
    body: [...objects]
      .sort()
      .map((object) => `${object}\n`)
      .join(""),
    after: [],
  });
}
