import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { spareStackTraces } from "../../hosts/stack-traces";

afterEach(() => {
  Reflect.deleteProperty(Error, "prepareStackTrace");
  delete process.env["PULUMI_DEBUG_PROMISE_LEAKS"];
});

function debuggablePromise(): string | undefined {
  return new Error("of a promise").stack;
}

function anything(): string | undefined {
  return new Error("of anything else").stack;
}

test("the stack traces of the SDK's promises are spared, all others stay, and so do those when somebody looks for leaks", () => {
  Error.prepareStackTrace = (error) => `mapped ${error.message}`;
  spareStackTraces();
  assert.equal(debuggablePromise(), "");
  assert.equal(anything(), "mapped of anything else");
  process.env["PULUMI_DEBUG_PROMISE_LEAKS"] = "1";
  Error.prepareStackTrace = (error) => `mapped ${error.message}`;
  spareStackTraces();
  assert.equal(debuggablePromise(), "mapped of a promise");
});
