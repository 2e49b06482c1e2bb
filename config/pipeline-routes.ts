import { isMap, isScalar, LineCounter, parseDocument, visit, type YAMLMap } from "yaml";
import { type StreamConfig, subjectsOverlap } from "./nats-streams";
import type { PipelineFile } from "./pipelines";
import { PIPELINES_ROLE } from "./pulsar-auth";

/** One end of a pipeline. */
interface End {
  readonly line: number;
  /** A JetStream stream, a Pulsar topic. */
  readonly place: string;
  readonly consumer?: string;
  /** What the role of the pipelines has to be permitted in the topic's namespace. */
  readonly action?: "consume" | "produce";
}

interface Route {
  readonly path: string;
  readonly sources: readonly End[];
  readonly sinks: readonly End[];
}

/** What the templates for an end are called, and the field that names the place. */
const SOURCES = { from_jetstream: "stream", from_pulsar: "topic" } as const;
const SINKS = { to_jetstream: "subject", to_pulsar: "topic" } as const;

/** The namespaces of a Pulsar that asks who a client is, as far as pipelines are concerned. */
export type Permissions = Readonly<Record<string, { readonly permissions: Readonly<Record<string, readonly string[]>> }>>;

type Streams = Readonly<Record<string, Pick<StreamConfig, "subjects" | "consumers">>>;

/**
 * What `benthos lint` does not see: ends that are not declared or not permitted, and messages that would go round in a circle.
 * @param files the pipelines that run; paths as messages call them
 * @param streams parsed `messaging:nats.streams`
 * @param environment what `${NAME}` stands for; else its default
 * @param namespaces parsed `messaging:namespaces`; undefined: Pulsar does not ask who a client is
 * @returns a line for each problem, with file, line and the fix
 */
export function brokenRoutes(
  files: readonly PipelineFile[],
  streams: Streams,
  environment: Readonly<Record<string, string | undefined>>,
  namespaces?: Permissions,
): string[] {
  const routes = files.map((file) => route(file, environment));
  const notPermitted = namespaces === undefined ? [] : routes.flatMap((one) => unpermitted(one, namespaces));
  return [...routes.flatMap((one) => undeclared(one, streams)), ...notPermitted, ...circles(routes, streams)];
}

function unpermitted({ path, sources, sinks }: Route, namespaces: Permissions): string[] {
  return [...sources, ...sinks].flatMap(({ line, place, action }) => {
    const namespace = namespaceOf(place);
    if (action === undefined || namespace.includes("*") || namespaces[namespace]?.permissions[PIPELINES_ROLE]?.includes(action)) return [];
    const key = `messaging:namespaces.${namespace}.permissions.${PIPELINES_ROLE}`;
    return [`${path}:${line}: ${key} does not have ${action}, so Pulsar refuses ${place}; add it`];
  });
}

/** Namespace of a topic by its whole or short name. */
function namespaceOf(topic: string): string {
  const parts = topic.replace(/^[a-z-]+:\/\//, "").split("/");
  return parts.length < 3 ? "public/default" : parts.slice(0, 2).join("/");
}

function undeclared({ path, sources, sinks }: Route, streams: Streams): string[] {
  const at = ({ line }: End) => `${path}:${line}`;
  const problemsOfSources = sources.flatMap((end) => {
    if (end.consumer === undefined) return [];
    const stream = streams[end.place];
    if (stream === undefined) return [`${at(end)}: messaging:nats.streams has no stream ${end.place}`];
    const consumer = stream.consumers[end.consumer];
    const key = `messaging:nats.streams.${end.place}.consumers`;
    if (consumer === undefined) return [`${at(end)}: ${key} has no ${end.consumer}; declare it`];
    if (consumer.maxDeliver === -1) return [];
    return [
      `${at(end)}: ${key}.${end.consumer} limits its deliveries, and what waits longer would be lost; leave maxDeliver and backoff out`,
    ];
  });
  const problemsOfSinks = sinks
    .filter(({ place }) => place.startsWith(SUBJECT) && streamsOf(place, streams).length === 0)
    .map((end) => `${at(end)}: no stream of messaging:nats.streams has the subject ${end.place.slice(SUBJECT.length)}`);
  return [...problemsOfSources, ...problemsOfSinks];
}

/** Marks a place that is a subject; which streams have it, the config says. */
const SUBJECT = "subject ";

function streamsOf(place: string, streams: Streams): string[] {
  const subject = place.slice(SUBJECT.length);
  return Object.entries(streams).flatMap(([name, { subjects }]) => (subjects.some((one) => subjectsOverlap(one, subject)) ? [name] : []));
}

/** Follows the routes from each source; a circle is reported once, at the pipeline that closes it. */
function circles(routes: readonly Route[], streams: Streams): string[] {
  const problems: string[] = [];
  const done = new Set<string>();
  const follow = (place: string, way: readonly { readonly place: string; readonly path: string }[]) => {
    if (done.has(place)) return;
    for (const { path, sources, sinks } of routes) {
      if (!sources.some((source) => source.place === place)) continue;
      for (const sink of sinks) {
        for (const next of sink.place.startsWith(SUBJECT) ? streamsOf(sink.place, streams) : [sink.place]) {
          const step = [...way, { place, path }];
          const start = step.findIndex((one) => one.place === next);
          if (start === -1) follow(next, step);
          else
            problems.push(
              `${path}:${sink.line}: messages go round: ${round(step.slice(start), next)}; take one of these pipelines out or send it elsewhere`,
            );
        }
      }
    }
    done.add(place);
  };
  for (const place of new Set(routes.flatMap(({ sources }) => sources.map((source) => source.place)))) follow(place, []);
  return problems;
}

function round(steps: readonly { readonly place: string; readonly path: string }[], end: string): string {
  return [...steps.map(({ place, path }) => `${place} -(${path})->`), end].join(" ");
}

function route({ path, text }: PipelineFile, environment: Readonly<Record<string, string | undefined>>): Route {
  const lines = new LineCounter();
  const sources: End[] = [];
  const sinks: End[] = [];
  const value = (map: YAMLMap, field: string) => {
    const node = map.get(field, true);
    const text = isScalar(node) && typeof node.value === "string" ? node.value : "";
    return { text: expand(text, environment), line: lines.linePos(node?.range?.[0] ?? map.range?.[0] ?? 0).line };
  };
  visit(parseDocument(text, { lineCounter: lines }), {
    Pair: (_, { key, value: map }) => {
      if (!isScalar(key) || !isMap(map)) return;
      const template = String(key.value);
      if (template in SOURCES) {
        const { text: place, line } = value(map, SOURCES[template as keyof typeof SOURCES]);
        sources.push({
          place,
          line,
          ...(template === "from_jetstream" ? { consumer: value(map, "consumer").text } : { action: "consume" }),
        });
      } else if (template in SINKS) {
        const { text: place, line } = value(map, SINKS[template as keyof typeof SINKS]);
        sinks.push(template === "to_jetstream" ? { line, place: SUBJECT + place } : { line, place, action: "produce" });
      }
    },
  });
  return { path, sources, sinks };
}

/** Replaces `${NAME}` and `${NAME:default}`; what depends on a message, `${! … }`, becomes the wildcard of one token. */
function expand(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text
    .replaceAll(/\$\{!.*?\}/g, "*")
    .replaceAll(/\$\{(\w+)(?::([^}]*))?\}/g, (_, name: string, fallback?: string) => environment[name] ?? fallback ?? "");
}
