/** The token in an upload URL: says for which component, and when it was issued; signed, so that nobody makes one. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { Secrets } from "../store/secrets.ts";

const purpose = "upload";
const validMs = 60 * 60 * 1000;

export function issueUploadToken(secrets: Secrets, componentPath: ComponentPath, nowMs: number): string {
  return secrets.sign(purpose, JSON.stringify({ componentPath, issuedMs: nowMs }));
}

/** @throws DeploymentError in Convex's words when the token is none of ours, or older than an hour. */
export function componentOfUploadToken(secrets: Secrets, token: string, nowMs: number): ComponentPath {
  const text = secrets.verify(purpose, token);
  if (text === null) {
    throw new DeploymentError("StorageTokenInvalid", "Couldn't decode the StoreFileAuthorization token");
  }
  const { componentPath, issuedMs } = JSON.parse(text) as { componentPath: string; issuedMs: number };
  if (issuedMs + validMs <= nowMs)
    throw new DeploymentError("StorageTokenExpired", "Store File Authorization expired");
  return componentPath;
}
