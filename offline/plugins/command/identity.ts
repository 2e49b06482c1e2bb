/** The package name that the tokens of this plugin start with. */
export const pluginName = "command";

/** The version of the official plugin whose behaviour this stand-in follows. */
export const pluginVersion = "1.2.1";
