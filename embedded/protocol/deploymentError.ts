/** The one error of the deployment that a caller may see, with its codes, their HTTP status and their cause. */

/** `user`: the caller or the pushed code can mend it; `system`: the deployment or its machine. */
const codes = {
  BadRequest: { status: 400, cause: "user" }, // the request has not the shape its endpoint wants
  BadConvexFunctionIdentifier: { status: 400, cause: "user" }, // a function's path that no module can have
  Unsupported: { status: 400, cause: "user" }, // Convex has it, this deployment has not; 400 keeps the CLI from retrying
  BadJsonBody: { status: 400, cause: "user" },
  BadFormat: { status: 400, cause: "user" }, // of a function's result
  MissingIdentifier: { status: 400, cause: "user" }, // /api/run without module and function
  BadQueryArgs: { status: 400, cause: "user" }, // a parameter of the URL is missing or wrong
  SnapshotNotKept: { status: 400, cause: "user" }, // of a query at a timestamp since which something was written
  BadHeader: { status: 400, cause: "user" },
  InvalidStoragePath: { status: 400, cause: "user" }, // the URL of a file that storage.getUrl did not make
  Sha256Mismatch: { status: 400, cause: "user" }, // an upload is not what its sender said
  InvalidModules: { status: 400, cause: "user" }, // the pushed code does not load or declares something impossible
  TypecheckError: { status: 400, cause: "user" }, // what a component is given does not fit what it declares
  SchemaDefinitionError: { status: 400, cause: "user" }, // the schema contradicts itself or breaks a rule of its own
  InvalidAuthConfig: { status: 400, cause: "user" }, // what auth.config.ts exports
  InvalidCron: { status: 400, cause: "user" }, // a cron that no time or no schedule fits
  AuthConfigMissingEnvironmentVariable: { status: 400, cause: "user" }, // the CLI prints how to set it
  MissingEnvironmentVariables: { status: 400, cause: "user" }, // the CLI prints how to set them
  EnvironmentVariableNameInvalid: { status: 400, cause: "user" },
  EnvironmentVariableNameTooLong: { status: 400, cause: "user" },
  EnvironmentVariableValueTooLarge: { status: 400, cause: "user" },
  EnvVarNameForbidden: { status: 400, cause: "user" }, // one of the deployment's own
  EnvVarLimitMet: { status: 400, cause: "user" },
  EnvVarTotalSizeLimitMet: { status: 400, cause: "user" },
  RequiredEnvironmentVariable: { status: 400, cause: "user" }, // removed, though the app declares that it needs it
  RaceDetected: { status: 400, cause: "user" }, // another push or `env set` came between; the CLI pushes again
  Unauthenticated: { status: 401, cause: "user" }, // no credential, or one that does not verify
  StorageTokenInvalid: { status: 401, cause: "user" }, // an upload URL that was not made here
  StorageTokenExpired: { status: 401, cause: "user" },
  InvalidHeaderFailure: { status: 400, cause: "user" }, // an Authorization header too short to be one
  InvalidAdminKey: { status: 400, cause: "user" }, // one of another scheme
  HeaderParseFailure: { status: 400, cause: "user" }, // one whose identity cannot be read
  InvalidAuthHeader: { status: 401, cause: "user" }, // a token that is none, or does not verify
  NoAuthProvider: { status: 401, cause: "user" }, // a token of nobody we know
  AuthProviderDiscoveryFailed: { status: 400, cause: "user" }, // the provider of a token cannot be asked for its keys
  AuthProviderOverloaded: { status: 503, cause: "user" }, // the same, but it may pass
  BadAdminKey: { status: 401, cause: "user" }, // fatal to the CLI, as a wrong key should be
  OriginNotAllowed: { status: 403, cause: "user" }, // a browser's page that is none of the app's
  NotFound: { status: 404, cause: "user" }, // no such endpoint
  FileNotFound: { status: 404, cause: "user" }, // never stored, or deleted
  MethodNotAllowed: { status: 405, cause: "user" },
  UploadTimedOut: { status: 408, cause: "user" },
  TooManyConcurrentRequests: { status: 429, cause: "user" },
  PortTaken: { status: 500, cause: "system" },
  FolderInUse: { status: 500, cause: "system" },
  FolderUnusable: { status: 500, cause: "system" }, // the data folder cannot be made, read or written
  DiskFull: { status: 507, cause: "system" },
  Unavailable: { status: 503, cause: "system" }, // starting, closing, or the engine does not answer
  Internal: { status: 500, cause: "system" }, // a fault of the deployment itself
} as const satisfies Record<string, { status: number; cause: "user" | "system" }>;

export type DeploymentErrorCode = keyof typeof codes;

export class DeploymentError extends Error {
  readonly code: DeploymentErrorCode;

  constructor(code: DeploymentErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "DeploymentError";
    this.code = code;
  }

  get status(): number {
    return codes[this.code].status;
  }

  get isUserError(): boolean {
    return codes[this.code].cause === "user";
  }
}

/** Any thrown value as a DeploymentError; what is not one is a fault of the deployment. */
export function asDeploymentError(error: unknown): DeploymentError {
  if (error instanceof DeploymentError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DeploymentError("Internal", message, { cause: error });
}
