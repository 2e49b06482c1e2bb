import * as pulumi from "@pulumi/pulumi";

/** Lets Pulumi's SDK register resources without an engine, in project `messaging` and stack `test`. @param record is told about each resource */
export function mockPulumi(record: (resource: pulumi.runtime.MockResourceArgs) => void): Promise<void> {
  return pulumi.runtime.setMocks(
    {
      call: () => ({}),
      newResource: (resource) => {
        record(resource);
        return { id: `${resource.name}-id`, state: resource.inputs as object };
      },
    },
    "messaging",
    "test",
    false,
  );
}
