import { Alert, Button, Card, Menu, Skeleton, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconDatabaseExport, IconDots, IconHistory, IconScissors } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'wouter';
import type { SourceView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { useMay } from '../api/session.ts';
import { Facts } from '../parts/facts.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Page, Section } from '../parts/page.tsx';
import { RunProgress } from '../parts/run-progress.tsx';
import { Said } from '../parts/said.tsx';
import { Shown } from '../parts/shown.tsx';
import { useSourceFacts } from '../parts/source-facts.tsx';
import { SourceState } from '../parts/source-state.tsx';
import { Time } from '../parts/time.tsx';
import { usePlace } from '../parts/use-place.ts';
import { BackUpDialog } from './source/back-up-dialog.tsx';
import { Backups } from './source/backups.tsx';
import { RetentionDialog } from './source/retention-dialog.tsx';

const HistoryChart = lazy(() =>
  import('../parts/history-chart.tsx').then(({ HistoryChart: chart }) => ({ default: chart })),
);

/** One source: how it stands, its backups, what can be done with them. */
export function Source() {
  const { t } = useTranslation();
  const place = usePlace();
  const { source: name = '' } = useParams();
  const source = useQuery({
    queryKey: ['source', name],
    queryFn: ({ signal }) => call('GET', '/sources/{source}', { params: { source: name }, signal }),
  });
  return (
    <Page
      title={name}
      above={[{ label: t('nav.overview'), path: '/' }]}
      about={source.data === undefined ? undefined : place(source.data.database)}
      actions={source.data ? <Actions source={source.data} /> : null}
    >
      <Shown query={source} lines={6}>
        {(found) => <Content source={found} />}
      </Shown>
    </Page>
  );
}

function Actions({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  const [asking, ask] = useDisclosure();
  const [previewing, preview] = useDisclosure();
  const busy = source.running.some(({ operation }) => operation === 'backup');
  const [mayBackUp, mayRestore, mayPrune] = [useMay('backup'), useMay('restore'), useMay('prune')];
  return (
    <>
      {mayBackUp ? (
        <Button
          leftSection={<IconDatabaseExport size={16} aria-hidden />}
          onClick={() => busy || ask.open()}
          // Not `disabled`: whoever has just pressed it by keyboard would lose their place.
          data-disabled={busy}
          aria-disabled={busy}
        >
          {t('source.backUp')}
        </Button>
      ) : null}
      {mayRestore && source.backups > 0 ? (
        <LinkButton
          to={`/restore?source=${encodeURIComponent(source.name)}`}
          variant="default"
          leftSection={<IconHistory size={16} aria-hidden />}
        >
          {t('source.restore')}
        </LinkButton>
      ) : null}
      {mayPrune ? (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px="xs" aria-label={t('source.actions')}>
              <IconDots size={18} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconScissors size={16} aria-hidden />} onClick={preview.open}>
              {t('source.retention')}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : null}
      <BackUpDialog source={source.name} opened={asking} onClose={ask.close} />
      <RetentionDialog source={source.name} opened={previewing} onClose={preview.close} />
    </>
  );
}

function Content({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  const facts = useSourceFacts(source);
  return (
    <>
      {source.running.length === 0 ? null : (
        <Section title={t('source.running')}>
          {source.running.map((run) => (
            <RunProgress key={run.id} run={run} />
          ))}
        </Section>
      )}
      {source.failed?.error ? (
        <Alert variant="light" color="red" icon={<IconAlertTriangle aria-hidden />} title={t('source.failed')}>
          <Stack gap={4}>
            <Text size="sm">
              <Said text={source.failed.error.message} /> ({source.failed.error.code}),{' '}
              <Time at={source.failed.startedAt} />
            </Text>
            {source.failed.error.hint === null ? null : (
              <Text size="sm">
                <Said text={source.failed.error.hint} />
              </Text>
            )}
          </Stack>
        </Alert>
      ) : null}
      <Card withBorder padding="md">
        <Stack gap="md">
          <SourceState source={source} />
          <Facts items={facts.slice(0, 4)} />
        </Stack>
      </Card>
      <Section title={t('source.history')}>
        <Card withBorder padding="md">
          {source.sizes.length < 2 ? (
            <Text size="sm" c="dimmed">
              {t('source.historyNone')}
            </Text>
          ) : (
            <Suspense fallback={<Skeleton height={206} />}>
              <HistoryChart sizes={source.sizes} />
            </Suspense>
          )}
        </Card>
      </Section>
      <Backups source={source} />
    </>
  );
}
