/** What stands on the screen while the renderer is on its way. A file of its own: it arrives only once. */
import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { expect, test } from "vitest";
import { AssistantMarkdown } from "../../../src/markdown/AssistantMarkdown.tsx";

test("a reply that is finished or met in the middle waits for its renderer, one that begins is read meanwhile", async () => {
  const middle = `It was ${"long ".repeat(20)}**before**`;
  render(
    <>
      <Suspense fallback="a place for it, ">
        <AssistantMarkdown text="It is **finished**" isWriting={false} />
      </Suspense>
      <Suspense fallback="another, ">
        <AssistantMarkdown text={middle} isWriting />
      </Suspense>
      <AssistantMarkdown text="It is **growing**" isWriting />
    </>,
  );
  expect(document.body.textContent).toBe("a place for it, another, It is **growing**");
  await screen.findByText("finished");
  expect(document.body.textContent).toBe(`It is finished${middle.replaceAll("*", "")}It is growing`);
});
