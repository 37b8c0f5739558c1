// @vitest-environment happy-dom
/** Convex Auth's own React bindings, in a page, against a deployment in a process of its own. */
import { ConvexAuthProvider, useAuthActions } from "@convex-dev/auth/react";
import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import { ConvexReactClient, useConvexAuth, useQuery } from "convex/react";
import { createElement, type ReactNode } from "react";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { auth, setUpConvexAuth } from "../../support/convexAuthApp.ts";
import { type EmbeddedReady, startEmbedded } from "../../support/embeddedDeployment.ts";
import { createFixtureApp, type NotesApp } from "../../support/notesApp.ts";
import type { ServiceProcess } from "../../support/serviceProcess.ts";

let app: NotesApp;
let service: ServiceProcess<EmbeddedReady>;
let client: ConvexReactClient;

beforeAll(async () => {
  // happy-dom says null where a browser without locks says nothing; the package then has a lock of its own.
  Object.defineProperty(navigator, "locks", { value: undefined });
  app = createFixtureApp("convexAuth");
  service = await startEmbedded(`${app.folder}/data`, 0, 0);
  await setUpConvexAuth(app, service.ready);
  await app.push(service.ready);
});

afterEach(async () => {
  cleanup();
  await client.close();
});

afterAll(async () => {
  await service.end("SIGTERM");
  app.remove();
});

const account = { flow: "signUp", email: "ann@example.com", password: "a long password" };

function Page(): ReactNode {
  const { signIn, signOut } = useAuthActions();
  const { isLoading, isAuthenticated } = useConvexAuth();
  const me = useQuery(auth.me, {});
  const state = isLoading ? "loading" : isAuthenticated ? "signed in" : "signed out";
  return [
    createElement("p", { key: "who" }, `${state}, ${me === undefined ? "…" : (me?.email ?? "nobody")}`),
    button("sign up", () => signIn("password", account)),
    button("sign out", () => signOut()),
  ];
}

function button(text: string, onClick: () => Promise<unknown>): ReactNode {
  return createElement("button", { key: text, onClick: () => void onClick() }, text);
}

function open(): void {
  client = new ConvexReactClient(service.ready.url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
  });
  const page = createElement(Page);
  // oxlint-disable-next-line react/no-children-prop -- there is no JSX in a .ts file
  render(createElement(ConvexAuthProvider, { client, children: page }));
}

async function shows(text: string): Promise<void> {
  await waitFor(() => expect(screen.getByText(text)).toBeTruthy(), { timeout: 20_000 });
}

test("a page signs up, is signed in after a reload, and signs out", async () => {
  open();
  await shows("signed out, nobody");
  act(() => screen.getByText("sign up").click());
  await shows("signed in, ann@example.com");

  cleanup();
  await client.close();
  open();
  await shows("signed in, ann@example.com");

  act(() => screen.getByText("sign out").click());
  await shows("signed out, nobody");
  expect(Object.keys(localStorage).filter((key) => key.includes("JWT"))).toEqual([]);
});
