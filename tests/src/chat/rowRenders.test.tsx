/** How many rows of a conversation are rendered again when one of them changes, on the app's own page. */
import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunStatus } from "../../../convex/shared/streamEvents.ts";
import { App } from "../../../src/App.tsx";
import type { ConversationRow } from "../../../src/chat/conversationRows.ts";
import type { VersionControl } from "../../../src/chat/useVersions.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

const rendered = new Set<string>();
let control: VersionControl | null = null;
vi.mock(import("../../../src/chat/MessageRow.tsx"), async (importOriginal) => {
  const { MessageRow } = await importOriginal();
  return {
    MessageRow: (props: { row: ConversationRow; control: VersionControl | null }) => {
      rendered.add(props.row.key);
      control = props.control;
      return <MessageRow {...props} />;
    },
  };
});

const chatId = "renders";
const turns = 5;
let deployment: FakeDeployment;

function list(lastStatus: RunStatus): void {
  const reply = { attempt: 1, model: "demo", finishReason: null, continues: null, error: null, usage: null };
  const messages = Array.from({ length: turns }, (_, turn) => [
    { _id: `ask${turn}`, parentId: turn === 0 ? null : `reply${turn - 1}`, role: "user", reply: null },
    {
      _id: `reply${turn}`,
      parentId: `ask${turn}`,
      role: "assistant",
      reply: {
        ...reply,
        streamId: `renders.stream${turn}`,
        status: turn === turns - 1 ? lastStatus : "complete",
        costUsd: null,
      },
    },
  ]);
  const common = { _creationTime: 1, chatId, clientRequestId: null };
  deployment.answer(
    "messages:list",
    { chatId },
    messages.flat().map((message) => ({ ...common, ...message })),
  );
}

beforeEach(() => {
  deployment = new FakeDeployment();
  deployment.answer("models:list", {}, []);
  deployment.answer("chats:listChats", { limit: 200 }, []);
  deployment.answer("chats:getChat", { chatId }, { _id: chatId, title: "A title", model: "demo" });
});
afterEach(cleanup);

test("a reply that grows renders no row again, and its end only its own", async () => {
  list("running");
  history.replaceState(null, "", `/c/${chatId}`);
  render(
    <StrictMode>
      <ConvexProvider client={deployment.client}>
        <App />
      </ConvexProvider>
    </StrictMode>,
  );
  await waitFor(() => expect(screen.getAllByTestId("message")).toHaveLength(2 * turns));
  expect(control).not.toBeNull();
  rendered.clear();

  const tail = { attempt: 1, from: 0, text: "It grows", status: "running" };
  act(() => deployment.answer("messages:getTail", { streamId: `renders.stream${turns - 1}` }, tail));
  await waitFor(() => expect(screen.getAllByTestId("message").at(-1)?.textContent).toContain("It grows"));
  expect([...rendered]).toEqual([]);

  act(() => list("complete"));
  expect([...rendered]).toEqual([`reply${turns - 1}`]);
});
