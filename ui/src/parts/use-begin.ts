import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../src/api/contract.ts';
import { rememberRun } from '../api/own-runs.ts';
import { useRunWords } from './run-words.ts';
import { useAct } from './toasts.tsx';

/** Begins work that goes on: says that it has begun, later how it ended, and lets the pages look again. */
export function useBegin<Given = void>(begin: (given: Given) => Promise<{ run: RunView }>, onBegun?: () => void) {
  const { t } = useTranslation();
  const { operation } = useRunWords();
  const queries = useQueryClient();
  return useAct(begin, ({ run }, _given, toasts) => {
    rememberRun(run);
    onBegun?.();
    toasts.begun(t('run.begun', { operation: operation(run.operation), source: run.source ?? '' }));
    for (const key of ['sources', 'source', 'runs']) void queries.invalidateQueries({ queryKey: [key] });
  });
}
