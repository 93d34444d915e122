import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/client.ts';
import { rememberRun } from '../api/own-runs.ts';
import { useAct } from './toasts.tsx';

interface Wish {
  source: string;
  description: string | null;
}

/** Begins a backup and says so; how it goes on is told by events. */
export function useBackUp(onBegun?: () => void) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  return useAct(
    ({ source, description }: Wish) => call('POST', '/backups', { body: { source, description } }),
    ({ run }, { source }, toasts) => {
      rememberRun(run);
      onBegun?.();
      toasts.begun(t('run.begun', { operation: t('operations.backup'), source }));
      for (const key of ['sources', 'source', 'runs']) void queries.invalidateQueries({ queryKey: [key] });
    },
  );
}
