import type { z } from 'zod';
import type { filterSchema } from '../tree-format.ts';
import { translated, type Ids } from './ids.ts';

type Filter = z.output<typeof filterSchema>;

export interface FilterBody {
  fk_column_id?: string;
  fk_parent_column_id?: string;
  fk_value_col_id?: string;
  enabled?: boolean;
  meta?: Record<string, unknown>;
  is_group?: boolean;
  logical_op?: string;
  comparison_op?: string;
  comparison_sub_op?: string;
  value?: unknown;
  children?: FilterBody[];
}

/** The other fields that a filter may name. */
const named = ['fk_parent_column_id', 'fk_value_col_id'] as const;

/** Filters as NocoDB takes them: groups with what is in them. Of a filter on a field that is gone, only its title can be told. */
export function filterTree(filters: readonly Filter[], ids: Ids): { bodies: FilterBody[]; lost: Filter[] } {
  const lost: Filter[] = [];
  const below = (parent: string | null): FilterBody[] =>
    filters
      .filter(({ fk_parent_id }) => (fk_parent_id ?? null) === parent)
      .toSorted((left, right) => (left.order ?? 0) - (right.order ?? 0))
      .flatMap((filter) => {
        const made = bodyOf(filter);
        if (made === null) lost.push(filter);
        return made === null ? [] : [made];
      });
  const bodyOf = (filter: Filter): FilterBody | null => {
    const fields = fieldsOf(filter, ids);
    if (fields === null) return null;
    const common = {
      ...fields,
      ...(filter.logical_op === null ? {} : { logical_op: filter.logical_op }),
      ...(filter.enabled ? {} : { enabled: false }),
      ...(Object.keys(filter.meta).length === 0 ? {} : { meta: translated(filter.meta, ids) }),
    };
    if (filter.is_group) return { is_group: true, ...common, children: below(filter.id) };
    const column = filter.fk_column_id === null ? undefined : ids.get(filter.fk_column_id);
    if (column === undefined) return null;
    return {
      fk_column_id: column,
      ...common,
      ...(filter.comparison_op === null ? {} : { comparison_op: filter.comparison_op }),
      ...(filter.comparison_sub_op === null ? {} : { comparison_sub_op: filter.comparison_sub_op }),
      ...valueOf(filter, ids),
    };
  };
  return { bodies: below(null), lost };
}

/** Null: one of them does not exist. */
function fieldsOf(filter: Filter, ids: Ids): Pick<FilterBody, (typeof named)[number]> | null {
  const fields: Pick<FilterBody, (typeof named)[number]> = {};
  for (const name of named) {
    const saved = filter[name];
    if (saved === null) continue;
    const now = ids.get(saved);
    if (now === undefined) return null;
    fields[name] = now;
  }
  return fields;
}

/** The value may be the id of a person. */
function valueOf(filter: Filter, ids: Ids): { value?: unknown } {
  const { value } = filter;
  return value === undefined || value === null ? {} : { value: translated(value, ids) };
}
