import { Alert, Card, Code, List, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconBan } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../../src/api/contract.ts';
import { StateBadge } from '../../parts/badge.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Section } from '../../parts/page.tsx';
import { RunProgress } from '../../parts/run-progress.tsx';
import { Said } from '../../parts/said.tsx';
import { useRunWords } from '../../parts/run-words.ts';
import { Time, useNow } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { usePlace } from '../../parts/use-place.ts';
import { BackupLink } from './backup-link.tsx';
import { Comparison } from './comparison.tsx';
import { RestoredParts } from './restored-parts.tsx';
import { resultOf, secondsOf } from './result.ts';
import { RunLog } from './run-log.tsx';
import { WayBack } from './way-back.tsx';

/** Everything there is to know of a run. */
export function RunReport({ run }: { run: RunView }) {
  const { t } = useTranslation();
  const result = resultOf(run);
  const { compared, warnings } = result;
  return (
    <Stack gap="lg">
      {run.finishedAt === null ? <RunProgress run={run} /> : null}
      {run.error === null ? null : <Failed error={run.error} cancelled={run.state === 'cancelled'} />}
      <Summary run={run} />
      {warnings.length === 0 ? null : (
        <Alert color="yellow" variant="light" icon={<IconAlertTriangle aria-hidden />} title={t('activity.warnings')}>
          <List size="sm" style={{ overflowWrap: 'anywhere' }}>
            {warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {compared === null ? null : <Comparison compared={compared} />}
      {run.operation === 'restore' ? <RestoredParts result={result} /> : null}
      <WayBack run={run} />
      <Section title={t('activity.log')}>
        <RunLog run={run} />
      </Section>
    </Stack>
  );
}

function Summary({ run }: { run: RunView }) {
  const { t } = useTranslation();
  const words = useRunWords();
  const place = usePlace();
  const format = useFormat();
  const now = useNow();
  const { target, bytes } = resultOf(run);
  const items = [
    { name: t('activity.state'), value: <StateBadge state={run.state} /> },
    { name: t('activity.began'), value: <Time at={run.startedAt} exact /> },
    { name: t('activity.took'), value: format.seconds(secondsOf(run, now)) },
    { name: t('activity.trigger'), value: words.trigger(run.trigger) },
    ...(run.backup === null ? [] : [{ name: t('activity.backup'), value: <BackupLink run={run} /> }]),
    ...(target === null ? [] : [{ name: t('activity.target'), value: place(target) }]),
    ...(bytes === null ? [] : [{ name: t('activity.size'), value: format.bytes(bytes) }]),
    { name: t('activity.where'), value: t('activity.process', { host: run.host, pid: run.pid }) },
    { name: t('activity.run'), value: <Code>{run.id}</Code> },
  ];
  return (
    <Card withBorder>
      <Facts cols={{ base: 1, sm: 2, lg: 4 }} items={items} />
    </Card>
  );
}

function Failed({ error, cancelled }: { error: NonNullable<RunView['error']>; cancelled: boolean }) {
  const { t } = useTranslation();
  return (
    <Alert
      color={cancelled ? 'gray' : 'red'}
      variant="light"
      icon={cancelled ? <IconBan aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={t(cancelled ? 'activity.wasCancelled' : 'activity.whatWentWrong')}
    >
      <Stack gap={4} style={{ overflowWrap: 'anywhere' }}>
        <Text size="sm">
          <Said text={`${error.message} (${error.code})`} />
        </Text>
        {error.hint === null ? null : (
          <Text size="sm">
            <Said text={error.hint} />
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
