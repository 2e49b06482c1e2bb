import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

/** The folders in the order in which data flows; each may import from the ones its entry names, and from itself. */
const arrows = {
  bench: ["config", "hosts", "render", "setup", "tasks"],
  config: [],
  hosts: ["config", "setup"],
  render: ["config"],
  tasks: ["config", "hosts", "render", "setup"],
  components: ["config", "hosts", "render", "tasks"],
  compose: ["components", "config", "hosts", "render", "tasks"],
  operations: ["config", "hosts", "policies", "setup"],
  setup: ["config"],
  offline: [],
  policies: [],
};

/** @param {string} message @param {string[]} group */
const imports = (message, ...group) => ({ group, message });

/** What the files of a folder must not import. @param {string} folder @param {string[]} allowed */
function forbidden(folder, allowed) {
  const others = Object.keys(arrows).filter((other) => other !== folder && !allowed.includes(other));
  return [
    imports(
      `${folder}/ imports from ${allowed.join(", ") || "no other folder"} only`,
      ...others.map((other) => `**/${other}/**`),
      "**/index",
    ),
    ...(["hosts", "offline", "bench"].includes(folder) ? [] : [imports("only hosts/ runs commands", "@pulumi/command", "@pulumi/docker")]),
    ...(folder === "render" ? [imports("render/ is pure", "@pulumi/*", "node:*")] : []),
  ];
}

export default defineConfig(
  // The clients have packages of their own, which are not installed here.
  { ignores: ["node_modules/", "examples/clients/node/"] },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "tsconfig.check.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      // What must return a promise is async, so that it cannot throw instead, whether it awaits or not.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_$" }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // node:test's describe, it and test return promises that it awaits itself.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["describe", "it", "test"] }] },
      ],
    },
  },
  Object.entries(arrows).map(([folder, allowed]) => ({
    files: [`${folder}/**/*.ts`, `${folder}/**/*.js`],
    rules: /** @type {const} */ ({ "no-restricted-imports": ["error", { patterns: forbidden(folder, allowed) }] }),
  })),
  {
    files: ["index.ts"],
    rules: {
      "no-restricted-imports": ["error", { patterns: [imports("index.ts only wires", "**/tasks/**", "**/render/**", "@pulumi/command")] }],
    },
  },
  {
    // setup/ runs before anything is installed, and policies/ at every preview, hence CommonJS that Node takes as it is.
    files: ["setup/**/*.js", "policies/**/*.js", "offline/*.js", "bench/floor/*.js", "test/policies/program/*.js"],
    languageOptions: {
      sourceType: "commonjs",
      globals: {
        process: "readonly",
        require: "readonly",
        module: "writable",
        __dirname: "readonly",
        URL: "readonly",
        setTimeout: "readonly",
        setInterval: "readonly",
        clearInterval: "readonly",
        Buffer: "readonly",
      },
    },
    rules: {
      "@typescript-eslint/no-require-imports": "off",
      // The linter does not see the casts of JSDoc; tsc does.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: { globals: { process: "readonly" } },
  },
);
