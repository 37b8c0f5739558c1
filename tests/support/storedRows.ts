/** How many rows a deployment holds, in every table of the app and of its components, as its own administration tells. */

interface Admin {
  deploymentUrl: string;
  adminKey: string;
}

const componentPaths = ["", "persistentTextStreaming"];

/** Calls any function as the owner of the deployment does: internal ones and the system's too. Throws what it refused. */
export async function callAsAdmin(
  { deploymentUrl, adminKey }: Admin,
  kind: "query" | "mutation",
  path: string,
  args: Record<string, unknown>,
  componentPath = "",
): Promise<unknown> {
  const response = await fetch(`${deploymentUrl}/api/${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Convex ${adminKey}` },
    body: JSON.stringify({ path, componentPath, args: [args], format: "json" }),
  });
  const answer = (await response.json()) as { status: string; value?: unknown; errorMessage?: string };
  if (answer.status !== "success") throw new Error(answer.errorMessage ?? JSON.stringify(answer));
  return answer.value;
}

/** The tables that are not empty, a component's under its name: `persistentTextStreaming/chunks`. */
export async function storedRows(admin: Admin): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const componentPath of componentPaths) {
    const paginationOpts = { cursor: null, numItems: 1_000 };
    const tables = await callAsAdmin(admin, "query", "_system/cli/tables", { paginationOpts }, componentPath);
    for (const { name } of (tables as { page: { name: string }[] }).page) {
      const size = await callAsAdmin(
        admin,
        "query",
        "_system/cli/tableSize",
        { tableName: name },
        componentPath,
      );
      const key = componentPath === "" ? name : `${componentPath}/${name}`;
      if (Number(size) > 0) counts[key] = Number(size);
    }
  }
  return counts;
}
