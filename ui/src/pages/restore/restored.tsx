import { Alert, Group, List, Stack, Text } from '@mantine/core';
import { IconCircleCheck, IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { useLive } from '../../api/live.ts';
import { LinkButton } from '../../parts/link-button.tsx';
import { Page } from '../../parts/page.tsx';
import { Shown } from '../../parts/shown.tsx';
import { resultOf } from '../activity/result.ts';
import { RunReport } from '../activity/run-report.tsx';

/** A restore that was begun here: how far it is, how it ended, what to do now. */
export function Restored({ id, kind }: { id: string; kind: string | null }) {
  const { t } = useTranslation();
  const live = useLive();
  const run = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('GET', '/runs/{id}', { params: { id }, signal }),
    refetchInterval: ({ state }) => (live || state.data?.finishedAt ? false : 2_000),
  });
  const source = run.data?.source ?? '';
  return (
    <Page
      title={run.data ? t('restore.of', { source }) : t('restore.title')}
      above={[{ label: t('restore.title'), path: '/restore' }]}
    >
      <Shown query={run}>
        {(found) => (
          <>
            <Next run={found} kind={kind} />
            <RunReport run={found} />
          </>
        )}
      </Shown>
    </Page>
  );
}

function Next({ run, kind }: { run: RunView; kind: string | null }) {
  const { t } = useTranslation();
  const { source, backup, state, finishedAt } = run;
  if (finishedAt === null) return null;
  if (state === 'succeeded') {
    const { previous, compared } = resultOf(run);
    return (
      <Alert
        role="status"
        variant="light"
        color="teal"
        icon={<IconCircleCheck aria-hidden />}
        title={t(compared ? 'restore.done' : 'restore.doneUncompared')}
      >
        <List size="sm" style={{ overflowWrap: 'anywhere' }}>
          <List.Item>{t('restore.nextLook')}</List.Item>
          <List.Item>{t('restore.nextBackup')}</List.Item>
          {previous === null ? null : <List.Item>{t('restore.nextDrop', { previous })}</List.Item>}
        </List>
      </Alert>
    );
  }
  const again = (
    <Group>
      <LinkButton
        variant="default"
        to={`/restore?source=${encodeURIComponent(source ?? '')}&id=${encodeURIComponent(backup ?? '')}`}
      >
        {t('restore.tryAgain')}
      </LinkButton>
    </Group>
  );
  if (state === 'partial' || kind === 'bases') {
    return (
      <Alert
        role="status"
        variant="light"
        color="yellow"
        icon={<IconInfoCircle aria-hidden />}
        title={t(state === 'partial' ? 'restore.inPart' : 'restore.notToItsEnd')}
      >
        <Stack gap="sm" align="flex-start">
          <Text size="sm">{t('restore.resumable')}</Text>
          {again}
        </Stack>
      </Alert>
    );
  }
  return (
    <Alert
      role="status"
      variant="light"
      color="cyan"
      icon={<IconInfoCircle aria-hidden />}
      title={t(
        run.error?.code === 'INTERRUPTED'
          ? 'restore.unsure'
          : kind === 'files'
            ? 'restore.untouchedFiles'
            : 'restore.untouched',
      )}
    >
      {again}
    </Alert>
  );
}
