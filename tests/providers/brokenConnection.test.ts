import { createServer } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { anthropicMessages } from "../../convex/providers/anthropicMessages.ts";
import { createProvider } from "../../convex/providers/createProvider.ts";
import { openaiChat } from "../../convex/providers/openaiChat.ts";
import { openaiResponses } from "../../convex/providers/openaiResponses.ts";
import { collect, oneTurn } from "../support/providerEvents.ts";
import { created, numbered, responseStream, textDelta } from "../support/responseEvents.ts";
import { eventStream } from "../support/wireResponse.ts";

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that sends `body`, in pieces of one event, and destroys the connection, or keeps it until the client goes. */
async function startServer(body: string, afterwards: "destroy" | "keep") {
  const clientGone = Promise.withResolvers<void>();
  server = createServer((_request, response) => {
    response.on("close", () => clientGone.resolve());
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    void (async () => {
      for (const event of body.split(/(?<=\n\n)/)) {
        response.write(event);
        await nextTurn();
      }
      // The bytes first have to leave the buffer of the socket.
      if (afterwards === "destroy") setTimeout(() => response.destroy(), 50);
    })();
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientGone: clientGone.promise,
  };
}

const openaiHalf = eventStream([{ choices: [{ index: 0, delta: { content: "Half" } }] }]);
const anthropicHalf = eventStream(
  [{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Half" } }],
  true,
);

const responsesHalf = responseStream(numbered([created(), textDelta("Half")]));

const halves = 50;
const manyResponsesHalves = responseStream(
  numbered([created(), ...Array.from({ length: halves }, () => textDelta("Half"))]),
);

const wires = [
  { name: "openaiChat", half: openaiHalf, many: openaiHalf.repeat(halves), create: openaiChat },
  { name: "openaiResponses", half: responsesHalf, many: manyResponsesHalves, create: openaiResponses },
  {
    name: "anthropicMessages",
    half: anthropicHalf,
    many: anthropicHalf.repeat(halves),
    create: anthropicMessages,
  },
] as const;

test.each(wires)(
  "$name: what came before a connection was cut is not lost on who reads it late",
  async ({ name, many }) => {
    const { url, clientGone } = await startServer(many, "destroy");
    const provider = createProvider({ wire: name, apiKey: "key", baseUrl: url });
    let text = "";
    const read = async (): Promise<void> => {
      for await (const event of provider.stream(oneTurn, new AbortController().signal)) {
        if (event.kind !== "text") continue;
        text += event.text;
        if (text !== "Half") continue;
        await clientGone;
        // Once another connection has gone the same way, the end of this one is known here.
        await fetch(url, { method: "POST" })
          .then((response) => response.text())
          .catch(() => null);
      }
    };
    await expect(read()).rejects.toMatchObject({ kind: "network" });
    expect(text).toBe("Half".repeat(halves));
  },
);

test.each(wires)(
  "$name: a connection that is cut in mid-reply is a failure of the network",
  async ({ half, create }) => {
    const { url } = await startServer(half, "destroy");
    const reply = await collect(create({ apiKey: "key", baseUrl: url }));
    expect(reply).toMatchObject({ text: "Half", error: { kind: "network" } });
  },
);

test.each(wires)("$name: an abort closes the connection to the provider", async ({ half, create }) => {
  const { url, clientGone } = await startServer(half, "keep");
  const abort = new AbortController();
  const provider = create({ apiKey: "key", baseUrl: url });
  const events = provider.stream(oneTurn, abort.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ kind: "text", text: "Half" });
  abort.abort();
  expect(await events.next()).toMatchObject({ done: true });
  await clientGone;
});
