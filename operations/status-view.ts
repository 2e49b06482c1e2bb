import { formatBytes } from "../config/units";
import type { Flow, FlowRates, RatedProduct, ServiceStatus } from "./status-report";
import { table, TERMINAL_COLUMNS } from "./table";

/** The state of a service for people, in lines of at most 80 columns. */
export function statusLines({ host, service, state, memoryBytes, uptime, capBytes, enforcement, product }: ServiceStatus): string[] {
  const head = `${host}/${service} ${product?.version ?? ""}  ${state}`;
  const memory = memoryBytes === undefined ? [] : [`  ${memoryLine(memoryBytes, capBytes, enforcement)}`];
  if (product === undefined) return [`${head}, does not answer`, ...memory];
  const { connections, subscriptions = 0, slowConsumers = 0, alerts } = product;
  const tables = [streamTable(product), consumerTable(product), topicTable(product), pipelineTable(product)];
  return [
    `${head}${uptime === undefined ? "" : `, up ${uptime}`}`,
    `  ${product.endpoint}`,
    ...memory,
    `  in ${flow(product.received)}  out ${flow(product.sent)}`,
    ...(connections === undefined
      ? []
      : [`  connections ${connections}  subscriptions ${subscriptions}  slow consumers since the start ${slowConsumers}`]),
    ...(alerts === undefined
      ? []
      : [`  alerts: ${alerts.length === 0 ? "none" : alerts.length}`, ...alerts.map((alert) => `    ${alert}`)]),
    ...sharedLines(product),
    ...tables.flatMap((rows) => (rows.length < 2 ? [] : table(rows, 1, TERMINAL_COLUMNS).split("\n"))),
  ];
}

function memoryLine(bytes: number, capBytes: number | undefined, enforcement: string): string {
  const cap = capBytes === undefined ? "" : ` of ${formatBytes(capBytes)}, ${share(bytes, capBytes)} (${enforcement})`;
  return `memory ${formatBytes(bytes)}${cap}`;
}

function share(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

function flow({ messagesPerSecond, bytesPerSecond }: Flow & FlowRates): string {
  const bytes = bytesPerSecond === undefined ? "" : `, ${formatBytes(Math.round(bytesPerSecond))}/s`;
  return `${rate(messagesPerSecond)}/s${bytes}`;
}

/** A rate with the digits that mean something; a dash where it is not known. */
function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return "-";
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

type Rows = readonly (readonly string[])[];

function streamTable({ streams = [] }: RatedProduct): Rows {
  const rows = streams.map(({ name, receivedPerSecond, messages, bytes, maxBytes }) => [
    name,
    rate(receivedPerSecond),
    String(messages),
    formatBytes(bytes),
    maxBytes === null ? "-" : share(bytes, maxBytes),
  ]);
  return [["stream", "in/s", "messages", "stored", "of limit"], ...rows];
}

function consumerTable({ consumers = [] }: RatedProduct): Rows {
  const rows = consumers.map(({ stream, name, sentPerSecond, lag, unacknowledged, redelivered }) => [
    `${stream}/${name}`,
    rate(sentPerSecond),
    String(lag),
    String(unacknowledged),
    String(redelivered),
  ]);
  return [["consumer", "out/s", "lag", "unacknowledged", "redelivered"], ...rows];
}

function topicTable({ topics = [] }: RatedProduct): Rows {
  const rows = topics.flatMap(({ name, receivedPerSecond, bytes, subscriptions }) => [
    [name.replace(/^persistent:\/\//, ""), rate(receivedPerSecond), "", formatBytes(bytes)],
    ...subscriptions.map((subscription) => [
      `  ${subscription.name}${subscription.blocked ? " (blocked)" : ""}`,
      "",
      rate(subscription.sentPerSecond),
      "",
      String(subscription.backlog),
      String(subscription.unacknowledged),
    ]),
  ]);
  return [["topic, its subscriptions", "in/s", "out/s", "stored", "backlog", "unacknowledged"], ...rows];
}

function pipelineTable({ pipelines = [] }: RatedProduct): Rows {
  const rows = pipelines.map((pipeline) => [
    pipeline.openBreakers.length === 0 ? pipeline.name : `${pipeline.name} (open: ${pipeline.openBreakers.join(", ")})`,
    rate(pipeline.receivedPerSecond),
    rate(pipeline.sentPerSecond),
    lag(pipeline),
    String(pipeline.errors),
  ]);
  return [["pipeline", "in/s", "out/s", "lag", "errors"], ...rows];
}

function sharedLines({ shared }: RatedProduct): string[] {
  if (shared === undefined) return [];
  const { errors, deadLetters, openBreakers } = shared;
  const letters = Object.entries(deadLetters).map(([consumer, count]) => `  dead letters of ${consumer}: ${count}`);
  return [
    ...(errors === 0 ? [] : [`  errors of shared resources: ${errors}`]),
    ...(openBreakers.length === 0 ? [] : [`  open circuit breakers: ${openBreakers.join(", ")}`]),
    ...letters,
  ];
}

function lag({ lagMessages, lagMilliseconds }: { readonly lagMessages: number | null; readonly lagMilliseconds: number | null }): string {
  if (lagMessages !== null) return String(lagMessages);
  return lagMilliseconds === null ? "-" : `${(lagMilliseconds / 1000).toFixed(1)}s`;
}
