// eslint-disable-next-line @typescript-eslint/no-require-imports -- an import would be a view of the module, whose functions cannot be replaced
import log = require("@pulumi/pulumi/log");

/** Keeps secrets out of what the SDK tells with --debug or from verbosity 3 on: it prints each response of the engine whole, secret outputs in clear. */
export function withholdResponses(): void {
  const { debug } = log;
  const withheld: typeof debug = (message, ...rest) => debug(message.replace(/(RPC finished: .*?), resp: .*$/s, "$1"), ...rest);
  Object.assign(log, { debug: withheld });
}
