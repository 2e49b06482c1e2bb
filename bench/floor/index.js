"use strict";
// FLOOR_COMMANDS commands that do nothing: on this machine, or over the SSH connection of FLOOR_CONNECTION (JSON).

const { local, remote } = require("@pulumi/command");
const pulumi = require("@pulumi/pulumi");

const connection = process.env["FLOOR_CONNECTION"];

for (let number = 0; number < Number(process.env["FLOOR_COMMANDS"]); number++) {
  const name = `command-${number}`;
  if (connection === undefined) new local.Command(name, { create: "true", update: "true" });
  else new remote.Command(name, { connection: pulumi.secret(JSON.parse(connection)), create: "true", update: "true" });
}
