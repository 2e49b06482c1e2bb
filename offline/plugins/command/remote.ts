import type { Client } from "ssh2";
import { commandError, withoutNewline, type CommandOutput, type OutputStream } from "./execute";
import type { Context, ResourceHandler } from "./context";
import { text, textMap } from "../common/inputs";
import { previewedOutputs, previousOutputs, previousOutputVariables, unknownOutputs } from "./outputs";
import { remoteCommandInputs } from "./specs";
import type { PropertyMap } from "../common/values";

/** `command:remote:Command`: a command over SSH for each step in a resource's life. */
export const remoteCommand: ResourceHandler = {
  inputs: remoteCommandInputs,
  previewCreate: (inputs) => ({ ...inputs, ...unknownOutputs }),
  previewUpdate: (olds, news) => ({ ...news, ...previewedOutputs(olds, news) }),
  create: async (context, urn, inputs) => ({
    state: await runRemotely(context, urn, text(inputs, "create"), inputs, { stdout: "", stderr: "" }),
  }),
  update: (context, { urn }, olds, news) =>
    runRemotely(context, urn, text(news, "update") ?? text(news, "create"), news, previousOutputs(olds)),
  delete: async (context, { urn }, state) => {
    await runRemotely(context, urn, text(state, "delete"), state, previousOutputs(state));
  },
};

async function runRemotely(
  context: Context,
  urn: string,
  command: string | undefined,
  inputs: PropertyMap,
  previous: PropertyMap,
): Promise<PropertyMap> {
  if (command === undefined) {
    return { ...inputs, ...previous };
  }
  const log = context.log.open(urn, text(inputs, "logging"));
  const printed = await context.connections
    .use(inputs.connection ?? null, (client) =>
      execute(client, command, {
        stdin: text(inputs, "stdin"),
        env: { ...textMap(inputs, "environment"), ...previousOutputVariables(inputs, previous) },
        onOutput: (stream, piece) => log.write(stream, piece),
      }),
    )
    .finally(() => log.end());
  return { ...inputs, ...printed };
}

interface RemoteExecution {
  readonly stdin: string | undefined;
  readonly env: Record<string, string>;
  readonly onOutput: (stream: OutputStream, piece: Buffer) => void;
}

/** Runs a command in the user's login shell there. Variables that the server does not accept (AcceptEnv) are left out by it, as with the official plugin. */
async function execute(client: Client, command: string, { stdin, env, onOutput }: RemoteExecution): Promise<CommandOutput> {
  const pieces: { stream: OutputStream; piece: Buffer }[] = [];
  const take = (stream: OutputStream) => (piece: Buffer) => {
    pieces.push({ stream, piece });
    onOutput(stream, piece);
  };
  const output = (stream?: OutputStream): string =>
    Buffer.concat(pieces.filter((it) => !stream || it.stream === stream).map(({ piece }) => piece)).toString();
  const failure = await new Promise<string | undefined>((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      // Everything may be in one packet with the answer, so nothing is awaited before the listeners are there.
      let ended: string | undefined = "the connection was lost before the command ended";
      channel.on("data", take("stdout"));
      channel.stderr.on("data", take("stderr"));
      // A command may end, or close its input, without having read all of it.
      channel.on("error", () => undefined);
      channel.on("exit", (code: number | null, signal?: string) => {
        ended = code === null ? `signal: ${signal ?? "unknown"}` : code === 0 ? undefined : `exit status ${code}`;
      });
      const end = () => {
        client.off("close", end);
        resolve(ended);
      };
      channel.on("close", end);
      client.on("close", end);
      channel.end(stdin ?? "");
    });
  });
  if (failure) {
    throw commandError(failure, command, output());
  }
  return { stdout: withoutNewline(output("stdout")), stderr: withoutNewline(output("stderr")) };
}
