import { expect, test } from "vitest";
import { appError } from "../../convex/model/appError.ts";
import { produce } from "../../convex/serverRuns.ts";
import type { AppError } from "../../convex/shared/errors.ts";

/** The action as it is registered, for a claim that is refused. */
async function produceRefused(refusal: AppError): Promise<unknown> {
  const action = produce as unknown as {
    _handler(ctx: { runMutation(): Promise<never> }, args: { streamId: string }): Promise<unknown>;
  };
  const runMutation = async () => {
    throw appError(refusal);
  };
  return await action._handler({ runMutation }, { streamId: "some-stream" });
}

test.each(["runTaken", "notFound"] as const)("a run that is %s is nobody's error", async (kind) => {
  expect(await produceRefused({ kind, message: "No." })).toBeNull();
});

test.each(["notSignedIn", "notAllowed", "internal"] as const)(
  "a claim that is refused as %s fails the job, and so is seen",
  async (kind) => {
    await expect(produceRefused({ kind, message: "No." })).rejects.toMatchObject({ data: { kind } });
  },
);
