/**
 * What a function names when it calls another one: `{name}` in its own component, `{reference}` into a child
 * component, or `{functionHandle}`, which may have come from anywhere and is therefore signed.
 */
import { canonicalFunctionName } from "../protocol/deployedCode.ts";
import type { ComponentCode, DeployedCode } from "../protocol/deployedCode.ts";
import type { Secrets } from "../store/secrets.ts";
import type { FunctionAddress } from "./deployedFunctions.ts";
import { displayName, findFunction } from "./deployedFunctions.ts";
import type { SyscallArgs } from "./syscallArgs.ts";

const HANDLE_SCHEME = "function://";
const CHILD_REFERENCE = "_reference/childComponent/";

export class FunctionAddresses {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /**
   * @param from - Component of the calling function.
   * @throws Error when the address leads nowhere.
   */
  resolve(code: DeployedCode, from: ComponentCode, args: SyscallArgs): FunctionAddress {
    const handle = args.optionalString("functionHandle");
    if (handle !== null) return this.#ofHandle(handle);
    const reference = args.optionalString("reference");
    if (reference !== null) return ofReference(code, from, reference);
    return { componentPath: from.path, name: canonicalFunctionName(args.string("name")) };
  }

  /** Stays valid across pushes, as long as the function exists. */
  handleOf({ componentPath, name }: FunctionAddress): string {
    return HANDLE_SCHEME + this.#secrets.sign("functionHandle", JSON.stringify([componentPath, name]));
  }

  #ofHandle(handle: string): FunctionAddress {
    const text = handle.startsWith(HANDLE_SCHEME)
      ? this.#secrets.verify("functionHandle", handle.slice(HANDLE_SCHEME.length))
      : null;
    if (text === null) throw new Error(`Invalid function handle: ${handle}`);
    const [componentPath, name] = JSON.parse(text) as [string, string];
    return { componentPath, name };
  }
}

/** "_reference/childComponent/<child>/<module path>/<function>"; only public functions of a child can be referred to. */
function ofReference(code: DeployedCode, from: ComponentCode, reference: string): FunctionAddress {
  if (!reference.startsWith(CHILD_REFERENCE)) {
    throw new Error(`The reference '${reference}' does not name a function of a child component.`);
  }
  const [child = "", ...path] = reference.slice(CHILD_REFERENCE.length).split("/");
  const componentPath = from.children[child];
  if (componentPath === undefined)
    throw new Error(`Could not find the child component '${child}'. Is it installed in convex.config.ts?`);
  const exportName = path.pop() ?? "default";
  const address = { componentPath, name: canonicalFunctionName(`${path.join("/")}:${exportName}`) };
  if (findFunction(code, address).definition.visibility !== "public") {
    throw new Error(`${displayName(address.name)} in '${componentPath}' is internal to its component.`);
  }
  return address;
}
