import { formsOf, below, type JsonSchema } from './allowed-keys.ts';
import type { LoadedConfig } from './load.ts';
import { formatPath, isBranch, leavesOf, mapLeaves, valueAt, withValue, type Path } from './path.ts';
import { inSchemaOrder } from './schema-order.ts';
import { configJsonSchema } from './schema.ts';
import { showable } from './secrets.ts';

export interface ShownSetting {
  path: string;
  /** In the form people write it; secrets are dots. */
  value: unknown;
  /** `holdfast.yaml:12`, a variable, or `default`. */
  origin: string;
}

/** The whole effective configuration, defaults included, each value with where it comes from. */
export function effectiveSettings({
  settings,
  origins,
  file,
}: Pick<LoadedConfig, 'settings' | 'origins' | 'file'>): ShownSetting[] {
  const schema = configJsonSchema();
  const filled = withSchemaDefaults(schema, settings);
  const complete = file === null ? inSchemaOrder(schema, filled) : filled;
  return [...leavesOf(complete)].map(([path, value]) => ({
    path: formatPath(path),
    value: showable(path, value),
    origin: originOf(path, origins),
  }));
}

/** The same as a tree, as it may be sent to somebody: secrets are dots. */
export function effectiveTree({ settings }: Pick<LoadedConfig, 'settings'>): unknown {
  return mapLeaves(withSchemaDefaults(configJsonSchema(), settings), showable);
}

/** A variable may give a whole list or map at once. */
function originOf(path: Path, origins: ReadonlyMap<string, string>): string {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = origins.get(formatPath(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return 'default';
}

function withSchemaDefaults(schema: JsonSchema, value: unknown): unknown {
  if (!isBranch(value) || Array.isArray(value)) return value;
  const keys = formsOf(schema, value).flatMap((form) => Object.keys(form.properties ?? {}));
  return [...new Set([...Object.keys(value), ...keys])].reduce<unknown>((filled, key) => {
    const [form] = below(schema, key, value);
    const present = valueAt(value, [key]) ?? form?.default ?? undefined;
    return form === undefined || present === undefined
      ? filled
      : withValue(filled, [key], withSchemaDefaults(form, present));
  }, value);
}
