import { valueAt } from './path.ts';
import type { AllowedKeys } from './problems.ts';

/** The parts of JSON Schema that the schema of the configuration is made of. */
export interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  description?: string;
}

/** Asks the schema which keys may stand at a path; where kinds differ (`type: local`), the kind decides, or is what is allowed. */
export function allowedKeysOf(schema: JsonSchema, tree: unknown): AllowedKeys {
  return (path) => {
    const at = path.reduce<JsonSchema[]>(
      (forms, part, index) => forms.flatMap((form) => below(form, part, valueAt(tree, path.slice(0, index)))),
      [schema],
    );
    const forms = at.flatMap((form) => formsOf(form, valueAt(tree, path)));
    const keys = forms.flatMap((form) => Object.keys(form.properties ?? {}));
    return keys.length === 0 ? null : [...new Set(keys)];
  };
}

/** A schema, or those of its alternatives that fit what is written. */
export function formsOf(schema: JsonSchema, written: unknown): JsonSchema[] {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (!alternatives) return [schema];
  const fitting = alternatives.filter((form) => mayBe(form, written));
  return (fitting.length > 0 ? fitting : alternatives).flatMap((form) => formsOf(form, written));
}

export function below(schema: JsonSchema, part: string | number, written: unknown): JsonSchema[] {
  return formsOf(schema, written).flatMap((form) => {
    if (typeof part === 'number') return form.items ? [form.items] : [];
    const own =
      form.properties && Object.hasOwn(form.properties, part) ? form.properties[part] : form.additionalProperties;
    return typeof own === 'object' ? [own] : [];
  });
}

function mayBe(form: JsonSchema, written: unknown): boolean {
  const isMap = typeof written === 'object' && written !== null && !Array.isArray(written);
  if (form.type === 'object') {
    const fits = ([key, { const: fixed, enum: words }]: [string, JsonSchema]) => {
      const said = valueAt(written, [key]);
      const needed = (form.required ?? []).includes(key);
      if (fixed !== undefined) return said === fixed || (said === undefined && !needed);
      // One of several engines with the same settings; other lists of words may hold a slip.
      return words === undefined || !needed || words.includes(said);
    };
    return isMap && Object.entries(form.properties ?? {}).every(fits);
  }
  return form.type === undefined || !isMap;
}
