import { readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import type { SFTPWrapper } from "ssh2";
import { sameValue } from "../common/diff";
import type { Context, ResourceHandler } from "./context";
import { text } from "../common/inputs";
import { copyInputs } from "./specs";
import { isObject, reveal, type PropertyMap } from "../common/values";

/** `command:remote:CopyToRemote`: a file or a folder copied over SFTP. Nothing is removed there, neither by an update nor by a delete. */
export const copyToRemote: ResourceHandler = {
  inputs: copyInputs,
  previewCreate: (inputs) => inputs,
  previewUpdate: (_, news) => news,
  create: async (context, _, inputs) => ({ state: await copy(context, inputs) }),
  update: async (context, _, olds, news) => {
    const copied = ["source", "remotePath"].every((name) => sameValue(olds[name], news[name]));
    return copied ? news : copy(context, news);
  },
  delete: async () => undefined,
};

async function copy(context: Context, inputs: PropertyMap): Promise<PropertyMap> {
  const source = reveal(inputs.source ?? null);
  const path = isObject(source) ? source.path : undefined;
  const contents = isObject(source) ? source.text : undefined;
  const remotePath = text(inputs, "remotePath") ?? "";
  await context.connections.use(inputs.connection ?? null, async (client) => {
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      client.sftp((error, session) => (error ? reject(error) : resolve(session)));
    });
    try {
      if (typeof path === "string") {
        await copyPath(sftp, path, remotePath);
      } else if (typeof contents === "string") {
        await pipeline([contents], sftp.createWriteStream(remotePath)).catch(failedAt(remotePath));
      } else {
        throw new Error("source must be a file, a folder or a text");
      }
    } finally {
      sftp.end();
    }
  });
  return inputs;
}

/** A file goes to the remote path or into the folder there; a folder goes into the one there, its contents alone when it ends in a slash. */
async function copyPath(sftp: SFTPWrapper, local: string, remotePath: string): Promise<void> {
  if ((await stat(local)).isDirectory()) {
    await makeFolder(sftp, remotePath);
    await copyFolder(sftp, local, local.endsWith("/") ? remotePath : posix.join(remotePath, basename(local)));
  } else {
    const there = await kindOf(sftp, remotePath);
    await copyFile(sftp, local, there === "folder" ? posix.join(remotePath, basename(local)) : remotePath);
  }
}

async function copyFolder(sftp: SFTPWrapper, local: string, remotePath: string): Promise<void> {
  await makeFolder(sftp, remotePath);
  for (const entry of await readdir(local, { withFileTypes: true })) {
    const [from, to] = [join(local, entry.name), posix.join(remotePath, entry.name)];
    await (entry.isDirectory() ? copyFolder(sftp, from, to) : copyFile(sftp, from, to));
  }
}

function copyFile(sftp: SFTPWrapper, local: string, remotePath: string): Promise<void> {
  // Many writes at once: one after the other takes a round trip for each 32 KiB.
  return new Promise<void>((resolve, reject) => {
    sftp.fastPut(local, remotePath, (error) => (error ? reject(error) : resolve()));
  }).catch(failedAt(remotePath));
}

async function makeFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  const there = await kindOf(sftp, path);
  if (there === "file") {
    throw new Error(`remote path ${path} exists but is not a directory`);
  }
  if (there === undefined) {
    await new Promise<void>((resolve, reject) => {
      sftp.mkdir(path, (error) => (error ? reject(error) : resolve()));
    }).catch(failedAt(path));
  }
}

function kindOf(sftp: SFTPWrapper, path: string): Promise<"file" | "folder" | undefined> {
  return new Promise((resolve) => {
    sftp.stat(path, (error, stats) => resolve(error ? undefined : stats.isDirectory() ? "folder" : "file"));
  });
}

function failedAt(remotePath: string): (error: unknown) => never {
  return (error) => {
    throw new Error(`failed to write remote path ${remotePath}: ${error instanceof Error ? error.message : String(error)}`);
  };
}
