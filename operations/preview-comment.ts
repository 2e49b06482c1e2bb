/** The preview of one stack. */
export interface StackPreview {
  readonly stack: string;
  readonly passed: boolean;
  /** What the CLI printed. */
  readonly output: string;
}

/** First line of the comment, by which the next run finds it. */
export const MARKER = "<!-- messaging preview -->";

/** GitHub takes 65536 characters; the rest is for the frame. */
const LONGEST = 60_000;

/** Variables whose values are nobody's business. */
const SECRET = /PASSPHRASE|PASSWORD|TOKEN|SECRET|CREDENTIAL|_KEY$/;

// eslint-disable-next-line no-control-regex -- the escape that starts a colour
const COLOUR = /\u001b\[[0-9;]*m/g;

/**
 * A text without the values of secret variables, and without colours. Pulumi itself shows its secrets as [secret].
 * @param environment whose secrets are kept back; values shorter than six characters are no secrets
 */
export function withoutSecrets(text: string, environment: Readonly<NodeJS.ProcessEnv>): string {
  const secrets = Object.entries(environment).flatMap(([name, value]) =>
    SECRET.test(name) && value !== undefined && value.length >= 6 ? [value] : [],
  );
  // The longest first: one may hold another.
  const ordered = secrets.sort((one, other) => other.length - one.length);
  return ordered.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text.replace(COLOUR, ""));
}

/** The comment on a pull request, in Markdown: a line for each stack, and below it the whole preview. */
export function previewComment(previews: readonly StackPreview[], environment: Readonly<NodeJS.ProcessEnv>): string {
  const share = Math.floor(LONGEST / Math.max(1, previews.length));
  const sections = previews.map(({ stack, passed, output }) => {
    const text = withoutSecrets(output, environment).trim();
    const shown = text.length <= share ? text : `${text.slice(0, share)}\n… ${text.length - share} characters more in the log of the run`;
    // A fence longer than any in the text.
    const fence = "`".repeat(Math.max(3, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
    const verdict = passed ? "✅" : "❌";
    return `<details${passed ? "" : " open"}><summary>${verdict} <code>${stack}</code>: ${summary(text, passed)}</summary>\n\n${fence}diff\n${shown}\n${fence}\n\n</details>\n`;
  });
  return [
    MARKER,
    "### Preview of every stack",
    "Hosts are not looked at: what differs there from the state is not shown.",
    "",
    ...sections,
  ].join("\n");
}

/** One line on a preview: what it refuses, else what it changes. */
function summary(text: string, passed: boolean): string {
  const refused = [...new Set([...text.matchAll(/\[mandatory\] +(\S+)/g)].map(([, policy]) => policy))];
  if (refused.length > 0) return `refused by ${refused.join(", ")}`;
  if (!passed) return "failed";
  const counts = [...text.matchAll(/^ +[-+~]+ (\d+) to (create|update|delete|replace)$/gm)].map(([, count, what]) => `${count} to ${what}`);
  return counts.length > 0 ? counts.join(", ") : "no changes";
}
