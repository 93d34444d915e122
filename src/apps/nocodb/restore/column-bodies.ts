import type { Column } from '../tree-format.ts';
import { option } from './column-kinds.ts';
import { formulaFor } from './formulas.ts';
import { translated, type Ids } from './ids.ts';

/** What NocoDB is asked to make; the name in the database is its own business, since a name that is used twice mixes up values. */
export type Body = Record<string, unknown>;

export function plainBody(column: Column): Body {
  return {
    ...common(column),
    ...(column.pv ? { pv: true } : {}),
    ...(column.unique ? { unique: true } : {}),
    ...defaultOf(column),
    ...optionsOf(column),
  };
}

function common({ title, uidt, description, meta }: Column): Body {
  return {
    title,
    uidt,
    ...(description === null ? {} : { description }),
    ...(Object.keys(meta).length === 0 ? {} : { meta: cleanMeta(meta) }),
  };
}

/** Where the column stands in the default view is part of that view. */
function cleanMeta(meta: Record<string, unknown>): Record<string, unknown> {
  const { defaultViewColOrder, defaultViewColVisibility, ...rest } = meta;
  void defaultViewColOrder;
  void defaultViewColVisibility;
  return rest;
}

/** PostgreSQL tells a default as it stands in its catalog: `'to do'::text`. */
function defaultOf({ cdf }: Column): Body {
  if (cdf === null || cdf === undefined || cdf === '') return {};
  if (typeof cdf !== 'string') return { cdf };
  const quoted = /^'((?:[^']|'')*)'(?:::[\w ]+)?$/.exec(cdf);
  return { cdf: quoted?.[1] === undefined ? cdf : quoted[1].replaceAll("''", "'") };
}

export interface SelectOption {
  id: string | null;
  title: string;
  color: string | null;
}

export function selectOptions({ colOptions }: Column): SelectOption[] {
  const options = colOptions?.['options'];
  if (!Array.isArray(options)) return [];
  return (options as Record<string, unknown>[])
    .toSorted((left, right) => Number(left['order'] ?? 0) - Number(right['order'] ?? 0))
    .map(({ id, title, color }) => ({
      id: typeof id === 'string' ? id : null,
      title: typeof title === 'string' ? title : '',
      color: typeof color === 'string' ? color : null,
    }));
}

function optionsOf(column: Column): Body {
  if (column.uidt !== 'SingleSelect' && column.uidt !== 'MultiSelect') return {};
  const options = selectOptions(column).map(({ title, color }, index) => ({
    title,
    order: index + 1,
    ...(color === null ? {} : { color }),
  }));
  return { colOptions: { options } };
}

export interface Virtual {
  /** Null: it cannot be made. */
  body: Body | null;
  reason: string;
}

/** A computed column; all that it is computed from must be in `ids`. `titles`: by id in the backup. */
export function virtualBody(column: Column, ids: Ids, titles: ReadonlyMap<string, string>): Virtual {
  const broken = column.colOptions?.['error'];
  if (typeof broken === 'string' && broken !== '') return cannot('it is broken in the original as well');
  const made = (rest: Body): Virtual => ({
    body: { ...common(column), ...(column.meta === undefined ? {} : metaOf(column, ids)), ...rest },
    reason: '',
  });
  switch (column.uidt) {
    case 'Lookup':
      return withAll(column, ['fk_relation_column_id', 'fk_lookup_column_id'], ids, made);
    case 'Rollup':
      return withAll(column, ['fk_relation_column_id', 'fk_rollup_column_id'], ids, (references) =>
        made({ ...references, rollup_function: option(column, 'rollup_function') }),
      );
    case 'QrCode':
      return withAll(column, ['fk_qr_value_column_id'], ids, made);
    case 'Barcode':
      return withAll(column, ['fk_barcode_value_column_id'], ids, (references) =>
        made({ ...references, ...picked(column, ['barcode_format']) }),
      );
    case 'Formula':
      return made({ formula_raw: formulaFor(column, ids, titles), ...picked(column, ['parsed_tree_version']) });
    case 'Button':
      return buttonBody(column, ids, titles, made);
    default:
      return cannot(`this program does not know fields of type ${column.uidt}`);
  }
}

function buttonBody(
  column: Column,
  ids: Ids,
  titles: ReadonlyMap<string, string>,
  made: (rest: Body) => Virtual,
): Virtual {
  const look = picked(column, ['label', 'theme', 'color', 'icon']);
  const type = option(column, 'type') ?? 'url';
  if (type === 'url') return made({ type, ...look, formula_raw: formulaFor(column, ids, titles) });
  if (type === 'webhook')
    return withAll(column, ['fk_webhook_id'], ids, (references) => made({ type, ...look, ...references }));
  return cannot(`NocoDB makes no buttons of type ${type} through its API`);
}

function withAll(column: Column, names: readonly string[], ids: Ids, make: (references: Body) => Virtual): Virtual {
  const references: Body = {};
  for (const name of names) {
    const old = option(column, name);
    const now = old === null ? undefined : ids.get(old);
    if (now === undefined) return cannot('what it is computed from does not exist');
    references[name] = now;
  }
  return make(references);
}

function metaOf({ meta }: Column, ids: Ids): Body {
  return Object.keys(meta).length === 0 ? {} : { meta: translated(cleanMeta(meta), ids) };
}

function picked(column: Column, wanted: readonly string[]): Body {
  return Object.fromEntries(
    wanted.flatMap((name) => {
      const value = column.colOptions?.[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}

function cannot(reason: string): Virtual {
  return { body: null, reason };
}
