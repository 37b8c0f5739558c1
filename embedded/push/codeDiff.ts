/** What a push changes, as the CLI prints it. */
import { liveIndexes, stagedIndexes } from "../protocol/deployedCode.ts";
import type { ComponentCode, DeployedCode } from "../protocol/deployedCode.ts";
import {
  indexConfig,
  type ComponentDiff,
  type FinishPushDiff,
  type IndexConfig,
  type IndexDiff,
  type NameDiff,
} from "../protocol/pushMessages.ts";

export function codeDiff(before: DeployedCode | null, after: DeployedCode): FinishPushDiff {
  const componentDiffs: Record<string, ComponentDiff> = {};
  for (const path of componentPaths(before, after)) {
    componentDiffs[path] = componentDiff(before?.components[path], after.components[path], before, after);
  }
  return {
    authDiff: nameDiff(before?.authProviders.map(encode) ?? [], after.authProviders.map(encode)),
    definitionDiffs: {},
    componentDiffs,
  };
}

export function indexDiffs(before: DeployedCode | null, after: DeployedCode): Record<string, IndexDiff> {
  return Object.fromEntries(
    componentPaths(before, after).map((path) => [
      path,
      indexDiff(before?.components[path], after.components[path]),
    ]),
  );
}

export function indexesOf(component: ComponentCode | undefined): IndexConfig[] {
  return (component?.schema?.tables ?? []).flatMap((table) => [
    ...liveIndexes(table).map((index) => indexConfig(table.tableName, index, false)),
    ...stagedIndexes(table).map((index) => indexConfig(table.tableName, index, true)),
  ]);
}

function componentPaths(before: DeployedCode | null, after: DeployedCode): string[] {
  return [...new Set([...Object.keys(before?.components ?? {}), ...Object.keys(after.components)])];
}

function componentDiff(
  old: ComponentCode | undefined,
  next: ComponentCode | undefined,
  before: DeployedCode | null,
  after: DeployedCode,
): ComponentDiff {
  const versions = { previous_version: before?.udfServerVersion ?? "", next_version: after.udfServerVersion };
  const schemas = { previous_schema: schemaText(old), next_schema: schemaText(next) };
  return {
    diffType: { type: old === undefined ? "create" : next === undefined ? "unmount" : "modify" },
    moduleDiff: nameDiff(moduleKeys(old), moduleKeys(next)),
    udfConfigDiff: versions.previous_version === versions.next_version ? null : versions,
    cronDiff: cronDiff(old?.crons ?? {}, next?.crons ?? {}),
    indexDiff: indexDiff(old, next),
    schemaDiff: schemas.previous_schema === schemas.next_schema ? null : schemas,
  };
}

function indexDiff(old: ComponentCode | undefined, next: ComponentCode | undefined): IndexDiff {
  const oldIndexes = new Map(indexesOf(old).map((index) => [sameIndex(index), index]));
  const nextIndexes = new Map(indexesOf(next).map((index) => [sameIndex(index), index]));
  const kept = [...nextIndexes].filter(([key]) => oldIndexes.has(key));
  const wasStaged = (key: string): boolean => oldIndexes.get(key)?.staged === true;
  return {
    added_indexes: [...nextIndexes].filter(([key]) => !oldIndexes.has(key)).map(([, index]) => index),
    removed_indexes: [...oldIndexes].filter(([key]) => !nextIndexes.has(key)).map(([, index]) => index),
    enabled_indexes: kept.filter(([key, { staged }]) => wasStaged(key) && !staged).map(([, index]) => index),
    disabled_indexes: kept.filter(([key, { staged }]) => !wasStaged(key) && staged).map(([, index]) => index),
  };
}

/** An index that was staged and is used now is the same index. */
export function sameIndex(index: IndexConfig): string {
  return encode({ ...index, staged: false });
}

function cronDiff(old: ComponentCode["crons"], next: ComponentCode["crons"]): ComponentDiff["cronDiff"] {
  const { added, removed } = nameDiff(Object.keys(old), Object.keys(next));
  const updated = Object.keys(next).filter((name) => name in old && encode(old[name]) !== encode(next[name]));
  return { added, updated, deleted: removed };
}

/** A changed module counts as removed and added, as on Convex. */
function moduleKeys(component: ComponentCode | undefined): string[] {
  return Object.values(component?.modules ?? {}).map(({ path, sha256 }) => `${path} ${sha256}`);
}

function nameDiff(old: string[], next: string[]): NameDiff {
  const bare = (key: string): string => key.replace(/ [0-9a-f]{64}$/, "");
  return {
    added: next.filter((key) => !old.includes(key)).map(bare),
    removed: old.filter((key) => !next.includes(key)).map(bare),
  };
}

function schemaText(component: ComponentCode | undefined): string | null {
  return component?.schema ? encode(component.schema) : null;
}

function encode(value: unknown): string {
  return JSON.stringify(value);
}
