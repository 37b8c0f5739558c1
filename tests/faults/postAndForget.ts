/** A POST to /chat-stream of whose answer nothing is shown. Never rejects: what came of it is noted by `send`. */
export async function postAndForget(
  siteUrl: string,
  body: { streamId: string; runToken: string },
  send: typeof fetch,
): Promise<void> {
  try {
    const response = await send(`${siteUrl}/chat-stream`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    await response.text();
  } catch {
    // The network has faults; what came until then was noted.
  }
}
