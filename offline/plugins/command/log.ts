import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { StringDecoder } from "node:string_decoder";
import type { OutputStream } from "./execute";

/** Shows the output of commands to the user while they run. */
export class EngineLog {
  private readonly client: EngineClient;

  /** @param address where the engine listens, as host:port */
  constructor(address: string) {
    this.client = new EngineClient(address, credentials.createInsecure());
  }

  /**
   * Starts to log one command.
   * @param urn the resource to show the lines at; empty for a function
   * @param logging which output to show: `stdout`, `stderr`, `stdoutAndStderr` (also the meaning of undefined); any
   * other value shows nothing
   */
  open(urn: string, logging: string | undefined): CommandLog {
    const shown = new Set<OutputStream>();
    if (logging === undefined || logging === "stdoutAndStderr" || logging === "stdout") {
      shown.add("stdout");
    }
    if (logging === undefined || logging === "stdoutAndStderr" || logging === "stderr") {
      shown.add("stderr");
    }
    return new CommandLog(shown, (line) => this.send(urn, line));
  }

  /** Ends the connection. */
  close(): void {
    this.client.close();
  }

  /** Resolves when the engine has the line, or is gone: a command must not fail because nobody watches it. */
  private send(urn: string, line: string): Promise<void> {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setUrn(urn);
    request.setMessage(line);
    // Ephemeral lines are the resource's current status; they are not repeated in the final diagnostics.
    request.setEphemeral(true);
    return new Promise((resolve) => {
      this.client.log(request, () => resolve());
    });
  }
}

/** The log of one command: cuts its output into lines and sends them in order. */
export class CommandLog {
  private readonly partial = { stdout: new LineBuffer(), stderr: new LineBuffer() };
  private sent: Promise<void> = Promise.resolve();

  constructor(
    private readonly shown: ReadonlySet<OutputStream>,
    private readonly send: (line: string) => Promise<void>,
  ) {}

  /** Takes output as it arrives. */
  write(stream: OutputStream, piece: Buffer): void {
    if (this.shown.has(stream)) {
      this.enqueue(this.partial[stream].push(piece));
    }
  }

  /** Sends what is left, and resolves when every line has arrived. */
  async end(): Promise<void> {
    this.enqueue([this.partial.stdout.rest(), this.partial.stderr.rest()]);
    await this.sent;
  }

  private enqueue(lines: string[]): void {
    for (const line of lines.filter((it) => it !== "")) {
      this.sent = this.sent.then(() => this.send(line));
    }
  }
}

class LineBuffer {
  private readonly decoder = new StringDecoder("utf8");
  private line = "";

  /** Adds a piece; returns the lines that it completes. */
  push(piece: Buffer): string[] {
    const lines = (this.line + this.decoder.write(piece)).split(/\r?\n/);
    this.line = lines.pop() ?? "";
    return lines;
  }

  /** The last line, if it has no newline. */
  rest(): string {
    return this.line + this.decoder.end();
  }
}
