import { expect, test } from "vitest";
import { readCommand, UsageError } from "../../../embedded/commandLine.ts";

const where = ["--data", "folder", "--port", "3210", "--site-port", "3211"];

test("without more than folder and ports the deployment listens on loopback and tells warnings as text", () => {
  expect(readCommand(where)).toEqual({
    kind: "start",
    stopGraceMs: 3_000,
    options: {
      dataDir: "folder",
      port: 3210,
      sitePort: 3211,
      host: "127.0.0.1",
      url: undefined,
      siteUrl: undefined,
      instanceName: undefined,
      adminKey: undefined,
      allowedOrigins: undefined,
      engineHeapMb: undefined,
      log: { format: "text", level: "warn" },
    },
  });
});

test("backup and restore name the folder and the file", () => {
  expect(readCommand(["backup", "--data", "d", "--to", "f"])).toEqual({
    kind: "backup",
    dataDir: "d",
    to: "f",
  });
  expect(readCommand(["restore", "--data", "d", "--from", "f"])).toEqual({
    kind: "restore",
    dataDir: "d",
    from: "f",
  });
});

test.each([["--help"], ["-h"], ["backup", "--help"], [...where, "--help"]])("%s asks for help", (...args) => {
  expect(readCommand(args)).toEqual({ kind: "help" });
});

test("another interface is served with a generated key, or a long one", () => {
  const remote = [...where, "--host", "0.0.0.0", "--allow-remote"];
  expect(readCommand(remote)).toMatchObject({ options: { host: "0.0.0.0", adminKey: undefined } });
  const long = `prod|${"0123456789abcdef".repeat(2)}`;
  expect(readCommand([...remote, "--admin-key", long])).toMatchObject({ options: { adminKey: long } });
  expect(readCommand([...where, "--admin-key", "short"])).toMatchObject({ options: { adminKey: "short" } });
});

test("clients may reach both ports by names of their own", () => {
  const named = [...where, "--url", "https://convex.example", "--site-url", "http://site.example:8080"];
  expect(readCommand(named)).toMatchObject({
    options: { url: "https://convex.example", siteUrl: "http://site.example:8080" },
  });
});

test.each([
  [["--port", "1", "--site-port", "1"], "--data is missing."],
  [["--data", "d", "--site-port", "1"], "--port must be a number from 0 to 65535."],
  [["--data", "d", "--port", "", "--site-port", "1"], "--port must be a number from 0 to 65535."],
  [["--data", "d", "--port", "70000", "--site-port", "1"], "--port must be a number from 0 to 65535."],
  [[...where, "--colour"], "Unknown option '--colour'"],
  [[...where, "more"], "Unexpected argument 'more'"],
  [[...where, "--log-level", "loud"], "--log-level loud is none of debug, info, warn, error."],
  [[...where, "--log-format", "xml"], "--log-format xml is none of text, json."],
  [[...where, "--stop-seconds", "soon"], "--stop-seconds soon must be a number of seconds from 0 to 3600."],
  [[...where, "--engine-heap-mb", "1"], "--engine-heap-mb 1 must be a number of megabytes from 64 to 65536."],
  [[...where, "--url", "convex.example"], "--url convex.example is no URL of a server. Write it as https://"],
  [[...where, "--url", "ftp://convex.example"], "--url ftp://convex.example is no URL of a server."],
  [[...where, "--url", "https://convex.example/api"], "is no origin. Write https://convex.example"],
  [[...where, "--url", "https://convex.example/"], "is no origin. Write https://convex.example"],
  [[...where, "--site-url", "https://me:pw@site.example"], "is no origin. Write https://site.example"],
  [[...where, "--site-url", "https://"], "--site-url https:// is no origin. Write scheme, host and port"],
  [["start", ...where], "There is no command start. Write backup, restore, or options only to start."],
  [["backup", "--data", "d"], "--to is missing."],
  [["backup", "--data", "d", "--to", "f", "--port", "1"], "Unknown option '--port'"],
  [["restore", "--from", "f"], "--data is missing."],
  [[...where, "--host", "0.0.0.0"], "add --allow-remote and put TLS in front"],
  [
    [...where, "--host", "0.0.0.0", "--allow-remote", "--admin-key", "prod|secret"],
    "can be guessed: its secret has 6 characters",
  ],
  [
    [...where, "--host", "0.0.0.0", "--allow-remote", "--admin-key", `prod|${"a".repeat(64)}`],
    "can be guessed",
  ],
])("%j is refused with its remedy", (args, sentence) => {
  expect(() => readCommand(args)).toThrow(UsageError);
  expect(() => readCommand(args)).toThrow(sentence);
});
