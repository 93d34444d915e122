import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useToasts } from '../../parts/toasts.tsx';
import type { Change } from './fields.ts';
import { useSettings } from './use-settings-form.ts';

export function useSaveChannel(onSaved: () => void) {
  const { t } = useTranslation();
  const { revision } = useSettings();
  const queries = useQueryClient();
  const toasts = useToasts();
  return useMutation({
    mutationFn: (changes: Change[]) =>
      call('PUT', '/settings', { body: { changes, ...(revision === null ? {} : { revision }) } }),
    onSuccess: (view) => {
      queries.setQueryData(['settings'], view);
      void queries.invalidateQueries({ queryKey: ['alerts'] });
      toasts.done(t('settings.saved'));
      onSaved();
    },
  });
}
