import { z } from "zod";

/**
 * An absolute path without characters that a shell, an INI file or nats-server.conf would read as syntax. `what` names the thing in messages.
 */
export function absolutePath(what: string): z.ZodString {
  const message = `allowed: ${what} as an absolute path of letters, digits and . _ + @ - with no trailing slash`;
  return z.string(message).regex(/^(\/[A-Za-z0-9._+@-]+)+$/, message);
}

/** The longest `prefix` in characters: supervisord's socket below it must fit sun_path, 104 bytes on macOS (man 4 unix). */
export const PREFIX_MAX_LENGTH = 80;
