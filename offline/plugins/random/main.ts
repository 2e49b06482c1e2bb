import { packageSchema } from "../common/schema";
import { serve } from "../common/serve";
import { randomBytesResource } from "./random-bytes";

const name = "random";
const version = "4.21.2";

const resources = new Map([["random:index/randomBytes:RandomBytes", randomBytesResource]]);

/** It differs from the official plugin in that it provides random bytes only. */
serve<undefined>({
  name,
  version,
  schema: () => packageSchema(name, version, resources),
  resources,
  functions: new Map(),
  open: () => undefined,
  cancel: async () => undefined,
  close: async () => undefined,
});
