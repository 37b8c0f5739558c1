/** Starts the app in the page. */
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { deployment } from "./deployment.ts";
import { preloadMarkdown } from "./markdown/AssistantMarkdown.tsx";
import { MissingDeployment } from "./MissingDeployment.tsx";
import { watchOutbox } from "./sending/resendOutbox.ts";
import { wouldLoseText } from "./sending/sendTurn.ts";
import { keepTextsAcrossReloads, replyStores } from "./streaming/replyStores.ts";
import { listenForWakeSignals } from "./streaming/wakeSignals.ts";
import "./styles.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root");
createRoot(root).render(<StrictMode>{start()}</StrictMode>);

function start(): ReactNode {
  if (deployment.status === "missing") return <MissingDeployment variables={deployment.variables} />;
  // The client's own prompt would ask about whatever it has not sent; what a person wrote is kept by `src/sending`.
  const convex = new ConvexReactClient(deployment.convexUrl, { unsavedChangesWarning: false });
  // These live as long as the page does.
  listenForWakeSignals(replyStores);
  keepTextsAcrossReloads();
  watchOutbox(convex);
  window.addEventListener("beforeunload", (event) => {
    if (wouldLoseText()) event.preventDefault();
  });
  preloadMarkdown();
  return (
    <ConvexProvider client={convex}>
      <App />
    </ConvexProvider>
  );
}
