import { below, formsOf, type JsonSchema } from './allowed-keys.ts';
import { isBranch, valueAt, withValue } from './path.ts';

/** The same settings with their keys in the order of the schema: variables have none of their own. */
export function inSchemaOrder(schema: JsonSchema, value: unknown): unknown {
  if (!isBranch(value)) return value;
  const under = (key: string | number) => {
    const [form = {}] = below(schema, key, value);
    return inSchemaOrder(form, valueAt(value, [key]));
  };
  if (Array.isArray(value)) return value.map((_each, index) => under(index));
  const known = formsOf(schema, value).flatMap(({ properties = {} }) => Object.keys(properties));
  const keys = new Set([...known.filter((key) => Object.hasOwn(value, key)), ...Object.keys(value)]);
  return [...keys].reduce<unknown>((ordered, key) => withValue(ordered, [key], under(key)), {});
}
