import { DiffResponse, PropertyDiff } from "@pulumi/pulumi/proto/provider_pb";
import { diffProperties, topLevelName, type ChangeKind } from "./diff";
import type { PropertySpecs } from "./inputs";
import type { PropertyMap } from "./values";

/**
 * Says what a change of inputs does to a resource, path by path.
 * @param state the old state; what is not an input in it is left out of the comparison
 * @param news the new inputs
 * @param specs the inputs there are, and which of them replace
 */
export function diffResponse(state: PropertyMap, news: PropertyMap, specs: PropertySpecs): DiffResponse {
  const olds = Object.fromEntries(Object.entries(state).filter(([name]) => name in specs));
  const changes = diffProperties(olds, news);
  const response = new DiffResponse().setHasdetaileddiff(true);
  response.setChanges(changes.size > 0 ? DiffResponse.DiffChanges.DIFF_SOME : DiffResponse.DiffChanges.DIFF_NONE);
  const names = new Set<string>();
  const replaces = new Set<string>();
  for (const [path, kind] of changes) {
    const name = topLevelName(path);
    const replace = specs[name]?.replaces === true;
    names.add(name);
    if (replace) {
      replaces.add(name);
    }
    response.getDetaileddiffMap().set(path, new PropertyDiff().setKind(wireKind(kind, replace)));
  }
  return response.setDiffsList([...names]).setReplacesList([...replaces]);
}

function wireKind(kind: ChangeKind, replace: boolean): PropertyDiff.Kind {
  switch (kind) {
    case "add":
      return replace ? PropertyDiff.Kind.ADD_REPLACE : PropertyDiff.Kind.ADD;
    case "delete":
      return replace ? PropertyDiff.Kind.DELETE_REPLACE : PropertyDiff.Kind.DELETE;
    case "update":
      return replace ? PropertyDiff.Kind.UPDATE_REPLACE : PropertyDiff.Kind.UPDATE;
  }
}
