import { dirname, resolve } from 'node:path';
import { Document, isScalar, Scalar, visit } from 'yaml';
import { Secret } from '../base/secret.ts';
import { below, formsOf, type JsonSchema } from './allowed-keys.ts';
import { escapeReferences, isVerbatim, type WrittenReference } from './interpolate.ts';
import type { LoadedConfig } from './load.ts';
import { formatPath, mapLeaves, valueAt, type Path } from './path.ts';
import { inSchemaOrder } from './schema-order.ts';
import { configJsonSchema } from './schema.ts';
import { isSecretPath, maskAddress, mask } from './secrets.ts';

type Exported = Pick<LoadedConfig, 'settings' | 'origins' | 'references' | 'file'>;

/**
 * The configuration as a `holdfast.yaml` that means the same wherever it lies. Secrets stay references to where they are kept; one
 * that was written out becomes a reference to a variable, with a comment: this text never holds a secret.
 */
export function exportConfig(loaded: Exported): string {
  const schema = configJsonSchema();
  const hidden = new Map<string, string>();
  // A file has an order that somebody chose.
  const settings = loaded.file === null ? inSchemaOrder(schema, loaded.settings) : loaded.settings;
  const tree = mapLeaves(settings, (path, value) =>
    isOwnDefault(path, loaded) ? undefined : exportValue({ path, value, schema, loaded, hidden }),
  );
  const document = new Document(tree);
  document.commentBefore = ` Made by \`holdfast config export\` from ${loaded.file ?? 'the environment'}.`;
  annotate(document, hidden);
  return document.toString({ lineWidth: 0 });
}

/** What depends on the machine, or follows from other settings, is better left open. */
function isOwnDefault(path: Path, { origins }: Exported): boolean {
  const text = formatPath(path);
  return !origins.has(text) && (text === 'instance' || /\.(schedule|drill|verify|report)\.timezone$/.test(text));
}

interface Leaf {
  path: Path;
  value: unknown;
  schema: JsonSchema;
  loaded: Exported;
  hidden: Map<string, string>;
}

function exportValue({ path, value, schema, loaded, hidden }: Leaf): unknown {
  const reference = loaded.references.get(formatPath(path));
  if (value instanceof Secret) {
    if (reference) return withAbsoluteFiles(reference, loaded.file);
    const name = `HOLDFAST_${path.slice(1).join('_')}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
    return placeholder(path, value.reveal(), { name, hidden });
  }
  if (typeof value !== 'string') return value;
  if (isVerbatim(path)) return value;
  return asTyped(value, path, schema, loaded.settings) ?? escapeReferences(value);
}

function placeholder(
  path: Path,
  secret: string,
  { name, hidden }: { name: string; hidden: Map<string, string> },
): string {
  const masked = maskAddress(secret);
  if (isSecretPath(path) || masked.split(mask).length !== 2 || !/^[^?]*••••••@/.test(masked)) {
    hidden.set(`\${${name}}`, ` set ${name} to the value; it is not printed here`);
    return `\${${name}}`;
  }
  const text = masked.split(mask).map(escapeReferences).join(`\${${name}_PASSWORD}`);
  hidden.set(text, ` set ${name}_PASSWORD to the password; it is not printed here`);
  return text;
}

function withAbsoluteFiles({ text }: WrittenReference, file: string | null): string {
  if (file === null) return text;
  return text.replaceAll(
    /\$\{file:([^}]+)\}/g,
    (_whole, path: string) => `\${file:${resolve(dirname(file), path.trim())}}`,
  );
}

/** Variables are text; where the schema takes a number or a truth value, that is what they mean. */
function asTyped(text: string, path: Path, schema: JsonSchema, settings: unknown): number | boolean | null {
  const forms = path
    .reduce<JsonSchema[]>(
      (at, part, index) => at.flatMap((form) => below(form, part, valueAt(settings, path.slice(0, index)))),
      [schema],
    )
    .flatMap((form) => formsOf(form, text));
  const takes = (type: string) => forms.some((form) => form.type === type);
  if ((takes('integer') || takes('number')) && /^(0|[1-9]\d{0,8})$/.test(text)) return Number(text);
  if (takes('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return null;
}

function annotate(document: Document, hidden: ReadonlyMap<string, string>): void {
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key' || !isScalar(node) || typeof node.value !== 'string') return;
      const comment = hidden.get(node.value);
      if (comment) node.comment = comment;
      // References look the same everywhere, and stay one value for people who edit them.
      if (node.value.includes('${')) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
}
