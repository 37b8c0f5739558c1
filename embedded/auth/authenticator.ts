/** From a credential to a caller. Owns the keys of the providers that the running code names. */
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { Caller } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Credential } from "../protocol/mainMessages.ts";
import { defaultFetchRules, type FetchRules } from "./fetchDocument.ts";
import { KeyCache } from "./keyCache.ts";
import { fetchProviderKeys } from "./providerKeys.ts";
import { verifyToken } from "./verifyToken.ts";

export interface AuthenticatorParts {
  /** Of the code that runs now. */
  providers: () => readonly AuthProvider[];
  nowMs: () => number;
  rules?: Partial<FetchRules>;
}

/** Rejects with a DeploymentError that may be shown to whoever asked. */
export type Identify = (credential: Credential) => Promise<Caller>;

export interface Authenticator {
  identify: Identify;
  /** Code or environment changed. */
  forgetKeys(): void;
}

export function createAuthenticator({ providers, nowMs, rules }: AuthenticatorParts): Authenticator {
  const fetchRules = { ...defaultFetchRules, ...rules };
  const keys = new KeyCache((provider) => fetchProviderKeys(provider, fetchRules), nowMs);
  return {
    async identify(credential) {
      switch (credential.kind) {
        case "anonymous":
          return { kind: "anonymous" };
        case "admin":
          return { kind: "admin", impersonating: credential.impersonating };
        case "bearer":
          return await verifyToken(credential.token, { providers: providers(), keys, nowMs: nowMs() });
        case "refused":
          throw new DeploymentError("BadAdminKey", credential.reason);
        default:
          return credential satisfies never;
      }
    },
    forgetKeys: () => keys.forget(),
  };
}
