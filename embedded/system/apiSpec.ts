/** `convex function-spec`, and the list of functions that `convex run` prints when it does not find one. */
import type { ComponentCode } from "../protocol/deployedCode.ts";

export function apiSpec(component: ComponentCode | undefined): unknown[] {
  const functions = Object.entries(component?.functions ?? {}).map(
    ([identifier, { kind, visibility, args, returns }]) => ({
      functionType: kind.charAt(0).toUpperCase() + kind.slice(1),
      identifier,
      visibility: { kind: visibility },
      args,
      returns: returns ?? { type: "any" },
    }),
  );
  const routes = (component?.httpRoutes ?? []).map(({ method, path }) => ({
    functionType: "HttpAction",
    method,
    path,
  }));
  return [...functions, ...routes];
}
