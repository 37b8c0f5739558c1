import type { AuthConfig } from "convex/server";

export default {
  providers: [
    {
      type: "customJwt",
      applicationID: "conformance",
      issuer: "https://issuer.test",
      jwks: process.env.CONFORMANCE_JWKS!,
      algorithm: "ES256",
    },
  ],
} satisfies AuthConfig;
