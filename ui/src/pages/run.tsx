import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/client.ts';
import { useLive } from '../api/live.ts';
import { Page } from '../parts/page.tsx';
import { useRunWords } from '../parts/run-words.ts';
import { Shown } from '../parts/shown.tsx';
import { RunReport } from './activity/run-report.tsx';

/** One run: how far it is, what it says, how it ended. */
export function Run({ params: { run: id } }: { params: { run: string } }) {
  const { t } = useTranslation();
  const { operation } = useRunWords();
  const live = useLive();
  const run = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('GET', '/runs/{id}', { params: { id }, signal }),
    refetchInterval: ({ state }) => (live || state.data?.finishedAt ? false : 2_000),
  });
  const { data } = run;
  return (
    <Page
      title={
        data
          ? t('activity.of', { operation: operation(data.operation), source: data.source ?? t('activity.everything') })
          : t('activity.run')
      }
      above={[{ label: t('activity.title'), path: '/activity' }]}
    >
      <Shown query={run} back={{ label: t('activity.title'), path: '/activity' }}>
        {(found) => <RunReport run={found} />}
      </Shown>
    </Page>
  );
}
