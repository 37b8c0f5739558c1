/** The text that a further version of a reply begins with, when it goes on from where the reply broke off. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { continuationOf, maxContinuedLength } from "../shared/continuation.ts";
import { appError } from "./appError.ts";
import { stillGrowing } from "./chatTree.ts";
import type { Beginning } from "./chatTree.ts";
import { endOfText } from "./replyText.ts";

/** All of the version's text. Throws `chatBusy` while it grows and `invalidInput` when there is nothing to go on with. */
export async function beginningOf(ctx: MutationCtx, version: Doc<"messages">): Promise<Beginning> {
  if (version.reply === null) {
    throw appError({ kind: "notFound", message: "There is no such reply." });
  }
  const { status, finishReason } = version.reply;
  // One unit more than may be continued shows that there is too much, of a text that no transaction could read whole.
  const text = await endOfText(ctx, version, maxContinuedLength + 1);
  const { kind } = continuationOf({ status, finishReason, textLength: text.length });
  switch (kind) {
    case "possible":
      return { continues: version._id, text };
    case "stillGrowing":
      throw stillGrowing();
    case "complete":
      throw refusal(
        "This reply is complete: there is nothing to continue. Regenerate it for another version.",
      );
    case "nothingThere":
      throw refusal("Nothing was written of this reply, so there is nothing to continue. Retry it instead.");
    case "tooLong":
      throw refusal(
        `This reply has more than ${maxContinuedLength} characters, which is the most that can be continued. ` +
          "Send a message that asks for the rest.",
      );
    default:
      return kind satisfies never;
  }
}

function refusal(message: string) {
  return appError({ kind: "invalidInput", field: "messageId", message });
}
