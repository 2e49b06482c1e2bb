import { MANAGED_BY } from "./text";

/**
 * The recipe of a service's image: what the host has installed, where the host has it, so that every path in a config is the same in and out of a container.
 * @param opt directory of the installed products
 * @param names what of it goes in
 * @param user user and group that own the files and run the service, by number
 */
export function dockerfile(opt: string, names: readonly string[], user: string): string {
  const copies = names.map((name) => `COPY --chown=${user} ${name} ${opt}/${name}\n`);
  // Hadoop, in Pulsar's offloader, asks for the name of its user.
  const named = `RUN echo 'messaging:x:${user}::/:/bin/sh' >>/etc/passwd\n`;
  return `# ${MANAGED_BY}\nARG BASE\nFROM $BASE\n${named}${copies.join("")}USER ${user}\n`;
}
