import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, formatBytes, size } from "../../config/units";

test("MB is 10^6 bytes, MiB is 2^20", () => {
  assert.equal(size("1B", "1TB").parse("500MB"), 500_000_000);
  assert.equal(size("1B", "1TB").parse("512MiB"), 512 * 1_048_576);
  assert.equal(size("1B", "1TB").parse("1.5 GiB"), 1.5 * 2 ** 30);
});

test("durations become milliseconds", () => {
  assert.equal(duration("1ms", "365d").parse("7d"), 7 * 86_400_000);
  assert.equal(duration("1ms", "365d").parse("250ms"), 250);
});

for (const given of ["-1MB", "500", 500, "500XB", "500mb", "0.3B", "1e3MB", "", "MB", "2TB", " 5MB", "toString"]) {
  test(`${JSON.stringify(given)} is no size up to 1TB`, () => {
    const result = size("1B", "1TB").safeParse(given);
    assert.equal(result.success, false);
    assert.match(result.error.issues[0]?.message ?? "", /^allowed: a size from 1B to 1TB with a unit/);
  });
}

test("bytes are shown in the unit that is exact, else rounded up", () => {
  assert.equal(formatBytes(500_000_000), "500MB");
  assert.equal(formatBytes(4 * 2 ** 30), "4GiB");
  assert.equal(formatBytes(33_554_432), "32MiB");
  assert.equal(formatBytes(533_554_432), "534MB");
  assert.equal(formatBytes(40), "40B");
  assert.equal(formatBytes(1001), "2kB");
});
