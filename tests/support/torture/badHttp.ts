/** Requests that no HTTP client of good will sends, as bytes for a bare socket. */
import { brotliCompressSync, gzipSync } from "node:zlib";
import type { Dice } from "./dice.ts";
import { mangled, nastyJson, nastyValue, spoiled } from "./nastyValues.ts";

const call = { path: "notes:list", args: { board: "bad" }, format: "json" };
const bodies: readonly unknown[] = [
  call,
  { path: "notes:add", args: [{ board: "bad", text: "x" }] },
  { path: "notes:shout", args: {} },
  { path: "ledger:x", args: {}, componentPath: "persistentTextStreaming" },
  { path: "notes:list", args: { board: "x" }, ts: "AAAAAAAAAAA=" },
  { changes: [{ name: "A", value: "b" }] },
  { functions: "convex/", appDefinition: {}, componentDefinitions: [], nodeDependencies: [] },
];

const paths = [
  "/api/query",
  "/api/mutation",
  "/api/action",
  "/api/function",
  "/api/query_at_ts",
  "/api/query_ts",
  "/api/run/notes/list",
  "/api/run/notes/add",
  "/api/1.48.0/sync",
  "/api/sync",
  "/api/deploy2/start_push",
  "/api/deploy2/finish_push",
  "/api/get_config_hashes",
  "/api/update_environment_variables",
  "/api/stream_function_logs?cursor=0",
  "/api/usage",
  "/api/storage/upload",
  "/api/storage/00000000-0000-4000-8000-000000000000",
  "/version",
  "/echo",
  "/",
];

const oddPaths = [
  "/../../../etc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/api/storage/..%2f..%2fadmin-key",
  "/api/storage/%00",
  "/api/run/%",
  "/api/run/%ff/%fe",
  "/api/run/../query",
  "/api/run//",
  "/api/run/__proto__/constructor",
  "//evil.example/api/query",
  "http://evil.example/api/query",
  "*",
  "/api/query?path=%ZZ&args=[",
  "/api/query?path=notes:list&args=%7B%22board%22:1%7D",
  `/api/query?path=${"a".repeat(12_000)}`,
  `/${"a/".repeat(6_000)}`,
  "/api/QUERY",
  "/api/query/",
  "/;jsessionid=1",
  "/api/query#fragment",
  "/\u00e4\u00f6",
  "/a\\b",
  "/api/constructor",
  "/__proto__",
];

const methods = [
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "HEAD",
  "TRACE",
  "PROPFIND",
  "QUERY",
  "FOO",
  "get",
  "M-SEARCH",
];

const oddHeaders = [
  "Authorization: Convex x",
  "Authorization: Convex embedded|0000:e30=",
  "Authorization: Bearer x.y.z",
  "Authorization: Bearer",
  "Authorization: Basic YTpi",
  "Authorization:",
  `Authorization: Convex ${"k".repeat(8_000)}`,
  "Origin: http://evil.example",
  "Origin: null",
  "Content-Encoding: br",
  "Content-Encoding: gzip",
  "Content-Encoding: zstd, br",
  "Content-Type: text/plain",
  "Content-Type: application/x-www-form-urlencoded",
  "Expect: 100-continue",
  "Expect: 200-ok",
  "Range: bytes=0-,5-1,-1",
  "Upgrade: h2c",
  "Connection: Upgrade, HTTP2-Settings",
  "X-Forwarded-Host: evil.example",
  "Convex-Client: npm-9.9.9",
  "Convex-Client: \u00e4",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding : chunked",
  "Content-Length: -1",
  "Content-Length: 5, 6",
  "Content-Length: 99999999999999999999",
  "Content-Length: 0x10",
  "Host: two.example",
  " folded: header",
  "No colon",
  ": empty name",
  "Nul: a\u0000b",
];

/** A whole request; what follows it on the connection may be a part of it. */
export function badRequest(dice: Dice): Buffer {
  const body = badBody(dice);
  const path = dice.chance(0.7) ? dice.pick(paths) : dice.pick(oddPaths);
  const method = dice.chance(0.7) ? "POST" : dice.pick(methods);
  const version = dice.chance(0.95) ? "HTTP/1.1" : dice.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9", "ICY", ""]);
  const headers = [
    `Host: ${dice.chance(0.9) ? "127.0.0.1" : dice.pick(["", "a b", "[::1", "x".repeat(300), "127.0.0.1:99999"])}`,
  ];
  if (dice.chance(0.9)) headers.push(`Content-Length: ${body.length}`);
  if (dice.chance(0.9)) headers.push("Content-Type: application/json");
  for (let count = dice.below(4); count > 0; count--) headers.push(dice.pick(oddHeaders));
  if (dice.chance(0.02)) for (let count = 0; count < 3_000; count++) headers.push(`X-${count}: y`);
  if (dice.chance(0.02)) headers.push(`X-Long: ${"z".repeat(40_000)}`);
  headers.push("Connection: close");
  const head = `${method} ${path} ${version}\r\n${headers.join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, dice.chance(0.5) ? "utf8" : "latin1"), body]);
}

function badBody(dice: Dice): Buffer {
  if (dice.chance(0.1)) return Buffer.alloc(0);
  const text = nastyJson(dice.chance(0.9) ? spoiled(dice.pick(bodies), dice) : nastyValue(dice));
  const bytes = mangled(text, dice);
  if (dice.chance(0.85)) return bytes;
  const packed = dice.chance(0.5) ? brotliCompressSync(bytes) : gzipSync(bytes);
  return dice.chance(0.5) ? packed : packed.subarray(0, dice.below(packed.length));
}

/** Two requests for who believes one length, one for who believes the other. */
export const smuggling: readonly string[] = [
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /version HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 4\r\nContent-Length: 50\r\n\r\n{}\r\nGET /version HTTP/1.1\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n0\r\n\r\n",
  "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx\r\n0\r\n\r\n",
  "POST /api/query HTTP/1.1\nHost: a\nContent-Type: application/json\nContent-Length: 2\n\n{}",
  "GET /version HTTP/1.1\r\nHost: a\r\n\tfolded: x\r\n\r\n",
  "GET /version\r\n\r\n",
  "\r\n\r\n\r\nGET",
  "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\n\r\n",
];
