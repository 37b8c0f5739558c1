/** What the deployment holds of a reply and of whole chats, read past the app's clients: over HTTP, as an admin. */
import { setTimeout as delay } from "node:timers/promises";
import { ConvexHttpClient } from "convex/browser";
import { api } from "../../convex/_generated/api.js";
import type { EmbeddedReady } from "../support/embeddedDeployment.ts";
import type { EarlierMessage, FinalState, Thought } from "./evidence.ts";
import type { Turn } from "./tab.ts";

/** `marker` is in the first message, and so in the title of every chat that it began; `earlier` was there before. */
export async function finalState(
  url: string,
  { chatId, messageId, streamId }: Turn,
  { marker, earlier }: { marker: string; earlier: readonly EarlierMessage[] },
): Promise<FinalState | null> {
  const client = new ConvexHttpClient(url, { logger: false });
  const messages = await client.query(api.messages.list, { chatId });
  const reply = messages.find(({ _id }) => _id === messageId)?.reply;
  if (!reply) return null;
  const chats = await client.query(api.chats.listChats, { limit: 200 });
  const own = chats.filter(({ title }) => title.includes(marker));
  const lists = await Promise.all(own.map(({ _id }) => client.query(api.messages.list, { chatId: _id })));
  const all = lists.flat();
  const [body, text, thoughts] = await Promise.all([
    client.query(api.chats.getChatBody, { streamId }),
    client.query(api.messages.getText, { messageId }),
    storedThoughts(client, streamId),
  ]);
  return {
    status: reply.status,
    error: reply.error,
    hasUsage: reply.usage !== null,
    bodyText: body.text,
    storedText: text?.text ?? null,
    thoughts,
    ancestors: ancestorsIn(messages, messageId),
    earlier: (await storedMessages(client, chatId)).filter(({ id }) => earlier.some((old) => old.id === id)),
    userMessages: all.filter(({ role }) => role === "user").length,
    replies: all.filter(({ role }) => role === "assistant").length,
  };
}

/** A chat's messages as a page reads them, oldest first. */
export async function storedMessages(client: ConvexHttpClient, chatId: string): Promise<EarlierMessage[]> {
  const messages = await client.query(api.messages.list, { chatId });
  return await Promise.all(
    messages.map(async ({ _id, parentId, role, reply }) => {
      const text = await client.query(api.messages.getText, { messageId: _id });
      return { id: _id, parentId, role, text: text?.text ?? null, reply: JSON.stringify(reply) };
    }),
  );
}

/** From the reply's own parent up to the first message. */
function ancestorsIn(
  messages: readonly { _id: string; parentId: string | null }[],
  messageId: string,
): string[] {
  const parentId = messages.find(({ _id }) => _id === messageId)?.parentId ?? null;
  return parentId === null ? [] : [parentId, ...ancestorsIn(messages, parentId)];
}

/** From answer to answer: each begins with the last row of the one before. */
async function storedThoughts(client: ConvexHttpClient, streamId: string): Promise<Thought[]> {
  const thoughts: Thought[] = [];
  let length = 0;
  for (let fromPart = 0; ;) {
    const answer = await client.query(api.reasoning.get, { streamId, fromPart });
    if (answer === null) return thoughts;
    for (const { place, from, text } of answer.thoughts) {
      thoughts.push({ place, text: text.slice(Math.max(0, length - from)) });
      length = Math.max(length, from + text.length);
    }
    if (!answer.isTruncated || answer.next.part === fromPart) return thoughts;
    fromPart = answer.next.part;
  }
}

const lookMs = 200;

const component = "persistentTextStreaming";

type Row = Record<string, unknown> & { _id: string };

/** Rows by table; those of the component as `persistentTextStreaming/chunks`. */
export type Rows = Record<string, Row[]>;

export class StoredRows {
  private readonly deployment: EmbeddedReady;

  constructor(deployment: EmbeddedReady) {
    this.deployment = deployment;
  }

  async read(): Promise<Rows> {
    const rows: Rows = {};
    for (const componentPath of ["", component]) {
      const { page: tables } = (await this.system(
        "tables",
        { paginationOpts: page },
        componentPath,
      )) as Page<{
        name: string;
      }>;
      for (const { name: table } of tables) {
        const args = { table, order: "asc", paginationOpts: page };
        const { page: found } = (await this.system("tableData", args, componentPath)) as Page<Row>;
        rows[componentPath === "" ? table : `${component}/${table}`] = found;
      }
    }
    return rows;
  }

  /**
   * The ten minutes after which the app removes what an ended run needs no more, without the wait. Not for deleted
   * chats: there it is the deletion's own work.
   */
  async removeLeftovers(): Promise<void> {
    const { runs = [], chats = [] } = await this.read();
    const live = new Set(chats.filter(isLive).map(({ _id }) => _id));
    for (const { _id, chatId } of runs) {
      if (live.has(String(chatId))) {
        await this.post("/api/function", { path: "runs:removeLeftovers", args: { runId: _id } });
      }
    }
  }

  async deleteChats(): Promise<void> {
    const { chats = [] } = await this.read();
    for (const { _id } of chats.filter(isLive)) {
      await this.post("/api/function", { path: "chats:deleteChat", args: { chatId: _id } });
    }
  }

  /** Reads until `isDone`, or no longer than this. */
  async readUntil(isDone: (rows: Rows) => boolean, withinMs: number): Promise<Rows> {
    const giveUpAt = Date.now() + withinMs;
    let rows = await this.read();
    while (!isDone(rows) && Date.now() < giveUpAt) {
      await delay(lookMs);
      rows = await this.read();
    }
    return rows;
  }

  private async system(name: string, args: object, componentPath: string): Promise<unknown> {
    const path = `_system/cli/${name}.js:default`;
    return await this.post("/api/query", { path, args, componentPath });
  }

  private async post(path: string, body: object): Promise<unknown> {
    const { url, adminKey } = this.deployment;
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Convex ${adminKey}` },
      body: JSON.stringify({ ...body, format: "json" }),
    });
    const answer = (await response.json()) as { status: string; value: unknown; errorMessage?: string };
    if (answer.status !== "success") {
      throw new Error(`${JSON.stringify(body)} was answered ${response.status} ${JSON.stringify(answer)}`);
    }
    return answer.value;
  }
}

function isLive({ lifecycle }: Row): boolean {
  return lifecycle === "live";
}

interface Page<Item> {
  page: Item[];
}

/** More rows than any group leaves. */
const page = { cursor: null, numItems: 100_000 };
