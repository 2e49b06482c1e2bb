import type * as pulumi from "@pulumi/pulumi";
import type { DockerEngine } from "../hosts/docker";
import type { Host, Task } from "../hosts/host";
import { digest, scriptText } from "../hosts/scripts";
import { dockerfile } from "../render/docker";

/** What goes into the image of a service, as it is installed on the host. */
export interface ImageContents {
  /** Its name in opt. */
  readonly name: string;
  readonly version: string;
  /** Does its `current` link go with it? */
  readonly link?: boolean;
}

/** An image that the host builds. */
export interface Image extends Task {
  /** Name and tag; the tag has the digest of all that goes in. */
  readonly name: string;
}

/** Scripts that go with every service. */
const SCRIPTS = ["start.sh", "pulsar-start.sh", "health.sh"] as const;

/** Builds the image of a service on the host, from the artefacts that are installed and verified there. */
export function image(
  host: Host,
  docker: DockerEngine,
  parent: pulumi.Resource,
  args: {
    readonly service: string;
    readonly version: string;
    readonly contents: readonly ImageContents[];
    readonly after: readonly Task[];
  },
): Image {
  const { service, version, contents, after } = args;
  const opt = host.layout.opt("", "").replace(/\/+$/, "");
  const recipe = dockerfile(opt, [...contents.map(({ name }) => name), "messaging"], docker.user);
  const artefacts = contents.flatMap(({ name, version, link }) => [`${name}/${version}`, ...(link === true ? [`${name}/current`] : [])]);
  const base = docker.base(host);
  const all = digest([recipe, base.digest, ...artefacts, ...SCRIPTS.map(scriptText)].join("\0"));
  const name = `localhost/messaging/${service}:${version}-${all}`;
  const task = host.run(parent, {
    name: `${service}-image`,
    script: "image",
    inputs: {
      ENGINE: docker.address,
      IMAGE: name,
      BASE: docker.baseImage,
      ARTEFACTS: [...artefacts, ...SCRIPTS.map((script) => `messaging/${script}`)].join(" "),
    },
    body: recipe,
    after: [base, ...after],
  });
  return { ...task, name };
}
