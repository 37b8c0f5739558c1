/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as cancelledResponses from "../cancelledResponses.js";
import type * as chatStream from "../chatStream.js";
import type * as chats from "../chats.js";
import type * as crons from "../crons.js";
import type * as http from "../http.js";
import type * as messages from "../messages.js";
import type * as model_access from "../model/access.js";
import type * as model_appError from "../model/appError.js";
import type * as model_chatDeletion from "../model/chatDeletion.js";
import type * as model_chatRemoval from "../model/chatRemoval.js";
import type * as model_chatTree from "../model/chatTree.js";
import type * as model_continuation from "../model/continuation.js";
import type * as model_listLength from "../model/listLength.js";
import type * as model_promptContext from "../model/promptContext.js";
import type * as model_replyGrowth from "../model/replyGrowth.js";
import type * as model_replyReasoning from "../model/replyReasoning.js";
import type * as model_replySeal from "../model/replySeal.js";
import type * as model_replySeed from "../model/replySeed.js";
import type * as model_replyStreams from "../model/replyStreams.js";
import type * as model_replyTail from "../model/replyTail.js";
import type * as model_replyText from "../model/replyText.js";
import type * as model_runEnding from "../model/runEnding.js";
import type * as model_runLease from "../model/runLease.js";
import type * as model_runLifecycle from "../model/runLifecycle.js";
import type * as model_runPlaces from "../model/runPlaces.js";
import type * as model_runResponse from "../model/runResponse.js";
import type * as model_runTable from "../model/runTable.js";
import type * as model_serverQueue from "../model/serverQueue.js";
import type * as model_textPieces from "../model/textPieces.js";
import type * as model_turnRequest from "../model/turnRequest.js";
import type * as model_waitingBound from "../model/waitingBound.js";
import type * as models from "../models.js";
import type * as providers_anthropicMessages from "../providers/anthropicMessages.js";
import type * as providers_catalogue from "../providers/catalogue.js";
import type * as providers_cost from "../providers/cost.js";
import type * as providers_createProvider from "../providers/createProvider.js";
import type * as providers_errorSentence from "../providers/errorSentence.js";
import type * as providers_modelChoice from "../providers/modelChoice.js";
import type * as providers_openaiChat from "../providers/openaiChat.js";
import type * as providers_openaiClient from "../providers/openaiClient.js";
import type * as providers_openaiResponses from "../providers/openaiResponses.js";
import type * as providers_provider from "../providers/provider.js";
import type * as providers_providerFailure from "../providers/providerFailure.js";
import type * as providers_readAhead from "../providers/readAhead.js";
import type * as providers_responseReader from "../providers/responseReader.js";
import type * as reasoning from "../reasoning.js";
import type * as responses from "../responses.js";
import type * as runs from "../runs.js";
import type * as serverRuns from "../serverRuns.js";
import type * as shared_continuation from "../shared/continuation.js";
import type * as shared_errors from "../shared/errors.js";
import type * as shared_messageList from "../shared/messageList.js";
import type * as shared_promptLength from "../shared/promptLength.js";
import type * as shared_streamEvents from "../shared/streamEvents.js";
import type * as shared_whereVariablesAre from "../shared/whereVariablesAre.js";
import type * as streaming_actionLifetime from "../streaming/actionLifetime.js";
import type * as streaming_bodySink from "../streaming/bodySink.js";
import type * as streaming_chunkBatcher from "../streaming/chunkBatcher.js";
import type * as streaming_claimedRun from "../streaming/claimedRun.js";
import type * as streaming_clock from "../streaming/clock.js";
import type * as streaming_crossOrigin from "../streaming/crossOrigin.js";
import type * as streaming_driveRefusal from "../streaming/driveRefusal.js";
import type * as streaming_driveRequest from "../streaming/driveRequest.js";
import type * as streaming_interruptibleWait from "../streaming/interruptibleWait.js";
import type * as streaming_leaseKeeper from "../streaming/leaseKeeper.js";
import type * as streaming_modelSilence from "../streaming/modelSilence.js";
import type * as streaming_overlapRemoval from "../streaming/overlapRemoval.js";
import type * as streaming_pumpedRun from "../streaming/pumpedRun.js";
import type * as streaming_reasoningBatcher from "../streaming/reasoningBatcher.js";
import type * as streaming_replyEnd from "../streaming/replyEnd.js";
import type * as streaming_replyPump from "../streaming/replyPump.js";
import type * as streaming_replySink from "../streaming/replySink.js";
import type * as streaming_responseSource from "../streaming/responseSource.js";
import type * as streaming_resumedText from "../streaming/resumedText.js";
import type * as streaming_runStore from "../streaming/runStore.js";
import type * as streaming_textCuts from "../streaming/textCuts.js";
import type * as streaming_untilStored from "../streaming/untilStored.js";
import type * as streaming_wellFormedText from "../streaming/wellFormedText.js";
import type * as turns from "../turns.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";

declare const fullApi: ApiFromModules<{
  cancelledResponses: typeof cancelledResponses;
  chatStream: typeof chatStream;
  chats: typeof chats;
  crons: typeof crons;
  http: typeof http;
  messages: typeof messages;
  "model/access": typeof model_access;
  "model/appError": typeof model_appError;
  "model/chatDeletion": typeof model_chatDeletion;
  "model/chatRemoval": typeof model_chatRemoval;
  "model/chatTree": typeof model_chatTree;
  "model/continuation": typeof model_continuation;
  "model/listLength": typeof model_listLength;
  "model/promptContext": typeof model_promptContext;
  "model/replyGrowth": typeof model_replyGrowth;
  "model/replyReasoning": typeof model_replyReasoning;
  "model/replySeal": typeof model_replySeal;
  "model/replySeed": typeof model_replySeed;
  "model/replyStreams": typeof model_replyStreams;
  "model/replyTail": typeof model_replyTail;
  "model/replyText": typeof model_replyText;
  "model/runEnding": typeof model_runEnding;
  "model/runLease": typeof model_runLease;
  "model/runLifecycle": typeof model_runLifecycle;
  "model/runPlaces": typeof model_runPlaces;
  "model/runResponse": typeof model_runResponse;
  "model/runTable": typeof model_runTable;
  "model/serverQueue": typeof model_serverQueue;
  "model/textPieces": typeof model_textPieces;
  "model/turnRequest": typeof model_turnRequest;
  "model/waitingBound": typeof model_waitingBound;
  models: typeof models;
  "providers/anthropicMessages": typeof providers_anthropicMessages;
  "providers/catalogue": typeof providers_catalogue;
  "providers/cost": typeof providers_cost;
  "providers/createProvider": typeof providers_createProvider;
  "providers/errorSentence": typeof providers_errorSentence;
  "providers/modelChoice": typeof providers_modelChoice;
  "providers/openaiChat": typeof providers_openaiChat;
  "providers/openaiClient": typeof providers_openaiClient;
  "providers/openaiResponses": typeof providers_openaiResponses;
  "providers/provider": typeof providers_provider;
  "providers/providerFailure": typeof providers_providerFailure;
  "providers/readAhead": typeof providers_readAhead;
  "providers/responseReader": typeof providers_responseReader;
  reasoning: typeof reasoning;
  responses: typeof responses;
  runs: typeof runs;
  serverRuns: typeof serverRuns;
  "shared/continuation": typeof shared_continuation;
  "shared/errors": typeof shared_errors;
  "shared/messageList": typeof shared_messageList;
  "shared/promptLength": typeof shared_promptLength;
  "shared/streamEvents": typeof shared_streamEvents;
  "shared/whereVariablesAre": typeof shared_whereVariablesAre;
  "streaming/actionLifetime": typeof streaming_actionLifetime;
  "streaming/bodySink": typeof streaming_bodySink;
  "streaming/chunkBatcher": typeof streaming_chunkBatcher;
  "streaming/claimedRun": typeof streaming_claimedRun;
  "streaming/clock": typeof streaming_clock;
  "streaming/crossOrigin": typeof streaming_crossOrigin;
  "streaming/driveRefusal": typeof streaming_driveRefusal;
  "streaming/driveRequest": typeof streaming_driveRequest;
  "streaming/interruptibleWait": typeof streaming_interruptibleWait;
  "streaming/leaseKeeper": typeof streaming_leaseKeeper;
  "streaming/modelSilence": typeof streaming_modelSilence;
  "streaming/overlapRemoval": typeof streaming_overlapRemoval;
  "streaming/pumpedRun": typeof streaming_pumpedRun;
  "streaming/reasoningBatcher": typeof streaming_reasoningBatcher;
  "streaming/replyEnd": typeof streaming_replyEnd;
  "streaming/replyPump": typeof streaming_replyPump;
  "streaming/replySink": typeof streaming_replySink;
  "streaming/responseSource": typeof streaming_responseSource;
  "streaming/resumedText": typeof streaming_resumedText;
  "streaming/runStore": typeof streaming_runStore;
  "streaming/textCuts": typeof streaming_textCuts;
  "streaming/untilStored": typeof streaming_untilStored;
  "streaming/wellFormedText": typeof streaming_wellFormedText;
  turns: typeof turns;
}>;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {
  persistentTextStreaming: import("@convex-dev/persistent-text-streaming/_generated/component.js").ComponentApi<"persistentTextStreaming">;
};
