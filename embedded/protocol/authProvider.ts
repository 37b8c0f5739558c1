/** Who may vouch for users, as `auth.config.ts` gave it: checked, with URLs that carry their scheme. */

export interface OidcProvider {
  /** Issuer, whose discovery document names the keys. */
  domain: string;
  /** The audience of its tokens. */
  applicationID: string;
}

export interface CustomJwtProvider {
  type: "customJwt";
  issuer: string;
  /** URL of the keys, or a `data:` URI that holds them. */
  jwks: string;
  algorithm: "RS256" | "ES256";
  /** The audience of its tokens; null takes any. */
  applicationID: string | null;
}

export type AuthProvider = OidcProvider | CustomJwtProvider;

export function isCustomJwt(provider: AuthProvider): provider is CustomJwtProvider {
  return "type" in provider;
}

/**
 * Providers differ in whether they end their name with a slash, and people in whether they copy it. Counted from the end:
 * a regular expression would look at a stranger's row of slashes once for each of them.
 */
export function withoutTrailingSlashes(url: string): string {
  let end = url.length;
  while (url[end - 1] === "/") end--;
  return url.slice(0, end);
}

/** Whose name stands in the tokens' `iss`. */
export function issuerOf(provider: AuthProvider): string {
  return isCustomJwt(provider) ? provider.issuer : provider.domain;
}
