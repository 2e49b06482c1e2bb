import { status, type handleUnaryCall, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { randomBytes } from "node:crypto";
import { diffResponse } from "./diffresponse";
import { copyToRemote } from "./copy";
import type { Context, FunctionHandler, ResourceHandler } from "./handlers";
import { pluginName, pluginVersion } from "./identity";
import { checkInputs, withDefaults, type CheckFailure } from "./inputs";
import { localCommand, localRun } from "./local";
import { remoteCommand } from "./remote";
import { packageSchema } from "./schema";
import { fromStruct, toStruct, type PropertyMap } from "./values";

const resources: ReadonlyMap<string, ResourceHandler> = new Map([
  ["command:local:Command", localCommand],
  ["command:remote:Command", remoteCommand],
  ["command:remote:CopyToRemote", copyToRemote],
]);
const functions: ReadonlyMap<string, FunctionHandler> = new Map([["command:local:run", localRun]]);

/**
 * The ResourceProvider service, as the engine calls it. It differs from that of the official plugin in that
 * - it provides commands, here and over SSH, and copies to a server, and nothing that is deprecated;
 * - a connection with a pinned host key asks the server for a key of that type;
 * - the output of a command with a secret input is secret (the official one stores it in clear unless
 *   `additionalSecretOutputs` names it);
 * - ending a command ends all of its process group, and commands do not outlive the engine;
 * - an archive has no hash of its own, and a preview gives a new resource no id.
 */
export function providerService(context: Context): UntypedServiceImplementation {
  return {
    getPluginInfo: unary<Empty, PluginInfo>(() => new PluginInfo().setVersion(pluginVersion)),
    getSchema: unary<rpc.GetSchemaRequest, rpc.GetSchemaResponse>(() => new rpc.GetSchemaResponse().setSchema(packageSchema())),
    checkConfig: unary<rpc.CheckRequest, rpc.CheckResponse>((request) => checkResponse(fromStruct(request.getNews()))),
    diffConfig: unary<rpc.DiffRequest, rpc.DiffResponse>(() => diffResponse({}, {}, {})),
    configure: unary<rpc.ConfigureRequest, rpc.ConfigureResponse>(() =>
      new rpc.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setAcceptresources(true),
    ),
    invoke: unary<rpc.InvokeRequest, rpc.InvokeResponse>((request) => invoke(context, request)),
    check: unary<rpc.CheckRequest, rpc.CheckResponse>(check),
    diff: unary<rpc.DiffRequest, rpc.DiffResponse>((request) =>
      diffResponse(fromStruct(request.getOlds()), fromStruct(request.getNews()), resourceHandler(request.getUrn()).inputs),
    ),
    create: unary<rpc.CreateRequest, rpc.CreateResponse>((request) => create(context, request)),
    read: unary<rpc.ReadRequest, rpc.ReadResponse>((request) =>
      new rpc.ReadResponse().setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs()),
    ),
    update: unary<rpc.UpdateRequest, rpc.UpdateResponse>((request) => update(context, request)),
    delete: unary<rpc.DeleteRequest, Empty>(async (request) => {
      const urn = request.getUrn();
      await resourceHandler(urn).delete(context, urn, fromStruct(request.getProperties()));
      return new Empty();
    }),
    cancel: unary<Empty, Empty>(() => {
      // The engine expects an answer at once; the commands' own calls fail as they end.
      void context.groups.endAll();
      return new Empty();
    }),
  };
}

function check(request: rpc.CheckRequest): rpc.CheckResponse {
  const { inputs: specs } = resourceHandler(request.getUrn());
  const inputs = fromStruct(request.getNews());
  const failures = checkInputs(inputs, specs);
  return checkResponse(failures.length > 0 ? inputs : withDefaults(inputs, specs), failures);
}

function checkResponse(inputs: PropertyMap, failures: CheckFailure[] = []): rpc.CheckResponse {
  return new rpc.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(failures.map(toFailure));
}

async function create(context: Context, request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
  const urn = request.getUrn();
  const handler = resourceHandler(urn);
  const inputs = fromStruct(request.getProperties());
  if (request.getPreview()) {
    return new rpc.CreateResponse().setProperties(toStruct(handler.previewCreate(inputs)));
  }
  const state = await handler.create(context, urn, inputs);
  const name = urn.split("::").slice(3).join("::");
  return new rpc.CreateResponse().setId(name + randomBytes(4).toString("hex")).setProperties(toStruct(state));
}

async function update(context: Context, request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
  const urn = request.getUrn();
  const handler = resourceHandler(urn);
  const olds = fromStruct(request.getOlds());
  const news = fromStruct(request.getNews());
  const state = request.getPreview() ? handler.previewUpdate(olds, news) : await handler.update(context, urn, olds, news);
  return new rpc.UpdateResponse().setProperties(toStruct(state));
}

async function invoke(context: Context, request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
  const handler = functions.get(request.getTok());
  if (!handler) {
    throw new UnknownTokenError("function", request.getTok());
  }
  const args = fromStruct(request.getArgs());
  const failures = checkInputs(args, handler.inputs);
  if (failures.length > 0) {
    return new rpc.InvokeResponse().setFailuresList(failures.map(toFailure));
  }
  return new rpc.InvokeResponse().setReturn(toStruct(await handler.invoke(context, withDefaults(args, handler.inputs))));
}

function resourceHandler(urn: string): ResourceHandler {
  const token = urn.split("::")[2]?.split("$").pop() ?? "";
  const handler = resources.get(token);
  if (!handler) {
    throw new UnknownTokenError("resource type", token);
  }
  return handler;
}

function toFailure({ property, reason }: CheckFailure): rpc.CheckFailure {
  return new rpc.CheckFailure().setProperty(property).setReason(reason);
}

/** Something was asked for that this plugin does not provide. */
class UnknownTokenError extends Error {
  constructor(kind: string, token: string) {
    super(`the ${kind} ${token} is not provided by this ${pluginName} plugin (${pluginVersion}, stand-in)`);
  }
}

function unary<Request, Response>(handle: (request: Request) => Response | Promise<Response>): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const answer = async () => callback(null, await handle(call.request));
    answer().catch((error: unknown) => {
      const code = error instanceof UnknownTokenError ? status.NOT_FOUND : status.UNKNOWN;
      callback({ code, details: error instanceof Error ? error.message : String(error) });
    });
  };
}
