/** What stands on the screen while the renderer is on its way. A file of its own: it arrives only once. */
import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, test } from "vitest";
import { AssistantMarkdown } from "../../../src/markdown/AssistantMarkdown.tsx";

test("a finished reply waits for its renderer, and a growing one is read meanwhile", async () => {
  render(
    <>
      <Suspense fallback="a place for it">
        <AssistantMarkdown text="It is **finished**" isWriting={false} />
      </Suspense>
      <AssistantMarkdown text="It is **growing**" isWriting />
    </>,
  );
  expect(document.body.textContent).toBe("a place for itIt is **growing**");
  await screen.findByText("finished");
  expect(document.body.textContent).toBe("It is finishedIt is growing");
});
