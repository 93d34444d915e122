import type { SavedView, View } from '../tree-format.ts';
import type { Body } from './column-bodies.ts';
import { translated, type Ids } from './ids.ts';

interface ViewKind {
  /** In the address: `/api/v2/meta/tables/:table/grids`. */
  path: string;
  /** What is only set for this kind, and by its own request. */
  settings: readonly string[];
  /** What it must be made with. */
  making: readonly string[];
}

const kinds = new Map<number, ViewKind>([
  [
    1,
    {
      path: 'forms',
      settings: [
        'heading',
        'subheading',
        'success_msg',
        'redirect_url',
        'redirect_after_secs',
        'email',
        'submit_another_form',
        'show_blank_form',
        'banner_image_url',
        'logo_url',
        'meta',
      ],
      making: [],
    },
  ],
  [2, { path: 'galleries', settings: ['fk_cover_image_col_id', 'meta'], making: ['fk_cover_image_col_id'] }],
  [3, { path: 'grids', settings: ['row_height', 'meta'], making: [] }],
  [
    4,
    {
      path: 'kanbans',
      settings: ['fk_grp_col_id', 'fk_cover_image_col_id', 'meta'],
      making: ['fk_grp_col_id', 'fk_cover_image_col_id'],
    },
  ],
  [6, { path: 'calendars', settings: ['meta'], making: [] }],
]);

export const viewKindNames: Readonly<Record<number, string>> = {
  1: 'form',
  2: 'gallery',
  3: 'grid',
  4: 'kanban',
  5: 'map',
  6: 'calendar',
};

export function viewKind({ type }: View): ViewKind | null {
  return kinds.get(type) ?? null;
}

export function newViewBody({ view }: SavedView, kind: ViewKind, ids: Ids): Body {
  return { title: view.title, type: view.type, ...part(view, kind.making, ids), ...calendarRange(view, ids) };
}

/** What is kept by the view itself, whatever its kind. */
export function viewBody({ view }: SavedView, ids: Ids): Body {
  const { description, lock_type, show_system_fields } = view;
  return {
    title: view.title,
    ...(view.order === null ? {} : { order: view.order }),
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof lock_type === 'string' ? { lock_type } : {}),
    ...(show_system_fields === undefined || show_system_fields === null
      ? {}
      : { show_system_fields: show_system_fields === true || show_system_fields === 1 }),
    ...(Object.keys(view.meta).length === 0 ? {} : { meta: cleanMeta(translated(view.meta, ids)) }),
  };
}

export function kindBody({ view }: SavedView, kind: ViewKind, ids: Ids): Body {
  return part(view, kind.settings, ids);
}

function part({ view }: View, wanted: readonly string[], ids: Ids): Body {
  return Object.fromEntries(
    wanted.flatMap((name) => {
      const value = view?.[name];
      // Of a cover, nothing would be the first field of files.
      if (value === null && name === 'fk_cover_image_col_id') return [[name, null]];
      if (value === undefined || value === null) return [];
      return [[name, name === 'meta' ? cleanMeta(translated(settingsOf(value), ids)) : translated(value, ids)]];
    }),
  );
}

function settingsOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return {};
  }
}

/** A kanban keeps a copy of the field it groups by, as that was once. */
function cleanMeta(meta: unknown): unknown {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return meta;
  const { groupingFieldColumn, ...rest } = meta as Record<string, unknown>;
  void groupingFieldColumn;
  return rest;
}

function calendarRange({ type, view }: View, ids: Ids): Body {
  const ranges = view?.['calendar_range'];
  if (type !== 6 || !Array.isArray(ranges)) return {};
  return {
    calendar_range: (ranges as Record<string, unknown>[]).flatMap(({ fk_from_column_id, fk_to_column_id }) => {
      const from = typeof fk_from_column_id === 'string' ? ids.get(fk_from_column_id) : undefined;
      const to = typeof fk_to_column_id === 'string' ? ids.get(fk_to_column_id) : undefined;
      return from === undefined
        ? []
        : [{ fk_from_column_id: from, ...(to === undefined ? {} : { fk_to_column_id: to }) }];
    }),
  };
}

const fieldSettings: Readonly<Record<number, readonly string[]>> = {
  1: ['label', 'help', 'description', 'required', 'show', 'order', 'meta', 'enable_scanner'],
  3: ['show', 'order', 'width', 'group_by', 'group_by_order', 'group_by_sort', 'aggregation'],
};

/** How a field stands in a view, as NocoDB takes it. */
export function fieldBody(field: Readonly<Record<string, unknown>>, type: number, ids: Ids): Body {
  return Object.fromEntries(
    (fieldSettings[type] ?? ['show', 'order']).flatMap((name) => {
      const value = field[name];
      // Of a cover, nothing would be the first field of files.
      if (value === null && name === 'fk_cover_image_col_id') return [[name, null]];
      if (value === undefined || value === null) return [];
      return [[name, name === 'meta' ? translated(settingsOf(value), ids) : truthful(name, value)]];
    }),
  );
}

/** 0 and 1 are what SQLite makes of them. */
function truthful(name: string, value: unknown): unknown {
  return ['show', 'required', 'group_by', 'enable_scanner'].includes(name)
    ? value === true || value === 1 || value === '1'
    : value;
}

export function fieldPath(type: number, view: string, field: string): string {
  if (type === 3) return `/api/v2/meta/grid-columns/${field}`;
  if (type === 1) return `/api/v2/meta/form-columns/${field}`;
  return `/api/v2/meta/views/${view}/columns/${field}`;
}
