/**
 * Compiles a path glob to a pattern for whole paths: `*` and `?` stay within one folder, `**` crosses folders,
 * `[a-z]`, `[!a-z]`, `{one,two}` and `\` (takes the next character literally) are understood.
 * @throws if a bracket or brace is not closed
 */
export function globPattern(glob: string): RegExp {
  let pattern = "";
  let braces = 0;
  for (let at = 0; at < glob.length; at++) {
    const char = glob.charAt(at);
    if (char === "\\") {
      at++;
      pattern += literal(glob.charAt(at));
    } else if (char === "*") {
      const crossesFolders = glob[at + 1] === "*";
      pattern += crossesFolders ? "[^]*" : "[^/]*";
      at += crossesFolders ? 1 : 0;
    } else if (char === "?") {
      pattern += "[^/]";
    } else if (char === "[") {
      const end = closingBracket(glob, at);
      pattern += characterClass(glob.slice(at + 1, end));
      at = end;
    } else if (char === "{") {
      braces++;
      pattern += "(?:";
    } else if (char === "}" && braces > 0) {
      braces--;
      pattern += ")";
    } else if (char === "," && braces > 0) {
      pattern += "|";
    } else {
      pattern += literal(char);
    }
  }
  if (braces > 0) {
    throw new Error(`the glob ${JSON.stringify(glob)} has a { without its }`);
  }
  return new RegExp(`^(?:${pattern})$`, "u");
}

function closingBracket(glob: string, start: number): number {
  const end = glob.indexOf("]", start + 2);
  if (end < 0) {
    throw new Error(`the glob ${JSON.stringify(glob)} has a [ without its ]`);
  }
  return end;
}

function characterClass(content: string): string {
  const negated = content.startsWith("!");
  const characters = content.slice(negated ? 1 : 0).replace(/[\\[\]^]/g, "\\$&");
  return `[${negated ? "^" : ""}${characters}]`;
}

function literal(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}
