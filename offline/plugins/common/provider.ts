import { status, type handleUnaryCall, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { randomBytes } from "node:crypto";
import { diffResponse } from "./diffresponse";
import type { Plugin, ResourceHandler } from "./handlers";
import { checkInputs, withDefaults, type CheckFailure } from "./inputs";
import { fromStruct, toStruct, type PropertyMap } from "./values";

/** The ResourceProvider service of a plugin, as the engine calls it. A preview gives a new resource no id. */
export function providerService<Context>(plugin: Plugin<Context>, context: Context): UntypedServiceImplementation {
  return new Provider(plugin, context).service();
}

class Provider<Context> {
  constructor(
    private readonly plugin: Plugin<Context>,
    private readonly context: Context,
  ) {}

  service(): UntypedServiceImplementation {
    const { plugin, context } = this;
    return {
      getPluginInfo: unary<Empty, PluginInfo>(() => new PluginInfo().setVersion(plugin.version)),
      getSchema: unary<rpc.GetSchemaRequest, rpc.GetSchemaResponse>(() => new rpc.GetSchemaResponse().setSchema(plugin.schema())),
      checkConfig: unary<rpc.CheckRequest, rpc.CheckResponse>((request) => checkResponse(fromStruct(request.getNews()))),
      diffConfig: unary<rpc.DiffRequest, rpc.DiffResponse>(() => diffResponse({}, {}, {})),
      configure: unary<rpc.ConfigureRequest, rpc.ConfigureResponse>((request) => {
        plugin.configure?.(context, fromStruct(request.getArgs()));
        return new rpc.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setAcceptresources(true);
      }),
      invoke: unary<rpc.InvokeRequest, rpc.InvokeResponse>((request) => this.invoke(request)),
      check: unary<rpc.CheckRequest, rpc.CheckResponse>((request) => this.check(request)),
      diff: unary<rpc.DiffRequest, rpc.DiffResponse>((request) =>
        diffResponse(fromStruct(request.getOlds()), fromStruct(request.getNews()), this.handler(request.getUrn()).inputs),
      ),
      create: unary<rpc.CreateRequest, rpc.CreateResponse>((request) => this.create(request)),
      read: unary<rpc.ReadRequest, rpc.ReadResponse>((request) => this.read(request)),
      update: unary<rpc.UpdateRequest, rpc.UpdateResponse>((request) => this.update(request)),
      delete: unary<rpc.DeleteRequest, Empty>(async (request) => {
        const urn = request.getUrn();
        await this.handler(urn).delete(context, { urn, id: request.getId() }, fromStruct(request.getProperties()));
        return new Empty();
      }),
      cancel: unary<Empty, Empty>(() => {
        // The engine expects an answer at once; the calls that are under way fail as they end.
        void plugin.cancel(context);
        return new Empty();
      }),
    };
  }

  private check(request: rpc.CheckRequest): rpc.CheckResponse {
    const { inputs: specs } = this.handler(request.getUrn());
    const inputs = fromStruct(request.getNews());
    const olds = fromStruct(request.getOlds());
    for (const name of Object.keys(specs).filter((each) => specs[each]?.named)) {
      inputs[name] ??= olds[name] ?? `${nameOf(request.getUrn())}-${randomBytes(4).toString("hex").slice(1)}`;
    }
    const failures = checkInputs(inputs, specs);
    return checkResponse(failures.length > 0 ? inputs : withDefaults(inputs, specs), failures);
  }

  private async create(request: rpc.CreateRequest): Promise<rpc.CreateResponse> {
    const urn = request.getUrn();
    const handler = this.handler(urn);
    const inputs = fromStruct(request.getProperties());
    if (request.getPreview()) {
      return new rpc.CreateResponse().setProperties(toStruct(handler.previewCreate(inputs)));
    }
    const { id, state } = await handler.create(this.context, urn, inputs);
    return new rpc.CreateResponse().setId(id ?? nameOf(urn) + randomBytes(4).toString("hex")).setProperties(toStruct(state));
  }

  private async read(request: rpc.ReadRequest): Promise<rpc.ReadResponse> {
    const urn = request.getUrn();
    const handler = this.handler(urn);
    const unchanged = new rpc.ReadResponse().setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs());
    if (handler.read === undefined) return unchanged;
    const state = await handler.read(this.context, { urn, id: request.getId() }, fromStruct(request.getProperties()));
    return state === undefined ? new rpc.ReadResponse() : unchanged.setProperties(toStruct(state));
  }

  private async update(request: rpc.UpdateRequest): Promise<rpc.UpdateResponse> {
    const urn = request.getUrn();
    const handler = this.handler(urn);
    const olds = fromStruct(request.getOlds());
    const news = fromStruct(request.getNews());
    const identity = { urn, id: request.getId() };
    const state = request.getPreview() ? handler.previewUpdate(olds, news) : await handler.update(this.context, identity, olds, news);
    return new rpc.UpdateResponse().setProperties(toStruct(state));
  }

  private async invoke(request: rpc.InvokeRequest): Promise<rpc.InvokeResponse> {
    const handler = this.plugin.functions.get(request.getTok());
    if (!handler) {
      throw new UnknownTokenError("function", request.getTok(), this.plugin);
    }
    const args = fromStruct(request.getArgs());
    const failures = checkInputs(args, handler.inputs);
    if (failures.length > 0) {
      return new rpc.InvokeResponse().setFailuresList(failures.map(toFailure));
    }
    return new rpc.InvokeResponse().setReturn(toStruct(await handler.invoke(this.context, withDefaults(args, handler.inputs))));
  }

  private handler(urn: string): ResourceHandler<Context> {
    const token = urn.split("::")[2]?.split("$").pop() ?? "";
    const handler = this.plugin.resources.get(token);
    if (!handler) {
      throw new UnknownTokenError("resource type", token, this.plugin);
    }
    return handler;
  }
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function checkResponse(inputs: PropertyMap, failures: CheckFailure[] = []): rpc.CheckResponse {
  return new rpc.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(failures.map(toFailure));
}

function toFailure({ property, reason }: CheckFailure): rpc.CheckFailure {
  return new rpc.CheckFailure().setProperty(property).setReason(reason);
}

/** Something was asked for that this plugin does not provide. */
class UnknownTokenError extends Error {
  constructor(kind: string, token: string, { name, version }: { readonly name: string; readonly version: string }) {
    super(`the ${kind} ${token} is not provided by this ${name} plugin (${version}, stand-in)`);
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
