import { useMutation, useQueryClient } from '@tanstack/react-query';
import { createContext, use, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ResponseOf, Routes } from '../../../../src/api/contract.ts';
import { call, Problem } from '../../api/client.ts';
import { useToasts } from '../../parts/toasts.tsx';
import {
  changesIn,
  draftsOf,
  errorAt,
  originOf,
  pathText,
  type Change,
  type Draft,
  type Field,
  type Path,
} from './fields.ts';
import { wrongValue } from './wrong-value.ts';

export type SettingsView = ResponseOf<Routes['settings']>;

export const SettingsContext = createContext<SettingsView | null>(null);

export function useSettings(): SettingsView {
  const view = use(SettingsContext);
  if (!view) throw new Error('there are no settings here');
  return view;
}

export interface SettingsForm {
  text: (path: Path) => string;
  list: (path: Path) => readonly string[];
  on: (path: Path) => boolean;
  set: (path: Path, draft: Draft) => void;
  /** What the server said about it. */
  error: (path: Path) => string | null;
  origin: (path: Path) => string | null;
  readOnly: boolean;
  changed: boolean;
  busy: boolean;
  /** What went wrong that belongs to no field. */
  failure: Error | null;
  save: () => void;
  discard: () => void;
}

/** Some settings as a form: what was touched, what of it is different, and what the server says about it. */
export function useSettingsForm(
  fields: readonly Field[],
  correct: (changes: Change[]) => Change[] = (changes) => changes,
): SettingsForm {
  const { t } = useTranslation();
  const { settings, origins, writable, revision } = useSettings();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [touched, setTouched] = useState<Record<string, Draft>>({});
  const drafts = { ...draftsOf(fields, settings), ...touched };
  const changes = correct(changesIn(fields, drafts, settings));
  const save = useMutation({
    mutationFn: () => call('PUT', '/settings', { body: { changes, ...(revision === null ? {} : { revision }) } }),
    onSuccess: (view) => {
      queries.setQueryData(['settings'], view);
      setTouched({});
      toasts.done(t('settings.saved'));
    },
    onError: (error) => {
      if (error instanceof Problem && error.status === 409) void queries.invalidateQueries({ queryKey: ['settings'] });
    },
  });
  const errors = save.error instanceof Problem ? save.error.errors : [];
  const said = (message: string) => {
    const wrong = wrongValue(message);
    return wrong === null ? message : t(`settings.wrong.${wrong.word}`, wrong.values);
  };
  const shown = errors.some((each) => fields.some(({ path }) => errorAt(path, [each]) !== null));
  return {
    text: (path) => {
      const draft = drafts[pathText(path)];
      return typeof draft === 'string' ? draft : '';
    },
    list: (path) => {
      const draft = drafts[pathText(path)];
      return typeof draft === 'object' ? draft : [];
    },
    on: (path) => drafts[pathText(path)] === true,
    set: (path, draft) => setTouched((before) => ({ ...before, [pathText(path)]: draft })),
    error: (path) => errorAt(path, errors, said),
    origin: (path) => originOf(path, origins),
    readOnly: !writable,
    changed: changes.length > 0,
    busy: save.isPending,
    failure: shown ? null : save.error,
    save: () => save.mutate(),
    discard: () => {
      setTouched({});
      save.reset();
    },
  };
}
