/** A fixture app, pushed by the official CLI to a deployment in this process: what most files of tests begin with. */
import { startDeployment, type Deployment, type DeploymentOptions } from "../../embedded/deployment.ts";
import { createFixtureApp, type FixtureApp } from "./notesApp.ts";

export interface DeployedFixture {
  app: FixtureApp;
  deployment: Deployment;
  dataDir: string;
  /** What the deployment has logged since: nothing, while all is well. */
  logged: string[];
  close: () => Promise<void>;
}

/** Of tests/embedded/fixtures. */
export async function deployFixture(
  name: string,
  options: Pick<DeploymentOptions, "instanceName"> = {},
): Promise<DeployedFixture> {
  const app = createFixtureApp(name);
  const dataDir = `${app.folder}/data`;
  const logged: string[] = [];
  const writeLog = (line: string): void => void logged.push(line);
  const deployment = await startDeployment({ dataDir, port: 0, sitePort: 0, writeLog, ...options });
  const close = async (): Promise<void> => {
    await deployment.close();
    app.remove();
  };
  try {
    await app.push(deployment);
  } catch (error) {
    await close();
    throw error;
  }
  return { app, deployment, dataDir, logged, close };
}
